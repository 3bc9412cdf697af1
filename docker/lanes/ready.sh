#!/bin/bash
# Health check of a container with Holdfast: 0 when its admin endpoint says ready. Opens no connection to php-fpm.
exec 3<>/dev/tcp/127.0.0.1/9180 || exit 1
printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[[ $status == 200 ]]

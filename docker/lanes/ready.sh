#!/bin/bash
# Health check of a container with Holdfast: 0 when its admin endpoint answers 200. Opens no connection to php-fpm.
#
#   holdfast-ready [PATH [PORT]]    PATH: /readyz (php-fpm is there) unless given, or /healthz (the process); PORT: 9180
exec 3<>"/dev/tcp/127.0.0.1/${2:-9180}" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "${1:-/readyz}" >&3
read -r _ status _ <&3
[[ $status == 200 ]]

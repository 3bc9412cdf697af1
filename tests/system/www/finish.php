<?php
// Answers, tells php-fpm that the response is done, works on (until the file `r` is there, if one is named) and
// then prints what looks like a response of its own: php-fpm writes it to the kept connection.
require __DIR__ . '/wait.inc';
ignore_user_abort(true); // the connection may be closed by then, and `strays` must be noted all the same
$tag = $_GET['t'];
header('Content-Type: text/plain');
echo "$tag\n";
fastcgi_finish_request();
note("finished-$tag");
isset($_GET['r']) ? wait_for($_GET['r']) : usleep(1000 * (int) ($_GET['ms'] ?? 2));
echo "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10240\r\n\r\n", str_repeat("STRAY $tag ", 900);
flush();
file_put_contents($_SERVER['RECORD_DIR'] . '/strays', "$tag\n", FILE_APPEND | LOCK_EX);

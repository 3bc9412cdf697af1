<?php
// Sends its page, works on for a moment and then prints 10 KB: a report, with a head of its own when `head` is given.
ignore_user_abort(true); // the connection may be closed by then, and `printed` must be noted all the same
$tag = $_GET['t'];
header('Content-Type: text/plain');
echo "page of $tag\n";
fastcgi_finish_request();
usleep(40000);
echo isset($_GET['head']) ? "Content-Type: text/plain\r\n\r\n" : '', str_repeat("report of $tag, for nobody else\n", 320);
flush();
file_put_contents($_SERVER['RECORD_DIR'] . '/printed', "$tag\n", FILE_APPEND | LOCK_EX);

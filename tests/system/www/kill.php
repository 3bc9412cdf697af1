<?php
// Its worker kills itself in mid-script: each time, or only until the file `once` is there. With `body`: after
// the first bytes of the response have gone out.
file_put_contents($_SERVER['RECORD_DIR'] . '/runs', "{$_GET['t']}\n", FILE_APPEND | LOCK_EX);
header('Content-Type: text/plain');
$once = isset($_GET['once']) ? $_SERVER['RECORD_DIR'] . '/' . $_GET['once'] : null;
if ($once && file_exists($once)) {
    echo $_GET['t'], "\n";
    exit;
}
if ($once) {
    touch($once);
}
if (isset($_GET['body'])) {
    echo str_repeat('x', 20000);
    flush();
}
function_exists('posix_kill') ? posix_kill(getmypid(), 9) : exec('kill -9 ' . getmypid());
sleep(10);

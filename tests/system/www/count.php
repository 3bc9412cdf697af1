<?php
// Notes that it ran (one line a run), then answers with the tag and the length of the body it was sent.
file_put_contents($_SERVER['RECORD_DIR'] . '/runs', "{$_GET['t']}\n", FILE_APPEND | LOCK_EX);
header('Content-Type: text/plain');
echo $_GET['t'], ' ', strlen(file_get_contents('php://input')), "\n";

<?php
// Runs until the file `r` is there. Notes `started-TAG`, then one line in `runs`.
require __DIR__ . '/wait.inc';
$tag = $_GET['t'];
file_put_contents($_SERVER['RECORD_DIR'] . '/runs', "$tag\n", FILE_APPEND | LOCK_EX);
note("started-$tag");
wait_for($_GET['r']);
header('Content-Type: text/plain');
echo "$tag\n";

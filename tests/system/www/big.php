<?php
// `mb` MiB in blocks of 64 KiB, each filled with its own number; `length`: with a Content-Length. Notes
// `written-TAG` when php has handed over the last byte.
$blocks = 16 * (int) $_GET['mb'];
header('Content-Type: application/octet-stream');
if (isset($_GET['length'])) {
    header('Content-Length: ' . $blocks * 65536);
}
for ($i = 0; $i < $blocks; $i++) {
    echo str_repeat(pack('J', $i), 8192);
}
flush();
touch($_SERVER['RECORD_DIR'] . "/written-{$_GET['t']}");

<?php
// Streams without end, and notes in `sent-TAG` how many bytes php-fpm took.
header('X-Accel-Buffering: no');
header('Content-Type: application/octet-stream');
$block = str_repeat('e', 65536);
for ($bytes = 0; $bytes < 1 << 31; $bytes += 65536) {
    echo $block;
    flush();
    file_put_contents($_SERVER['RECORD_DIR'] . "/sent-{$_GET['t']}", (string) $bytes);
}

<?php
// Notes the sockets of its worker: the one that listens, the same for all, and the connection that this request came
// over. The kernel gives no number of a socket twice.
$sockets = [];
foreach (scandir('/proc/self/fd') as $fd) {
    $target = @readlink("/proc/self/fd/$fd");
    if ($target !== false && str_starts_with($target, 'socket:')) {
        $sockets[] = $target;
    }
}
file_put_contents($_SERVER['RECORD_DIR'] . '/sockets', implode(' ', $sockets) . "\n", FILE_APPEND | LOCK_EX);
echo "noted\n";

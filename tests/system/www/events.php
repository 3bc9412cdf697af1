<?php
// Writes and flushes for ever, each `ms` milliseconds (50), after `wait` of them; ends when php sees that nobody
// reads, which it notes in `ended-TAG`. `as`: sse, accel (X-Accel-Buffering: no), else a page that is flushed.
$tag = $_GET['t'];
register_shutdown_function(fn() => touch($_SERVER['RECORD_DIR'] . "/ended-$tag"));
touch($_SERVER['RECORD_DIR'] . "/began-$tag");
usleep(1000 * (int) ($_GET['wait'] ?? 0));
match ($_GET['as'] ?? '') {
    'sse' => header('Content-Type: text/event-stream'),
    'accel' => header('X-Accel-Buffering: no'),
    default => header('Content-Type: text/plain'),
};
for ($i = 0;; $i++) {
    echo "data: $tag $i\n\n";
    flush();
    usleep(1000 * (int) ($_GET['ms'] ?? 50));
}

<?php
// Events, each flushed; waits for the client's file `ack-TAG-N` before the next. `sse`: as text/event-stream,
// else with X-Accel-Buffering: no.
require __DIR__ . '/wait.inc';
isset($_GET['sse']) ? header('Content-Type: text/event-stream') : header('X-Accel-Buffering: no');
for ($i = 0; $i < (int) $_GET['events']; $i++) {
    echo "data: {$_GET['t']} $i\n\n";
    flush();
    wait_for("ack-{$_GET['t']}-$i");
}
echo "data: end\n\n";

<?php
// Five lines, one a second, each flushed. The header below asks the web server not to buffer.

declare(strict_types=1);
require __DIR__ . '/include/layout.php';

header('X-Accel-Buffering: no');
header('Cache-Control: no-store');
while (ob_get_level() > 0) {
    ob_end_flush();
}

page_start('A stream', 'The header <code>X-Accel-Buffering: no</code> makes Holdfast pass on each piece as PHP flushes it. Without
it, a page is taken as fast as PHP gives it and sent at the client\'s pace.');
echo '<ol class="stream">', "\n";
for ($line = 1; $line <= 5; $line++) {
    printf("<li><time>%s</time> line %d of 5</li>\n", date('H:i:s'), $line);
    flush();
    if ($line < 5) {
        sleep(1);
    }
}
echo "</ol>\n";
page_end();

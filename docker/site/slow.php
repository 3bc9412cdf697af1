<?php
// Sleeps for ?ms= milliseconds, then says so: a stand-in for a script that waits for a database.

declare(strict_types=1);
require __DIR__ . '/include/layout.php';

$ms = number('ms', 300, 0, 10000);
$start = hrtime(true);
usleep($ms * 1000);
$slept = (hrtime(true) - $start) / 1e6;

page_start('A slow page', 'This request had one connection to php-fpm for itself, for as long as the script ran. When all
are taken, the next requests wait in Holdfast in the order they came; one that waits too long gets 503 with Retry-After, and
one whose client leaves never reaches PHP.');
?>
<p class="figure"><b><?= number_format($slept, 0) ?> ms</b> slept, <?= $ms ?> ms asked for</p>
<?php choices('ms', 'ms', $ms, [0, 100, 300, 1000, 3000]); ?>
<p>Forty of them at once, over the same few connections:</p>
<pre><code>ab -n 40 -c 40 "http://<?= e($_SERVER['HTTP_HOST'] ?? 'localhost') ?>/slow.php?ms=<?= $ms ?>"</code></pre>
<?php
page_end();

<?php
// Sends its page by fastcgi_finish_request(), works on for ?ms= milliseconds, and notes when it ended; the next page
// shows that note.

declare(strict_types=1);
require __DIR__ . '/include/layout.php';

$ms = number('ms', 2000, 0, 10000);
$note = sys_get_temp_dir() . '/holdfast-site-finish-' . getmyuid();
$last = is_file($note) && !is_link($note) ? (string) file_get_contents($note, length: 200) : '';

page_start('Work after the answer', 'The page is complete, the script is not. Holdfast asks the worker with an empty message
whether it is done, and gives its connection to the next request only when it has answered. Nobody waits behind your
background work, and nothing it prints can end up in someone else\'s page.');
?>
<p class="figure"><b><?= number_format($ms) ?> ms</b> of work begin when this page is sent</p>
<?php choices('ms', 'ms', $ms, [0, 500, 2000, 5000]); ?>
<p><?= $last === '' ? 'No work has ended yet: reload in a moment.' : e($last) ?></p>
<?php
page_end();

// Only php-fpm has it; elsewhere the page comes when the work is done.
if (function_exists('fastcgi_finish_request')) {
    fastcgi_finish_request();
}
usleep($ms * 1000);
if (!is_link($note)) {
    $text = sprintf('The last work, %s ms of worker %d, ended at %s.', number_format($ms), getmypid(), date('H:i:s'));
    file_put_contents($note, $text, LOCK_EX);
}

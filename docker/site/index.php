<?php
// Front page: what Holdfast is, in a picture, and the way to the other pages.

declare(strict_types=1);
require __DIR__ . '/include/layout.php';

const DEMOS = [
    'form.php' => ['Form and upload', 'The body is complete before a worker hears of it.'],
    'slow.php' => ['A slow page', 'Takes a connection for as long as it runs; the others wait in line.'],
    'size.php' => ['A page of any size', 'Taken from PHP at once, handed out at the client\'s pace.'],
    'stream.php' => ['A stream', 'A line a second, each sent on as it comes.'],
    'finish.php' => ['Work after the answer', 'The script goes on; no one is put on its connection.'],
    'info.php' => ['This request', 'What PHP was told about it, name by name.'],
];

page_start('Few connections, kept');
?>
<p class="lead">Holdfast is an HTTP server and FastCGI connection pooler for php-fpm. Every request travels over a small,
fixed number of connections that stay open, so sockets in TIME_WAIT do not pile up, ports do not run out, and php-fpm is
never asked for more than it has workers for.</p>

<figure class="flow" aria-label="Many clients, one queue, few kept connections, php-fpm workers">
<div class="stage"><div class="dots"><?= str_repeat('<i></i>', 24) ?></div><b>clients</b><span>any number</span></div>
<div class="arrow" aria-hidden="true"></div>
<div class="stage"><div class="queue"><?= str_repeat('<i></i>', 6) ?></div><b>queue</b><span>first come, first served</span></div>
<div class="arrow" aria-hidden="true"></div>
<div class="stage"><div class="pool"><?= str_repeat('<i></i>', 4) ?></div><b>connections</b><span>kept, never more than set</span></div>
<div class="arrow" aria-hidden="true"></div>
<div class="stage"><div class="workers"><?= str_repeat('<i></i>', 4) ?></div><b>php-fpm</b><span>busy with PHP only</span></div>
</figure>

<h2>Try it</h2>
<ul class="cards">
<?php foreach (DEMOS as $file => [$name, $text]) { ?>
<li><a href="/<?= e($file) ?>"><b><?= e($name) ?></b><span><?= e($text) ?></span></a></li>
<?php } ?>
</ul>

<h2>Watch it</h2>
<p>In another terminal:</p>
<pre><code>build/release/holdfast sockets --watch     <i># socket states, total and by port</i>
build/release/holdfast status              <i># the pool and its queue</i></code></pre>
<?php
page_end();

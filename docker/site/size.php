<?php
// A page of exactly ?kb= KiB.

declare(strict_types=1);
require __DIR__ . '/include/layout.php';

const FILLER = "The rope holds, the ship lies still, and the tide goes by.\n";

$kb = number('kb', 20, 4, 10240);

ob_start();
page_start('A page of ' . number_format($kb) . ' KB', 'PHP hands a page over as fast as Holdfast can take it, and its worker is
free again; a slow client then reads from Holdfast. On a kept TCP connection pages over 8 KB are usually held up for 40 ms by
delayed acknowledgements: Holdfast acknowledges at once.');
choices('kb', 'KB', $kb, [4, 20, 100, 1000, 10000]);
echo '<pre class="filler">';
$head = ob_get_clean();

ob_start();
echo "</pre>\n";
page_end();
$foot = ob_get_clean();

$fill = max(0, $kb * 1024 - strlen($head) - strlen($foot));
header('Content-Length: ' . strlen($head) + $fill + strlen($foot));
echo $head, substr(str_repeat(FILLER, intdiv($fill, strlen(FILLER)) + 1), 0, $fill), $foot;

<?php
// Answers with the tag `t`, repeated up to `n` bytes.
$tag = $_GET['t'] ?? '';
$bytes = (int) ($_GET['n'] ?? 0);
header('Content-Type: text/plain');
header("X-Tag: $tag");
$line = "$tag\n";
echo $bytes ? substr(str_repeat($line, intdiv($bytes, strlen($line)) + 1), 0, $bytes) : $line;

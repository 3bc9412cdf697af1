<?php
// `n` lines of error log of about 1 KB each before the head; `text`: one line with control characters.
for ($i = 0; $i < (int) ($_GET['n'] ?? 0); $i++) {
    error_log("noise-$i-" . str_repeat('.', 1000) . '-end');
}
if (isset($_GET['text'])) {
    error_log($_GET['text']);
}
header('Content-Type: text/plain');
echo $_GET['t'], "\n";

<?php
// Takes `ms` milliseconds, then answers with the tag.
usleep(1000 * (int) $_GET['ms']);
header('Content-Type: text/plain');
echo $_GET['t'], "\n";

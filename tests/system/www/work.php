<?php
// Answers with the tag `t` after `us` microseconds: workers, not clients, are what is short then.
usleep((int) $_GET['us']);
header('Content-Type: text/plain');
header("X-Tag: {$_GET['t']}");
echo $_GET['t'], "\n";

<?php
// A response as the query wants it: `status`, `h[]` header lines, `body`.
if (isset($_GET['status'])) {
    http_response_code((int) $_GET['status']);
}
foreach ($_GET['h'] ?? [] as $line) {
    header($line, false);
}
echo $_GET['body'] ?? '';

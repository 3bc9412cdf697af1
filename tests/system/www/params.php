<?php
// What PHP sees, as JSON.
header('Content-Type: application/json');
echo json_encode(['server' => $_SERVER, 'get' => $_GET, 'post' => $_POST, 'cookie' => $_COOKIE,
    'script' => __FILE__, 'proxy' => getenv('HTTP_PROXY')], JSON_INVALID_UTF8_SUBSTITUTE);

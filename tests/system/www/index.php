<?php
// The front controller: says how it was reached.
header('Content-Type: application/json');
echo json_encode(['uri' => $_SERVER['REQUEST_URI'], 'script' => $_SERVER['SCRIPT_NAME'],
    'path_info' => $_SERVER['PATH_INFO'] ?? null, 'query' => $_SERVER['QUERY_STRING']]);

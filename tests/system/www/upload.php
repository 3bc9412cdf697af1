<?php
// Size and md5 of the body, and what CONTENT_LENGTH promised.
$hash = hash_init('md5');
$bytes = 0;
$in = fopen('php://input', 'rb');
while (($piece = fread($in, 65536)) !== false && $piece !== '') {
    hash_update($hash, $piece);
    $bytes += strlen($piece);
}
header('Content-Type: application/json');
echo json_encode(['bytes' => $bytes, 'md5' => hash_final($hash), 'length' => $_SERVER['CONTENT_LENGTH'] ?? null,
    'coding' => $_SERVER['HTTP_TRANSFER_ENCODING'] ?? null, 'post' => $_POST]);

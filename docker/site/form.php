<?php
// A form with a text and a file; shows what arrived. Nothing is kept.

declare(strict_types=1);
require __DIR__ . '/include/layout.php';

// What became of the upload, as rows for the table.
function upload_rows(array $file): array
{
    $errors = [
        UPLOAD_ERR_INI_SIZE => 'larger than upload_max_filesize, ' . ini_get('upload_max_filesize'),
        UPLOAD_ERR_PARTIAL => 'only a part of it arrived',
        UPLOAD_ERR_NO_FILE => 'no file was chosen',
    ];
    if ($file['error'] !== UPLOAD_ERR_OK) {
        return ['File' => $errors[$file['error']] ?? "not stored (error {$file['error']})"];
    }
    return [
        'File name' => $file['name'],
        'Size' => number_format($file['size']) . ' bytes',
        'MD5' => md5_file($file['tmp_name']),
    ];
}

$rows = [];
$posted = ($_SERVER['REQUEST_METHOD'] ?? '') === 'POST';
if ($posted) {
    $text = $_POST['text'] ?? null;
    $file = $_FILES['file'] ?? null;
    if (is_string($text)) {
        $rows['Text'] = $text === '' ? '(empty)' : $text;
    }
    if (is_array($file) && is_string($file['name'])) {
        $rows += upload_rows($file);
    }
    if ($rows === []) {
        $rows['Nothing'] = 'PHP dropped the form: post_max_size is ' . ini_get('post_max_size');
    }
    $rows['Content-Length'] = number_format((int) ($_SERVER['CONTENT_LENGTH'] ?? 0)) . ' bytes';
}

page_start('Form and upload', 'Holdfast reads the whole body first, in memory and then in a spill file, and takes a
connection to php-fpm only when the last byte is here. A slow uplink holds no worker, and a form is never run cut short or
twice.');
if ($posted) { ?>
<h2>What arrived</h2>
<table>
<?php foreach ($rows as $name => $value) { ?>
<tr><th scope="row"><?= e($name) ?></th><td><?= e($value) ?></td></tr>
<?php } ?>
</table>
<h2>Once more</h2>
<?php } ?>
<form method="post" enctype="multipart/form-data" action="/form.php">
<label>A text
<input type="text" name="text" maxlength="200" autocomplete="off" placeholder="Ahoy, &lt;world&gt;"></label>
<label>A file, up to <?= e((string) ini_get('upload_max_filesize')) ?>
<input type="file" name="file"></label>
<button>Send</button>
</form>
<?php
page_end();

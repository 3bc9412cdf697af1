<?php
// The frame around each page of the sample site: head, navigation, foot. Included by the pages; asked for by itself
// it answers 404.

declare(strict_types=1);

if (realpath($_SERVER['SCRIPT_FILENAME'] ?? '') === __FILE__) {
    http_response_code(404);
    exit("Not found\n");
}

const PAGES = [
    'index.php' => 'Start',
    'form.php' => 'Form',
    'slow.php' => 'Slow',
    'size.php' => 'Size',
    'stream.php' => 'Stream',
    'finish.php' => 'Finish',
    'info.php' => 'Request',
];

// Text for HTML: whatever came from outside goes through here.
function e(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

// A whole number from the query string, kept between $min and $max.
function number(string $name, int $default, int $min, int $max): int
{
    $value = $_GET[$name] ?? null;
    if (!is_string($value) || !preg_match('/^\d{1,9}$/', $value)) {
        return $default;
    }
    return max($min, min($max, (int) $value));
}

// $does: one sentence or two on what Holdfast does with a request like this one.
function page_start(string $title, string $does = ''): void
{
    $here = basename($_SERVER['SCRIPT_NAME'] ?? '');
    header('Content-Type: text/html; charset=utf-8');
    ?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Sample site of Holdfast, an HTTP server and FastCGI connection pooler for php-fpm">
<title><?= e($title) ?> · Holdfast</title>
<link rel="icon" href="/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="top">
<a class="brand" href="/"><img src="/logo.svg" alt="" width="32" height="32">Holdfast</a>
<nav aria-label="Pages">
<?php foreach (PAGES as $file => $name) { ?>
<a href="/<?= $file === 'index.php' ? '' : $file ?>"<?= $file === $here ? ' aria-current="page"' : '' ?>><?= e($name) ?></a>
<?php } ?>
</nav>
</header>
<main>
<h1><?= e($title) ?></h1>
<?php if ($does !== '') { ?>
<p class="does"><?= $does ?></p>
<?php }
}

function page_end(): void
{
    $seconds = microtime(true) - $_SERVER['REQUEST_TIME_FLOAT'];
    ?>
</main>
<footer>
Made by php-fpm worker <strong><?= getmypid() ?></strong> in <?= number_format($seconds * 1000, 1) ?> ms, PHP <?= PHP_VERSION ?>.
Reload: the workers behind the kept connections come up again and again.
</footer>
</body>
</html>
<?php
}

// Links to the same page with other values.
function choices(string $name, string $unit, int $now, array $values): void
{
    echo '<p class="choices">';
    foreach ($values as $value) {
        $current = $value === $now ? ' aria-current="true"' : '';
        printf('<a href="?%s=%d"%s>%s %s</a> ', $name, $value, $current, number_format($value), $unit);
    }
    echo "</p>\n";
}

<?php
// What PHP was told about this request: the FastCGI parameters, by name. Secrets are not repeated.

declare(strict_types=1);
require __DIR__ . '/include/layout.php';

const MADE_BY_PHP = ['PHP_SELF', 'REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'argv', 'argc'];
const SECRET = ['HTTP_COOKIE', 'HTTP_AUTHORIZATION', 'PHP_AUTH_PW', 'PHP_AUTH_USER', 'PHP_AUTH_DIGEST'];

function params_table(string $title, array $params): void
{
    ksort($params);
    echo '<h2>', e($title), "</h2>\n<table class=\"params\">\n";
    foreach ($params as $name => $value) {
        $shown = in_array($name, SECRET, true) ? '(' . strlen($value) . ' bytes, not shown)' : $value;
        printf("<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n", e((string) $name), e($shown));
    }
    echo "</table>\n";
}

$params = array_filter(
    array_diff_key($_SERVER, array_flip(MADE_BY_PHP)),
    fn ($value) => is_string($value),
);
$is_header = fn ($name) => str_starts_with((string) $name, 'HTTP_');

page_start('This request', 'Holdfast builds these parameters from the request and the site\'s configuration. A header can
never overrule one of them; <code>Proxy:</code> and headers with an underscore or a dot in their names are dropped; repeated
headers are joined.');
params_table('Headers', array_filter($params, $is_header, ARRAY_FILTER_USE_KEY));
params_table('The rest', array_filter($params, fn ($name) => !$is_header($name), ARRAY_FILTER_USE_KEY));
page_end();

// Whole configurations of nginx: what becomes of them loads, and no line is lost without a word.
#include "config/import/nginx_import.h"

#include <doctest/doctest.h>

#include <map>

#include "has_text.h"
#include "tests/unit/config/helpers.h"

using namespace holdfast::config;

namespace {

std::string imported(const std::string& text, const std::map<std::string, std::string>& files = {}) {
  const Imported out =
      import_nginx(text, "nginx.conf", [&](const std::string& pattern) -> std::vector<NginxFile> {
        const auto found = files.find(pattern);
        if (found == files.end()) return {};
        return {{pattern, found->second}};
      });
  const std::string yaml = import_yaml(out);
  if (!out.failed) {
    const auto result = load(yaml);
    const std::string why = yaml + said(result);
    CHECK_MESSAGE(result.config, why);
  }
  return yaml;
}

std::string body(const std::string& yaml) {
  const std::size_t begin = yaml.find("\n\n");
  return yaml.starts_with('#') && begin != std::string::npos ? yaml.substr(begin + 2) : yaml;
}

const std::string kPhp = "location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; include fastcgi_params; }\n";

std::string server(const std::string& inside) {
  return "server {\nlisten 80;\nserver_name a.example;\nroot /srv/a;\n" + kPhp + inside + "\n}\n";
}

}  // namespace

TEST_CASE("WordPress, as most have it") {
  const std::string yaml = imported(R"(
upstream php { server unix:/run/php/php-fpm.sock; }
server {
    listen 80;
    listen [::]:80;
    server_name example.com www.example.com;
    root /var/www/wordpress;
    index index.php;
    client_max_body_size 128m;
    location = /favicon.ico { log_not_found off; access_log off; }
    location = /robots.txt { allow all; log_not_found off; access_log off; }
    location / { try_files $uri $uri/ /index.php?$args; }
    location ~ /\. { deny all; }
    location ~* /(?:uploads|files)/.*\.php$ { deny all; }
    location ~ \.php$ {
        include fastcgi_params;
        fastcgi_intercept_errors on;
        fastcgi_pass php;
        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
        fastcgi_read_timeout 300;
    }
    location ~* \.(js|css|png|jpe?g|gif|ico)$ { expires max; log_not_found off; }
}
)");
  CHECK(body(yaml) == R"(listen: [0.0.0.0:80, "[::]:80"]

pools:
  php:
    address: unix:/run/php/php-fpm.sock

sites:
  - hosts: [example.com, www.example.com]
    root: /var/www/wordpress
    index: [index.php]
    fallback: /index.php
    pool: php
    max_body: 128m
    timeouts:
      first_byte: 5m
      idle_read: 5m
    routes:
      - path: [/favicon.ico]
        log: false
        deny: off
      - path: [/robots.txt]
        log: false
        allow: ["::/0"]
        deny: off
      - path: [/.well-known/]
        deny: 403
      - path: ["{uploads,files}/**.php"]
        ignore_case: true
        deny: 403
      - path: ["*.{js,css,png,jpeg,jpg,gif,ico}"]
        ignore_case: true
        expires: max
)");
  CHECK(has(yaml,
            "# nginx.conf:13: location ~ /\\.: not needed: names that begin with a dot are never served"));
  CHECK(has(yaml, "fastcgi_intercept_errors on: not needed"));
}

TEST_CASE("one directive, one key") {
  const std::pair<const char*, const char*> rows[] = {
      {"location /x/ { deny all; }", "- path: [/x/]\n        deny: 403"},
      {"location /x { deny all; }", "- path: [\"/x**\"]\n        deny: 403"},
      {"location = /x { return 404; }", "- path: [/x]\n        deny: 404"},
      {"location /x/ { allow 10.0.0.0/8; deny all; }", "- path: [/x/]\n        allow: [10.0.0.0/8]"},
      {"location /x/ { auth_basic \"R\"; auth_basic_user_file /u; }",
       "auth:\n          realm: R\n          users: /u"},
      {"location /x/ { return 301 /y/; }", "redirect: /y/\n        status: 301"},
      {"location /x/ { return 302 https://b.example$request_uri; }",
       "redirect: \"https://b.example$uri\"\n        status: 302"},
      {"rewrite ^/old/(.*)$ /new/$1 permanent;",
       "- path: [\"/old/**\"]\n        redirect: \"/new/$1\"\n        status: 301"},
      {"rewrite ^/m/(.*) /fetch.php?media=$1 last;",
       "- path: [\"/m/**\"]\n        to: \"/fetch.php?media=$1\""},
      {"location /x/ { try_files $uri /x.php?$args; }", "- path: [/x/]\n        fallback: /x.php"},
      {"location /x/ { try_files $uri =404; }", "- path: [/x/]\n        fallback: 404"},
      {"location / { try_files $uri $uri/ @d; } location @d { rewrite ^ /index.php last; }",
       "fallback: /index.php"},
      {"location / { if (!-e $request_filename) { rewrite ^(.*)$ /index.php last; } }",
       "fallback: /index.php"},
      {"location ^~ /x/ { } location ~ \\.y$ { deny all; }",
       "- path: [/x/]\n        php: false\n        deny: off"},
      {"location /x/ { expires 7d; add_header X-A b always; }", "headers: { X-A: b }\n        expires: 7d"},
      {"location /x/ { client_max_body_size 5m; }", "- path: [/x/]\n        max_body: 5m"},
      {"location /x/ { access_log off; }", "- path: [/x/]\n        log: false"},
      {"location /x/ { autoindex on; }", "list: true"},
      {"location /x/ { default_type text/plain; }", "type: text/plain"},
      {"location /x/ { fastcgi_read_timeout 30s; }", "first_byte: 30s"},
      {"location /p/ { internal; alias /srv/files/; }", "internal: { /p/: /srv/files }"},
      {"location /w/ { alias /srv/w/; }", "path: /w\n    root: /srv/w"},
      {"error_page 404 /404.html; error_page 500 502 /5.html;",
       "errors: { 404: /404.html, 500: /5.html, 502: /5.html }"},
      {"fastcgi_hide_header X-Powered-By;", "headers: { X-Powered-By: \"\" }"},
      {"fastcgi_param APP_ENV prod;", "params: { APP_ENV: prod }"},
      {"gzip on; gzip_static on;", "gzip: true\n    precompressed: true"},
      {"if ($scheme = http) { return 301 https://$host$request_uri; }", "https: required"},
      {"location = / { if ($http_user_agent ~ ^DavClnt) { return 302 /dav/; } }",
       "user_agent: [\"DavClnt*\"]"},
      {"index a.php;", "index: [a.php]"},
      {"location = /x.php { auth_basic R; auth_basic_user_file /u; fastcgi_pass unix:/run/php.sock; }",
       "- path: [/x.php]\n        auth:"},
      {"location ~ ^/adm/.*\\.php$ { allow 10.0.0.0/8; deny all; fastcgi_pass unix:/run/php.sock; }",
       "- path: [\"/adm/**.php\"]\n        allow: [10.0.0.0/8]"},
      {"location ~ \\.php$ { try_files $uri =404; fastcgi_pass unix:/run/php.sock; }",
       "- path: [\"*.php\"]\n        fallback: 404"},
      {"location ~ ^/p/.*\\.php$ { fastcgi_pass 127.0.0.1:9000; }", "pool: php2"},
      {"charset off;", "charset: \"\""},
      {"set $R /srv/r; location /p/ { internal; alias $R/; }", "internal: { /p/: /srv/r }"},
  };
  for (const auto& row : rows) {  // no structured binding: clang 14 cannot capture one
    const auto& directive = row.first;
    const auto& key = row.second;
    CAPTURE(std::string(directive));
    const std::string yaml = imported(server(directive));
    CHECK_MESSAGE(has(yaml, key), yaml);
  }
}

TEST_CASE("a location within another counts before it, and for its paths alone") {
  const std::string yaml =
      imported(server("location ^~ /.well-known { location = /.well-known/a { return 301 /b; } location "
                      "/.well-known/acme { try_files $uri =404; "
                      "} return 301 /index.php$request_uri; }\nlocation /static/ { location ~* \\.(js|css)$ "
                      "{ expires 1d; } deny all; }"));
  const std::size_t acme = yaml.find(
      "- path: [\"/.well-known/acme**\"]\n        php: false\n        fallback: 404\n        deny: off");
  CHECK_MESSAGE(acme != std::string::npos, yaml);
  CHECK(acme < yaml.find("- path: [\"/.well-known**\"]"));
  const std::size_t assets = yaml.find(
      "- path: [\"/static/**.{js,css}\"]\n        ignore_case: true\n        expires: 1d\n        deny: 403");
  CHECK_MESSAGE(assets != std::string::npos, yaml);
  CHECK(assets < yaml.find("- path: [/static/]"));
}

TEST_CASE("only named scripts run where no location takes them all") {
  const std::string text =
      "server { root /srv; location ~ ^/(a|b)\\.php$ { fastcgi_pass unix:/run/php.sock; } location ~ \\.php$ "
      "{ deny all; } }";
  const std::string yaml = imported(text);
  CHECK_MESSAGE(has(yaml, "- path: [\"/{a,b}.php\"]\n        deny: off"), yaml);
  CHECK_MESSAGE(has(yaml, "run: [\"/{a,b}.php\"]"), yaml);
  CHECK_MESSAGE(has(yaml, "- path: [\"*.php\"]\n        deny: 403"), yaml);
  CHECK_FALSE(
      has(imported(server("location ~ ^/(a|b)\\.php$ { fastcgi_pass unix:/run/php.sock; }")), "run:"));
}

TEST_CASE("what cannot be said is named with its line") {
  const std::pair<const char*, const char*> rows[] = {
      {"proxy_pass http://x;", "nginx.conf:6: proxy_pass http://x: has no counterpart here"},
      {"location ~ ^/(?!a) { deny all; }", "its expression cannot be said"},
      {"location /x/ { limit_req zone=a; }", "limit_req zone=a: has no counterpart"},
      {"if ($http_cookie ~ a) { set $x 1; }", "the condition cannot be said"},
      {"add_header X-A $host;", "a header with a variable"},
      {"listen 443 ssl;", "TLS is not spoken here"},
      {"server_name ~^a$;", "the name ~^a$ cannot be said"},
      {"error_page 404 /index.php;", "only a file below the root"},
      {"error_page 404 =200 /a.html;", "=200 cannot be said"},
      {"fastcgi_param PHP_VALUE a=b;", "belongs in the pool file"},
      {"fastcgi_param X $remote_addr;", "a param with a variable"},
      {"location /x/ { root /other; expires 1d; }", "its root cannot be said"},
      {"location /x/ { return 418; }", "deny: 403 stands for it"},
      {"deny unix:;", "only networks and `all`"},
      {"rewrite ^/(?<n>a)$ /b last;", "write a route with to or redirect by hand"},
      {"set $a $b;", "variables cannot be set"},
      {"access_log /var/log/a.log;", "there is one access log"},
      {"location @x { proxy_pass http://y; }", "a named location with more than one rewrite"},
      {"location /x/ { }", "says nothing that a route"},
      {"include missing.conf;", "there is no such file"},
  };
  for (const auto& row : rows) {  // no structured binding: clang 14 cannot capture one
    const auto& directive = row.first;
    const auto& note = row.second;
    CAPTURE(std::string(directive));
    const std::string yaml = imported(server(directive));
    CHECK_MESSAGE(has(yaml, note), yaml);
  }
}

TEST_CASE("exact paths first, then ^~, expressions in turn, then the longest prefix") {
  const std::string yaml =
      imported(server("location /a/ { deny all; }\nlocation /a/b/ { deny all; }\nlocation ~ \\.x$ { deny "
                      "all; }\nlocation ^~ /c/ { deny all; }\n"
                      "location = /d { deny all; }\nrewrite ^/e$ /f last;"));
  std::vector<std::size_t> at;
  for (const char* pattern : {"[/e]", "[/d]", "[/c/]", "[\"*.x\"]", "[/a/b/]", "[/a/]"})
    at.push_back(yaml.find(pattern));
  CHECK(std::is_sorted(at.begin(), at.end()));
  CHECK(at.back() != std::string::npos);
}

TEST_CASE("a server that only leads to https is a key of the other one") {
  const std::string yaml = imported(
      "server { listen 80; server_name a.b; return 301 https://$host$request_uri; }\n"
      "server { listen 443 ssl; server_name a.b; root /srv; }\n"
      "server { listen 80; server_name www.a.b; return 301 https://a.b$request_uri; }\n");
  CHECK(has(yaml, "root: /srv\n    https: required"));
  CHECK(has(yaml, "- hosts: [www.a.b]\n    redirect: \"https://a.b$uri\""));
  CHECK_FALSE(has(yaml, "redirect: \"https://$host$uri\""));
}

TEST_CASE("an alias keeps what its server says") {
  const std::string yaml = imported(server(
      "allow 10.0.0.0/8; deny all; add_header X-A b; location ~ \\.bak$ { deny all; } location /only/ { "
      "deny all; }\nlocation /files/ { alias /srv/f/; expires 1d; }"));
  const std::size_t begin = yaml.find("path: /files");
  REQUIRE_MESSAGE(begin != std::string::npos, yaml);
  const std::string site = yaml.substr(begin);
  for (const char* part : {"root: /srv/f", "headers: { X-A: b }", "expires: 1d", "allow: [10.0.0.0/8]",
                           "- path: [\"*.bak\"]\n        deny: 403"})
    CHECK_MESSAGE(has(site, part), site);
  CHECK_FALSE(has(site, "/only/"));
}

TEST_CASE("a name that another server has is told of") {
  const std::string yaml = imported(
      "server { server_name a.b; root /srv/a; }\n"
      "server {\nserver_name c.d a.b; root /srv/c; }\n");
  CHECK(has(yaml, "# nginx.conf:3: server_name a.b: another server has this name already"));
  CHECK(has(yaml, "- hosts: [c.d]\n    root: /srv/c"));
}

TEST_CASE("files that are included stand where they are named") {
  const std::string yaml = imported("http { root /srv/h; include sites/*; }\n",
                                    {{"sites/*", "server { server_name a.b; include more; }\n"},
                                     {"more", "location /x/ { deny all; }\nbad_one 1;\n"}});
  CHECK(has(yaml, "root: /srv/h"));
  CHECK(has(yaml, "path: [/x/]"));
  CHECK(has(yaml, "# more:2: bad_one 1: has no counterpart here"));
  CHECK(has(imported("include a;", {{"a", "include a;"}}), "a would include itself"));
}

TEST_CASE("a file that includes itself is read once") {
  const std::string self = "http { include *.conf; server { server_name a.b; root /srv/a; } }\n";
  for (const char* name : {"/etc/nginx/nginx.conf", "/etc/nginx/./nginx.conf"}) {
    const auto files = [&](const std::string&) {
      return std::vector<NginxFile>{{name, self}, {"other.conf", "server { server_name c.d; root /srv/c; }"}};
    };
    const std::string yaml = import_yaml(import_nginx(self, "/etc/nginx/nginx.conf", files));
    CHECK_MESSAGE(has(yaml, "nginx.conf would include itself"), yaml);
    CHECK_FALSE(has(yaml, "another server"));
    CHECK(has(yaml, "[a.b]"));
    CHECK(has(yaml, "[c.d]"));
  }
  // By way of another; and twice side by side, which is no circle.
  CHECK(has(imported("events {} include a;", {{"a", "include b;"}, {"b", "include a;"}}),
            "# b:1: include a: a would include itself"));
  const std::string twice = imported(
      "server { server_name a.b; root /a; include x; } server { server_name c.d; root /c; include x; }",
      {{"x", "location /x/ { deny all; }"}});
  CHECK(twice.find("[/x/]") != twice.rfind("[/x/]"));
  CHECK_FALSE(has(twice, "include itself"));
  int depth = 0;
  const auto deeper = [&depth](const std::string&) {
    ++depth;
    return std::vector<NginxFile>{{std::to_string(depth), "include " + std::to_string(depth) + ";"}};
  };
  CHECK(has(import_yaml(import_nginx("include 0;", "nginx.conf", deeper)), "files include files too deeply"));
  CHECK(depth < 200);
}

TEST_CASE("what is no nginx configuration") {
  CHECK(has(imported("server {"), "# nginx.conf:1: a '{' is never closed"));
  CHECK(has(imported("events {}"), "no server block that can be said"));
  CHECK(has(imported(""), "no server block"));
}

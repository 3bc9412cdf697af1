// What nginx refuses is refused by what is printed: who wins, what is inherited, what is opened by whom.
#include "config/import/nginx_import.h"

#include <doctest/doctest.h>

#include "has_text.h"
#include "tests/unit/config/helpers.h"

using namespace holdfast::config;

namespace {

std::string imported_server(const std::string& inside) {
  const Imported out =
      import_nginx("server {\nserver_name a.example;\nroot /srv/a;\n" + inside + "\n}\n", "nginx.conf",
                   [](const std::string&) { return std::vector<NginxFile>(); });
  const std::string yaml = import_yaml(out);
  const auto result = load(yaml);
  const std::string why = yaml + said(result);
  CHECK_MESSAGE(result.config, why);
  return yaml;
}

// All parts, one behind the other.
bool in_turn(const std::string& text, std::initializer_list<const char*> parts) {
  std::size_t at = 0;
  for (const char* part : parts) {
    at = text.find(part, at);
    if (at == std::string::npos) return false;
    ++at;
  }
  return true;
}

struct Row {
  const char* inside;
  std::initializer_list<const char*> parts;
};

void check(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    const std::string inside = row.inside;
    CAPTURE(inside);
    const std::string yaml = imported_server(inside);
    CHECK_MESSAGE(in_turn(yaml, row.parts), yaml);
  }
}

constexpr const char* kPass = "fastcgi_pass unix:/run/php.sock;";

}  // namespace

TEST_CASE("a block without allow and deny has those of the block around it") {
  check({
      {"location /priv/ { deny all; location ~ \\.txt$ { expires 1d; } }",
       {"[\"/priv/**.txt\"]\n        expires: 1d\n        deny: 403", "[/priv/]\n        deny: 403"}},
      {"deny all; location ^~ /priv/ { expires 1d; } location = /st.php { expires 1d; }",
       {"[/st.php]\n        expires: 1d\n        deny: 403",
        "[/priv/]\n        expires: 1d\n        deny: 403", "[\"/**\"]\n        deny: 403"}},
      {"location ^~ /a/ { location ~ \\.txt$ { expires 1d; } deny all; }", {"[\"/a/**.txt\"]", "deny: 403"}},
      // What is said of its own counts.
      {"deny all; location ^~ /pub/ { allow all; }",
       {"[/pub/]\n        allow: [\"::/0\"]\n        deny: off", "[\"/**\"]\n        deny: 403"}},
      {"deny all; location /pub/ { allow all; } location ~ \\.css$ { expires 1d; }",
       {"[\"*.css\"]\n        expires: 1d\n        deny: 403", "[/pub/]", "deny: off", "[\"/**\"]"}},
      {"deny all; location / { allow 10.0.0.0/8; deny all; } location ^~ /x/ { expires 1d; }",
       {"[/x/]\n        expires: 1d\n        deny: 403", "[\"/**\"]\n        allow: [10.0.0.0/8]"}},
      {"location ^~ /w/ { alias /srv/w/; deny all; }", {"path: /w", "[\"/**\"]\n        deny: 403"}},
      {"deny all; location /w/ { alias /srv/w/; }", {"path: /w", "[\"/**\"]\n        deny: 403"}},
  });
  const std::string pass = kPass;
  for (const std::string& inside : {"deny all; location ~ ^/index\\.php$ { " + pass + " }",
                                    "location /d/ { deny all; location ~ \\.php$ { " + pass + " } }"}) {
    const std::string yaml = imported_server(inside);
    CHECK_MESSAGE(has(yaml, "deny: 403"), yaml);
    CHECK_MESSAGE(!has(yaml, "deny: off"), yaml);
  }
}

TEST_CASE("what a server does itself counts before its locations") {
  check({
      {"return 403; location ^~ /priv/ { expires 1d; }", {"[\"/**\"]\n        deny: 403", "[/priv/]"}},
      {"location ^~ /priv/ { return 410; } if ($request_method = GET) { return 403; }",
       {"method: [GET]\n        deny: 403", "[/priv/]"}},
      {"location /priv/ { deny all; } return 302 https://b.example/;",
       {"redirect: https://b.example/", "[/priv/]"}},
      {"location ^~ /priv/ { if ($request_method = GET) { return 403; } } location /p { return 410; }",
       {"method: [GET]\n        deny: 403", "[/priv/]\n        deny: off"}},
      {"location / { if ($request_method = GET) { return 403; } }", {"[\"/**\"]", "method: [GET]"}},
  });
}

TEST_CASE("a setting of the location that wins stands behind those that lose") {
  check({
      {"location /pub/ { auth_basic off; } location /pub/secret/ { auth_basic R; auth_basic_user_file /u; }",
       {"[/pub/]\n        auth: off", "[/pub/secret/]", "users: /u"}},
      {"location ~ ^/list/.*\\.css$ { auth_basic R; auth_basic_user_file /u; } location ~ \\.css$ { "
       "auth_basic off; }",
       {"[\"*.css\"]\n        auth: off", "[\"/list/**.css\"]", "users: /u"}},
      {"location = /xs/b.css { allow 192.0.2.9; deny all; } location ~ \\.css$ { allow 0.0.0.0/0; }",
       {"[\"*.css\"]", "[/xs/b.css]", "allow: [192.0.2.9/32]"}},
      {"location /a/ { expires 24h; } location /a/b/ { expires 1h; }", {"[/a/]", "[/a/b/]"}},
      {"location ~ ^/dir/.*\\.php$ { fastcgi_pass unix:/y; } location ~ \\.php$ { fastcgi_pass unix:/x; }",
       {"[\"*.php\"]\n        pool: php2", "[\"/dir/**.php\"]\n        pool: php"}},
      // Of one that wins and says nothing, what the server says.
      {"auth_basic R; auth_basic_user_file /u; location /pub/ { auth_basic off; } location ~ \\.css$ { }",
       {"[/pub/]\n        auth: off", "[\"*.css\"]", "users: /u"}},
      {"auth_basic R; auth_basic_user_file /u; location / { auth_basic off; } location /adm/ { }",
       {"users: /u\n    routes", "[\"/**\"]\n        auth: off", "[/adm/]", "users: /u"}},
      {"allow 10.0.0.0/8; deny all; location /pub/ { allow all; } location ~ \\.css$ { }",
       {"[/pub/]\n        allow: [\"::/0\"]", "[\"*.css\"]\n        allow: [10.0.0.0/8]"}},
  });
}

TEST_CASE("below an alias paths are those of its site") {
  const std::string pass = kPass;
  const std::string yaml = imported_server(
      "location /w2 { alias /srv/w; location /w2/priv { deny all; } location ~ "
      "\\.php$ { " +
      pass + " } }\nlocation ^~ /w2/list/ { deny all; } location /other/ { deny all; }");
  const std::size_t begin = yaml.find("path: /w2\n");
  REQUIRE_MESSAGE(begin != std::string::npos, yaml);
  const std::string site = yaml.substr(begin);
  for (const char* part :
       {"[/list/]\n        deny: 403", "[\"/priv**\"]\n        deny: 403", "run: [\"/**.php\"]"})
    CHECK_MESSAGE(has(site, part), site);
  CHECK_FALSE(has(site, "other"));
  CHECK(has(imported_server("location /w2/ { alias /srv/w/; } location ~ ^/[^/]+/x { deny all; }"),
            "what is said of /*/x** cannot be said for the site with path /w2"));
}

TEST_CASE("modifiers without a blank") {
  check({
      {"location =/priv/a.txt { deny all; }", {"[/priv/a.txt]\n        deny: 403"}},
      {"location ^~/z { deny all; }", {"[\"/z**\"]"}},
      {"location ~*\\.abc$ { deny all; }", {"[\"*.abc\"]\n        ignore_case: true\n        deny: 403"}},
      {"location ~\\.abc$ { deny all; }", {"[\"*.abc\"]\n        deny: 403"}},
      {"location ^~ / { deny all; }", {"[\"/**\"]\n        deny: 403"}},
  });
}

TEST_CASE("a pattern that matches more opens nothing") {
  for (const char* inside : {"auth_basic R; auth_basic_user_file /u; location ~ [0-9]+ { auth_basic off; }",
                             "location ~ \\d+ { allow all; }", "location /st*r { allow all; }",
                             "location ~ /a/ { location ~ \\.css$ { auth_basic off; } }"}) {
    const std::string yaml = imported_server(inside);
    CHECK_MESSAGE(has(yaml, "would open more than its expression does"), yaml);
    CHECK_MESSAGE(!has(yaml, "auth: off"), yaml);
    CHECK_MESSAGE(!has(yaml, "::/0"), yaml);
  }
  check({{"location ~ ^/a\\d+/ { deny all; }", {"matches more than its expression does", "[\"/a*/\"]"}},
         {"location ~ ^/ { deny all; }", {"[\"/**\"]\n        deny: 403"}},
         {"location ~ $ { deny all; }", {"[\"/**\"]\n        deny: 403"}}});
}

TEST_CASE("allow and deny count in turn, up to all") {
  check({
      {"location /x/ { deny all; allow 10.0.0.1; }", {"counts for nothing", "[/x/]\n        deny: 403"}},
      {"location /x/ { allow all; deny all; }", {"[/x/]\n        allow: [\"::/0\"]"}},
      {"location /x/ { allow 192.0.2.1; allow all; }", {"[/x/]\n        allow: [\"::/0\"]"}},
      {"location /x/ { allow 192.0.2.1; }", {"as if `deny all` stood behind it", "allow: [192.0.2.1/32]"}},
  });
}

TEST_CASE("deny of an address: what is left of the others is exact") {
  const std::string pass = kPass;
  check({
      {"deny 192.0.2.1; location /x/ { expires 1d; }",
       {"[\"/**\"]\n        when:\n          from: [192.0.2.1/32]\n        deny: 403", "[/x/]"}},
      {"location /x/ { deny 192.0.2.1; }",
       {"[/x/]\n        when:\n          from: [192.0.2.1/32]\n        deny: 403"}},
      {"location ^~ /x/ { deny 192.0.2.1; allow all; }",
       {"from: [192.0.2.1/32]\n        deny: 403", "[/x/]\n        allow: [\"::/0\"]"}},
      // nginx's own example: the address is in the network that may come.
      {"deny 192.168.1.1; allow 192.168.1.0/30; deny all;", {"allow: [192.168.1.0/32, 192.168.1.2/31]"}},
      {"allow 10.0.0.4; deny 10.0.0.4/31; deny 10.0.0.4;",
       {"[\"/**\"]\n        when:\n          from: [10.0.0.5/32]\n        deny: 403"}},
      {"deny 192.0.2.0/24; allow 192.0.2.9; deny all;", {"[\"/**\"]\n        deny: 403"}},
      {"deny 2001:db8::/32; location = /a { return 302 /b; }",
       {"from: [2001:db8::/32]\n        deny: 403", "redirect: /b"}},
      // Of its own: the outer list does not count.
      {"allow 10.0.0.0/8; deny all; location /x/ { deny 10.0.0.1; }",
       {"allow: [10.0.0.0/8]", "[/x/]\n        when:", "from: [10.0.0.1/32]",
        "[/x/]\n        allow: [\"::/0\"]"}},
      // A location within has what the one around it says.
      {"location /d/ { deny 192.0.2.1; location ^~ /d/e/ { expires 1d; } }",
       {"[/d/e/]\n        when:\n          from: [192.0.2.1/32]\n        deny: 403",
        "[/d/e/]\n        expires: 1d"}},
      {"location ^~ /w/ { alias /srv/w/; deny 192.0.2.1; }",
       {"path: /w", "[\"/**\"]\n        when:\n          from: [192.0.2.1/32]\n        deny: 403"}},
  });
  std::string yaml =
      imported_server("try_files $uri /index.php; location ~ \\.php$ { deny 192.0.2.1; " + pass + " }");
  CHECK_MESSAGE(
      in_turn(yaml, {"counts for all paths", "[\"/**\"]\n        when:\n          from: [192.0.2.1/32]"}),
      yaml);
  yaml = imported_server("try_files $uri /index.php; location = /x.php { deny 192.0.2.1; " + pass +
                         " } location ~ \\.php$ { " + pass + " }");
  CHECK_MESSAGE(in_turn(yaml, {"[/x.php]\n        when:\n          from: [192.0.2.1/32]"}), yaml);
  CHECK_MESSAGE(!has(yaml, "counts for all paths"), yaml);
}

TEST_CASE("where no location runs a script of a name in .php, none runs") {
  const std::string pass = kPass;
  for (const char* where : {"~ \\.phtml$", "~* \\.(phtml|pht)$"}) {
    const std::string yaml = imported_server("index index.php; try_files $uri /index.php; location " +
                                             std::string(where) + " { " + pass + " }");
    CHECK_MESSAGE(has(yaml, "php: false\n"), yaml);
    CHECK_MESSAGE(has(yaml, "only names that end in .php run"), yaml);
  }
  const std::string phtml = "location ~ \\.phtml$ { " + pass + " } ";
  CHECK_FALSE(has(imported_server(phtml + "location ~ \\.php$ { " + pass + " }"), "php: false"));
  const std::string one = imported_server(phtml + "location = /index.php { " + pass + " }");
  CHECK_MESSAGE(has(one, "run: [/index.php]"), one);
  CHECK_FALSE(has(one, "php: false"));
  // Of a prefix the scripts below it.
  const std::string below = imported_server("location /scripts/ { " + pass + " }");
  CHECK_MESSAGE(has(below, "run: [\"/scripts/**.php\"]"), below);
}

TEST_CASE("the halves of a password are inherited each by itself") {
  const std::string yaml = imported_server("auth_basic_user_file /u; location /adm/ { auth_basic R; }");
  CHECK_MESSAGE(in_turn(yaml, {"[/adm/]", "realm: R", "users: /u"}), yaml);
  CHECK_MESSAGE(yaml.find("auth:") > yaml.find("[/adm/]"), yaml);
  CHECK(has(imported_server("location /x/ { auth_basic R; }"), "asks nobody"));
}

TEST_CASE("scripts that run, and what one location says of a whole site") {
  const std::string pass = kPass;
  std::string yaml =
      imported_server("location = /index.php { " + pass + " } location ~ ^/app/.+\\.php$ { " + pass + " }");
  CHECK_MESSAGE(has(yaml, "run: [/index.php, \"/app/**.php\"]"), yaml);
  yaml = imported_server("location /scripts/ { " + pass + " } location ~ \\.phtml$ { " + pass + " }");
  CHECK_MESSAGE(has(yaml, "location /scripts/: fastcgi_pass: only scripts"), yaml);
  CHECK_MESSAGE(has(yaml, "location ~ \\.phtml$: only names that end in .php run"), yaml);
  for (const char* key :
       {"index a.html;", "error_page 404 /x.html;", "charset koi8-r;", "gzip on;", "fastcgi_param A b;"}) {
    yaml = imported_server("location /list/ { " + std::string(key) + " }");
    CHECK_MESSAGE(has(yaml, "is of one location"), yaml);
  }
  CHECK_FALSE(has(imported_server("index a.html; location /list/ { index a.html; }"), "is of one location"));
  check({{"expires -1; location /i/ { expires 30d; }", {"expires: 0s", "[/i/]\n        expires: 30d"}},
         {"set $r /tmp/rev; set $root /srv/b; location /w/ { alias $root/$r; }", {"root: /srv/b//tmp/rev"}}});
}

TEST_CASE("what a group takes from the beginning has its slash") {
  check({
      {"rewrite ^(.*)\\.old$ /new$1 permanent;", {"redirect: \"/new/$1\""}},
      {"rewrite ^(.*)\\.old$ /$1 permanent;", {"redirect: \"/$1\""}},
      {"if (!-e $request_filename) { rewrite ^(.*)$ /index.php?q=$1 last; }", {"/index.php?q=/$1"}},
      {"rewrite ^/(.*)\\.old$ /new/$1 permanent;", {"redirect: \"/new/$1\""}},
  });
}

TEST_CASE("what guards a location and cannot be said refuses it; conditions that can be said do not") {
  check({
      {"location /a/ { auth_request off; expires 1d; }", {"[/a/]\n        expires: 1d\n"}},
      {"auth_request /x; location ^~ /a/ { expires 1d; }", {"[\"/**\"]\n        deny: 403"}},
      {"location /a/ { if ($http_referer ~ x) { return 302 /b; } expires 1d; }",
       {"[/a/]\n        expires: 1d\n"}},
      {"location /a/ { if ($http_x != y) { return 302 /b; } }", {"[/a/]\n        deny: 403"}},
      {"location /a/ { if ($http_x ~ y) { add_header A b; return 403; } }", {"[/a/]\n        deny: 403"}},
      {"if ($cookie_a = b) { return 403; }", {"cookie: [\"a=b\"]", "deny: 403"}},
      {"if ($arg_a ~ ^(b|c)) { return 404; }", {"query: [\"a=b*\", \"a=c*\"]", "deny: 404"}},
      {"if ($http_user_agent ~* \"^wget|(bot|crawler/1\\.0)\") { return 403; }",
       {"user_agent: [\"wget*\", \"*bot*\", \"*crawler/1.0*\"]"}},
      {"if ($http_user_agent ~ a.*b$) { return 403; }", {"user_agent: [\"*a*b\"]"}},
      {"if ($request_method !~ ^(GET|HEAD|POST|PUT|DELETE|PATCH)$) { return 405; }",
       {"method: [OPTIONS, TRACE, CONNECT,", "deny: 403"}},
      {"if ($request_method ~ ^P[OU]) { return 405; } location ^~ /b/ { deny all; }",
       {"[/b/]\n        deny: 403"}},
      {"if ($args ~ \"x=1\") { return 403; }", {"query: [\"*x=1*\"]"}},
      {"if ($query_string ~ ^union) { return 403; }", {"query: [\"union*\", \"*=union*\"]"}},
      {"if ($args ~ \"a&b\") { return 403; }", {"cannot be said"}},
      {"if ($args ~* union) { return 403; }", {"cannot be said"}},
      {"if ($request_uri ~* \"/Private/\") { return 403; }",
       {"[Private/]\n        ignore_case: true\n        deny: 403"}},
      {"if ($uri ~ ^/p) { return 404; } location ^~ /p/ { expires 1d; }", {"[\"/p**\"]", "deny: 403"}},
      {"if ($remote_addr = 192.0.2.1) { return 403; }", {"from: [192.0.2.1/32]"}},
      {"if ($host != a.example) { return 444; } location = /b { deny all; }", {"[/b]\n        deny: 403"}},
  });
}

TEST_CASE("an expression for all names with a dot is for /.well-known, too") {
  for (const char* regex : {"/\\.", "/\\..*", "(^|/)\\.", "/\\..+$", "^/\\."}) {
    CAPTURE(std::string(regex));
    CHECK(has(imported_server("location ~ " + std::string(regex) + " { deny all; }"),
              "[/.well-known/]\n        deny: 403"));
  }
  for (const char* regex : {"/\\.ht", "/\\.(?!well-known).*", "/\\.(git|svn)"}) {
    CAPTURE(std::string(regex));
    CHECK_FALSE(has(imported_server("location ~ " + std::string(regex) + " { deny all; }"), "deny:"));
  }
}

TEST_CASE("what stands in an expression for folders is of those alone") {
  check({
      {"location ~ ^/(up|down)/ { location ~ \\.php$ { return 403; } }",
       {"[\"/{up,down}/**.php\"]\n        deny: 403"}},
      {"location ~* ^/(up|down)/ { location ~ \\.php$ { return 403; } }",
       {"[\"/{up,down}/**.php\"]\n        ignore_case: true\n        deny: 403"}},
      {"location ~ /up/ { location ~ \\.php$ { return 403; } }", {"[\"*.php\"]\n        deny: 403"}},
      {"location ~* ^/up/ { location ~ \\.css$ { allow all; } deny all; }",
       {"would open more than its expression does"}},
  });
}

TEST_CASE("where SCRIPT_FILENAME names one script, no other runs") {
  const std::string pass = std::string("fastcgi_param SCRIPT_FILENAME $document_root/app.php; ") + kPass;
  for (const std::string& inside : {"location / { " + pass + " }", "location ~ \\.php$ { " + pass + " }"}) {
    const std::string yaml = imported_server(inside);
    CHECK_MESSAGE(has(yaml, "run: [/app.php]"), yaml);
  }
  CHECK(has(imported_server("location / { " + pass + " }"), "fallback: /app.php"));
  CHECK(has(imported_server("location /p { internal; }"), "internal is of /p/ alone"));
}

TEST_CASE("an expression of any nesting and length is read in bounded time") {
  for (const std::string& regex :
       {std::string(200000, '('), std::string(1000, '(') + "a|b" + std::string(10, ')'),
        std::string(500, '[') + "|", "(a|b)" + std::string(100, '?') + "(c|d$)"}) {
    imported_server("location ~ \"" + regex + "\" { deny all; } if ($http_user_agent ~ \"" + regex +
                    "\") { return 403; }");
  }
  std::string many;
  for (int i = 0; i < 40; ++i) many += "(a$|b$)";
  imported_server("location ~ \"" + many + "\" { deny all; }");
}

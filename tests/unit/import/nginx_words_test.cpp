// Regular expressions and targets of nginx in our words.
#include "config/import/nginx_words.h"

#include <doctest/doctest.h>

using namespace holdfast::config;

TEST_CASE("expressions of the usual shapes") {
  const std::pair<const char*, const char*> rows[] = {
      {"\\.php$", "*.php"},
      {"\\.php", "*.php**"},
      {"\\.php(/|$)", "*.php/"},
      {"\\.(?:css|js)$", "*.{css,js}"},
      {"\\.(jpe?g|png|woff2?)$", "*.{jpeg,jpg,png,woff2,woff}"},
      {"^/index\\.php(/|$)", "/index.php/"},
      {"^/(index|matomo)\\.php$", "/{index,matomo}.php"},
      {"^/(?:build|data)(?:$|/)", "/{build,data}/"},
      {"^/(conf|bin)/", "/{conf,bin}/"},
      {"/(conf|bin)/", "{conf,bin}/"},
      {"(^|/)vendor/", "vendor/"},
      {"/(?:uploads|files)/.*\\.php$", "{uploads,files}/**.php"},
      {"^/sites/[^/]+/files/.*\\.php$", "/sites/*/files/**.php"},
      {"^/lib.*\\.(gif|png)$", "/lib**.{gif,png}"},
      {"^/(?:autotest|occ)", "/{autotest,occ}**"},
      {"/readme\\.txt$", "readme.txt"},
      {"~$", "*~"},
      {"^(.*)$", "/**"},
      {"^/(.*)$", "/**"},
      {"^", "/**"},
      {".*", "**"},
      {"^/static/version\\d+/(.*)$", "/static/version*/**"},
      {"composer\\.(json|lock)$", "*composer.{json,lock}"},
      {"(a(b|c))", "*{ab,ac}**"},
      {"^/ocs/v[12]", "/ocs/v{1,2}**"},
      {"^/setup/index.php", "/setup/index.php**"},
      {"/(install.php)", "{install.php}**"},
      {"^/a.b$", "/a**b"},
      {"[^/]\\.php(/|$)", "**.php/"},
      {"\\.(sh|tpl(\\.php)?)(~|\\.sw[op])?$", "*.{sh,tpl.php,tpl}{~,.swo,.swp,}"},
  };
  for (const auto& row : rows) {  // no structured binding: clang 14 cannot capture one
    const auto& regex = row.first;
    const auto& pattern = row.second;
    CAPTURE(std::string(regex));
    const auto got = pattern_of_regex(regex);
    REQUIRE(got);
    CHECK(got->pattern == pattern);
  }
  for (const char* regex : {"(?!index)", "a|b", "\\.(?!well)", "[a-f]+", "a{2}", "(a(b.*|c))", "(a", "^a",
                            "/a/$", "(a*)", "\\bx", "x\\"}) {
    CAPTURE(std::string(regex));
    CHECK_FALSE(pattern_of_regex(regex));
  }
}

TEST_CASE("groups know which star takes them") {
  CHECK(pattern_of_regex("^/_export/([^/]+)/(.*)$")->groups == std::vector<std::size_t>{1, 2});
  CHECK(pattern_of_regex("/(?:a|b)/(.*)$")->groups == std::vector<std::size_t>{2});
  CHECK(pattern_of_regex("\\.(js|css)$")->groups == std::vector<std::size_t>{2});
}

TEST_CASE("an expression with more than the usual is no words") {
  for (const char* regex :
       {"(a[^b])", "(a[b-d])", "(a[bc)", "(a(?!b))", "(a(b)", "([ab]{2})", "()(", "(?", "(?:"}) {
    CAPTURE(std::string(regex));
    CHECK_FALSE(pattern_of_regex(regex));
  }
}

TEST_CASE("targets in our variables") {
  const std::vector<std::size_t> groups = {2};
  CHECK(target_of("/index.php?$args", {}, "", false) == "/index.php");
  CHECK(target_of("/index.php$is_args$args", {}, "", false) == "/index.php");
  CHECK(target_of("/index.php?q=$uri&$args", {}, "", false) == "/index.php?q=$path");
  CHECK(target_of("/index.php$request_uri", {}, "", false) == "/index.php$uri");
  CHECK(target_of("/x?a=$1", groups, "", false) == "/x?a=$2");
  CHECK(target_of("https://$server_name$request_uri", {}, "a.b", true) == "https://a.b$uri");
  CHECK(target_of("$scheme://c.d/$1", groups, "", true) == "http://c.d/$2");
  CHECK_FALSE(target_of("/x$cookie_a", {}, "", false));
  CHECK_FALSE(target_of("/x$2", groups, "", false));
  CHECK_FALSE(target_of("/x$args", {}, "", false));
  CHECK_FALSE(target_of("x", {}, "", false));
}

TEST_CASE("a question mark behind the client's own path and query drops nothing") {
  CHECK(target_of("https://y.example$request_uri?", {}, {}, true) == "https://y.example$uri");
}

TEST_CASE("times and sizes") {
  CHECK(expires_of("30d")->after == std::chrono::hours(720));
  CHECK(expires_of("+1y")->after == std::chrono::hours(24 * 365));
  CHECK(expires_of("1M")->after == std::chrono::hours(24 * 30));
  CHECK(expires_of("max")->kind == Expires::Kind::max);
  CHECK_FALSE(expires_of("-1"));
  CHECK_FALSE(expires_of("@15h"));
  CHECK(time_of("60") == std::chrono::seconds(60));
  CHECK(time_of("500ms") == std::chrono::milliseconds(500));
  CHECK_FALSE(time_of("0"));
  CHECK(size_of("512M") == 512U << 20);
  CHECK(size_of("100") == 100);
  CHECK_FALSE(size_of("x"));
}

// The syntax of patterns and targets: what is refused, and what to write instead.
#include "config/path_pattern.h"

#include <doctest/doctest.h>

#include <string>

#include "config/target_template.h"

using namespace holdfast::config;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("signs of regular expressions that a path holds as they are, and in braces any of them") {
  for (const char* good : {"/plus+.txt", "/c++/", "/report (1).pdf", "/Foo_(bar)", "+", "/a$b", "/$x/",
                           "/f(1)/*", "/a{$}", "/x{+}", "*.php{$}", "/{(}a{)}*", "/{[}a{]}", "/a.{+,b}"}) {
    CAPTURE(good);
    CHECK(parse_path_pattern(good).value);
  }
}

TEST_CASE("what is no pattern, and what to write instead") {
  struct {
    const char* text;
    const char* error;
    const char* hint;
  } const bad[] = {
      {"", "is empty", "*.sql"},
      {"!a", "begins with '!'", "no exceptions"},
      {"~ \\.php$", "nginx's", "all below"},
      {"= /a", "nginx's", "exactly"},
      {"^~ /a", "nginx's", ""},
      {"\\.php$", "regular expression", "** across"},
      {"^/a", "regular expression", ""},
      {"/(a|b)", "regular expression", "{a,b}"},
      {"/a.+", "regular expression", "{+}"},
      {"/(.*)/x", "regular expression", ""},
      {"/(a)?/x", "regular expression", ""},
      {"/(?:a)/x", "regular expression", ""},
      {"/([0-9])", "regular expression", ""},
      {"/[0-9]+", "regular expression", ""},
      {"/{a,b}+", "regular expression", ""},
      {"*.php$", "regular expression", "{a,b}"},
      {"/a\\.b", "regular expression", ""},
      {"/[ab]", "'['", ""},
      {"/a?b=c", "'?'", "when:"},
      {"/a#b", "'#'", ""},
      {"/a%20b", "percent code", "decoded"},
      {"/a//b", "'//'", ""},
      {"/a/../b", "'..'", ""},
      {"/a/.", "'.'", ""},
      {"..", "'..'", ""},
      {"./a", "'.'", ""},
      {"/a***", "'***'", ""},
      {"/a ", "blank", ""},
      {"/a\tb", "control", ""},
      {"/{a", "'{' without", ""},
      {"/a}", "'}' without", ""},
      {"/{a,{b}}", "braces in braces", ""},
      {"/{a*,b}", "star in braces", "several"},
      {"/{}", "empty braces", ""},
      {"/*a*a*a*a*a*a*a*a*a*", "more than 9", ""},
  };
  for (const auto& row : bad) {
    CAPTURE(row.text);
    const auto parsed = parse_path_pattern(row.text);
    CHECK_FALSE(parsed.value);
    CHECK_MESSAGE(holds(parsed.error, row.error), parsed.error);
    CHECK_MESSAGE(holds(parsed.hint, row.hint), parsed.hint);
  }
  CHECK(parse_path_pattern("/*a*a*a*a*a*a*a*a*").value);
  CHECK(parse_path_pattern("/" + std::string(kPatternMax - 1, 'a')).value);
  CHECK_FALSE(parse_path_pattern("/" + std::string(kPatternMax, 'a')).value);
  for (const char* text :
       {"/", "*", "**", "a", "/a/", "/.*", "*~", "/100%", "/a.b..c", "/...", "/$x", "/a:b@c"}) {
    CAPTURE(text);
    CHECK(parse_path_pattern(text).value);
  }
}

TEST_CASE("words in braces are counted") {
  std::string words = "a";
  for (std::size_t i = 1; i < kChoiceWordsMax; ++i) words += ",a";
  CHECK(parse_path_pattern("/{" + words + "}").value);
  CHECK_FALSE(parse_path_pattern("/{" + words + ",a}").value);
}

TEST_CASE("redirects: what is no place to go to") {
  struct {
    const char* text;
    const char* error;
    const char* hint;
  } const bad[] = {
      {"", "is empty", "write a path"},
      {"?", "is empty", ""},
      {"index.php", "no place to go to", "begins with '/'"},
      {"$1", "no place to go to", ""},
      {"//example.com", "begins with '//'", "https://"},
      {"ftp://example.com/", "no place", ""},
      {"javascript:alert(1)", "no place", ""},
      {"https://", "names no host", ""},
      {"https:///x", "names no host", ""},
      {"https://$1/", "names no host", ""},
      {"https://example.com$1", "lets a variable choose", "https://example.com/$1"},
      {"https://$host$1", "between its host", ""},
      {"https://$host.evil/", "between its host", ""},
      {"https://a@b/", "'@'", ""},
      {"/a\\b", "backslash", ""},
      {"/a#b", "'#'", ""},
      {"/a\nb", "control", ""},
      {"/$request_uri", "unknown variable $request_uri", "$uri"},
      {"/$args", "unknown variable", "$query"},
      {"$scheme://x", "unknown variable", "https://"},
      {"/$pth", "unknown variable", "did you mean '$path'?"},
      {"/a$", "single '$'", "$$"},
      {"/$0", "single '$'", ""},
  };
  for (const auto& row : bad) {
    CAPTURE(row.text);
    const auto parsed = parse_redirect_target(row.text);
    CHECK_FALSE(parsed.value);
    CHECK_MESSAGE(holds(parsed.error, row.error), parsed.error);
    CHECK_MESSAGE(holds(parsed.hint, row.hint), parsed.hint);
  }
  for (const char* text : {"/", "/a?b=$1", "$uri", "$path", "https://example.com", "https://example.com?a",
                           "https://example.com:8443/x", "https://example.com$uri", "http://$host$uri",
                           "https://$host:8443$uri", "https://$host/", "/$$x"}) {
    CAPTURE(text);
    const auto parsed = parse_redirect_target(text);
    CHECK_MESSAGE(parsed.value, parsed.error);
  }
}

TEST_CASE("internal targets stay within the site") {
  for (const char* text : {"", "index.php", "https://example.com/", "$1", "?a=b", "/a/../b", "/./a", "/%2e",
                           "/$host", "/$query", "$query"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_internal_target(text).value);
  }
  for (const char* text :
       {"/index.php", "/index.php$path", "/doku.php?id=$path&h=$host", "$path", "/a?q=%20", "/a.."}) {
    CAPTURE(text);
    CHECK(parse_internal_target(text).value);
  }
}

TEST_CASE("a target knows its captures, and whether the client's query is added") {
  CHECK(parse_redirect_target("/$2/$1").value->captures == 2);
  CHECK(parse_redirect_target("/a").value->adds_query);
  CHECK_FALSE(parse_redirect_target("/a?").value->adds_query);
  CHECK_FALSE(parse_redirect_target("/a?b=c&$query").value->adds_query);
  CHECK_FALSE(parse_redirect_target("/a?b=c?").value->adds_query);
  CHECK(parse_redirect_target("/a?b=c").value->adds_query);
}

// Targets filled in: queries, spellings, and the host that no client can change.
#include "proxy/core/route_target.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace holdfast::core;
namespace config = holdfast::config;

namespace {

struct Given {
  const char* path = "/p";
  const char* query = "";
  std::vector<std::string> captures = {};
  const char* host = "example.com";
  const char* uri = nullptr;  // the path
};

TargetFacts facts_of(const Given& given, Captures& captures) {
  for (const std::string& text : given.captures) captures.texts[captures.count++] = text;
  return {given.path, given.uri != nullptr ? given.uri : given.path, given.query, given.host, &captures};
}

std::string redirected(const char* target, const Given& given) {
  auto parsed = config::parse_redirect_target(target);
  REQUIRE_MESSAGE(parsed.value, parsed.error);
  Captures captures;
  return redirect_location(*parsed.value, facts_of(given, captures)).value_or("none");
}

std::string rewritten(const char* target, const Given& given) {
  auto parsed = config::parse_internal_target(target);
  REQUIRE_MESSAGE(parsed.value, parsed.error);
  Captures captures;
  const auto out = internal_target(*parsed.value, facts_of(given, captures));
  return out ? out->path + (out->query.empty() ? "" : " ? " + out->query) : "none";
}

}  // namespace

TEST_CASE("redirects are filled in") {
  CHECK(redirected("/new", {}) == "/new");
  CHECK(redirected("/new/$1", {.captures = {"a/b"}}) == "/new/a/b");
  CHECK(redirected("https://example.org$uri", {.path = "/x", .uri = "/wiki/x"}) ==
        "https://example.org/wiki/x");
  CHECK(redirected("https://$host$uri", {.path = "/a b"}) == "https://example.com/a%20b");
  CHECK(redirected("https://$host:8443$path", {}) == "https://example.com:8443/p");
  CHECK(redirected("/a%20b", {}) == "/a%20b");
  CHECK(redirected("/\xC3\xBC x", {}) == "/%C3%BC%20x");
  CHECK(redirected("/$$x", {}) == "/$x");
}

TEST_CASE("the client's query is added unless the target says otherwise") {
  CHECK(redirected("/n", {.query = "a=b"}) == "/n?a=b");
  CHECK(redirected("/n?", {.query = "a=b"}) == "/n");
  CHECK(redirected("/n?c=d", {.query = "a=b"}) == "/n?c=d&a=b");
  CHECK(redirected("/n?c=d&", {.query = "a=b"}) == "/n?c=d&a=b");
  CHECK(redirected("/n?c=d?", {.query = "a=b"}) == "/n?c=d");
  CHECK(redirected("/n?c=d", {}) == "/n?c=d");
  CHECK(redirected("/n?x=1&$query", {.query = "a=b"}) == "/n?x=1&a=b");
  CHECK(rewritten("/doku.php?id=$path", {.path = "/a b&c=d", .query = "x=1"}) ==
        "/doku.php ? id=/a%20b%26c%3Dd&x=1");
  CHECK(rewritten("/x", {.query = "a=b"}) == "/x ? a=b");
  CHECK(rewritten("/x?", {.query = "a=b"}) == "/x");
}

TEST_CASE("what a star took ends no value and no path") {
  CHECK(redirected("/n?q=$1", {.captures = {"a&admin=1#x+y%"}}) == "/n?q=a%26admin%3D1%23x%2By%25");
  CHECK(redirected("/n/$1", {.captures = {"a?b#c%d"}}) == "/n/a%3Fb%23c%25d");
  CHECK(redirected("/n/$1", {.captures = {"a\r\nSet-Cookie: x"}}) == "/n/a%0D%0ASet-Cookie:%20x");
  CHECK(redirected("/n", {.query = "a=\r\nb \"<>"}) == "/n?a=%0D%0Ab%20%22%3C%3E");
}

TEST_CASE("no path of a client makes a redirect leave the host") {
  CHECK(redirected("/$1", {.captures = {"/evil.example"}}) == "/evil.example");
  CHECK(redirected("/$1", {.captures = {"\\evil.example"}}) == "/%5Cevil.example");
  CHECK(redirected("/$1", {.captures = {"\t/evil.example"}}) == "/%09/evil.example");
  CHECK(redirected("/$1$2", {.captures = {"", "/evil.example"}}) == "/evil.example");
  CHECK(redirected("https://example.com/$1", {.captures = {"/@evil.example"}}) ==
        "https://example.com/@evil.example");
  CHECK(redirected("$path", {.path = "/a//b"}) == "/a/b");
  CHECK(redirected("https://$host$uri", {.host = ""}) == "none");
  CHECK(redirected("https://$host$uri", {.host = "a/evil.example"}) == "none");
  CHECK(redirected("https://$host$uri", {.host = "a@evil.example"}) == "none");
  CHECK(redirected("https://$host$uri", {.host = "[::1]"}) == "https://[::1]/p");

  std::mt19937 random(3);
  const std::string bytes =
      "/\\.%2f@:?#\t\r\n \xC3\xA9"
      "e&=;\"<";
  for (int round = 0; round < 20000; ++round) {
    std::string first;
    std::string second;
    for (std::size_t n = random() % 6; n > 0; --n) first += bytes[random() % bytes.size()];
    for (std::size_t n = random() % 6; n > 0; --n) second += bytes[random() % bytes.size()];
    const std::string path = "/" + first;
    const Given given{.path = path.c_str(), .query = second.c_str(), .captures = {first, second}};
    for (const char* target : {"/$1", "/$1$2", "/$1/$2", "$path", "$uri", "/x?$1", "/$1?q=$2", "$path$1"}) {
      const std::string out = redirected(target, given);
      CAPTURE(out);
      REQUIRE(out.starts_with('/'));
      REQUIRE_FALSE(out.starts_with("//"));
      REQUIRE(out.find('\\') == std::string::npos);
      REQUIRE(std::all_of(out.begin(), out.end(), [](char c) { return c > 0x20 && c < 0x7F; }));
      REQUIRE(redirected("https://example.com/$1", given).starts_with("https://example.com/"));
      const std::string inside = rewritten("/data/$1/$2", given);
      REQUIRE((inside == "none" || inside.starts_with("/data/")));
      REQUIRE((inside + "/").find("/../") == std::string::npos);
    }
  }
}

TEST_CASE("an internal target never leaves the root") {
  CHECK(rewritten("/store/$1", {.captures = {".."}}) == "none");
  CHECK(rewritten("/store/.$1", {.captures = {"."}}) == "none");
  CHECK(rewritten("/store/.$1/x", {.captures = {"./"}}) == "none");
  CHECK(rewritten("/store/$1", {.captures = {"a..b"}}) == "/store/a..b");
  CHECK(rewritten("/$1", {.captures = {"/x"}}) == "/x");
  CHECK(rewritten("/index.php$path", {.path = "/a/b"}) == "/index.php/a/b");
  CHECK(rewritten("$path", {.path = "/a"}) == "/a");
}

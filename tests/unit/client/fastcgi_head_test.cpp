// What logs and rules know of a web server's request, and which pool it goes to.
#include "proxy/client/fastcgi_head.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "config/config.h"
#include "config/site.h"
#include "proxy/client/fastcgi_plans.h"

using namespace holdfast;

namespace {

fastcgi::ParamList params(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  fastcgi::ParamList list;
  for (const auto& [name, value] : pairs) REQUIRE(list.add(name, value));
  return list;
}

}  // namespace

TEST_CASE("a head of parameters") {
  FastcgiHead of;
  of.set(params({{"REQUEST_METHOD", "POST"},
                 {"REQUEST_URI", "/a%20b?x=1"},
                 {"QUERY_STRING", "x=1"},
                 {"HTTP_HOST", "Shop.Example:8080"},
                 {"SERVER_PROTOCOL", "HTTP/1.0"},
                 {"HTTP_REFERER", "http://r/"},
                 {"HTTP_USER_AGENT", "agent"},
                 {"REMOTE_ADDR", "192.0.2.7"},
                 {"HTTPS", "on"},
                 {"CONTENT_LENGTH", "12"}}));
  const http::RequestHead& head = of.head();
  CHECK(head.method == http::Method::post);
  CHECK(head.target == "/a%20b?x=1");
  CHECK(head.raw_path == "/a%20b");
  CHECK(head.query == "x=1");
  CHECK(head.authority == "Shop.Example:8080");
  CHECK(head.host == "shop.example");
  CHECK(head.version_minor == 0);
  CHECK(head.find("referer") == "http://r/");
  CHECK(head.find("user-agent") == "agent");
  CHECK(head.content_length == 12);
  CHECK(head.has_body());
  const core::ClientOrigin origin = of.take_origin();
  CHECK(origin.address == "192.0.2.7");
  CHECK(origin.https);
}

TEST_CASE("a head of next to nothing, and nothing of the one before") {
  FastcgiHead of;
  of.set(params({{"REQUEST_METHOD", "POST"}, {"REMOTE_ADDR", "::1"}, {"HTTP_REFERER", "x"}}));
  of.set(params({{"REQUEST_METHOD", "get"},
                 {"SCRIPT_NAME", "/x.php"},
                 {"QUERY_STRING", "q"},
                 {"SERVER_NAME", "name"},
                 {"HTTP_HOST", ""},
                 {"REMOTE_ADDR", "unix:"}}));
  CHECK(of.head().method == http::Method::other);
  CHECK(of.head().target == "/x.php?q");
  CHECK(of.head().authority == "name");
  CHECK_FALSE(of.head().find("Referer"));
  CHECK(of.take_origin().address.empty());
  of.set({});
  CHECK(of.head().method_text.empty());
  CHECK(of.head().target.empty());
}

TEST_CASE("STDIN decides; a length only tells what has none") {
  FastcgiHead of;
  const auto tells_no_body = [&of](std::string_view method, std::string_view length) {
    of.set(params({{"REQUEST_METHOD", method}, {"CONTENT_LENGTH", length}}));
    return !of.head().has_body();
  };
  CHECK(tells_no_body("GET", ""));
  CHECK(tells_no_body("POST", "0"));
  CHECK_FALSE(tells_no_body("POST", ""));    // Apache, chunked
  CHECK_FALSE(tells_no_body("POST", "-1"));  // Caddy, chunked
  CHECK_FALSE(tells_no_body("GET", "3"));
}

TEST_CASE("the first rule of which all patterns match chooses the pool") {
  config::Config config;
  config::FastcgiListener& listener = config.fastcgi.emplace_back();
  listener.address = {config::Address::Kind::unix_socket, {}, 0, "/run/h.sock"};
  listener.pool = "php";
  listener.when = {{{{"SCRIPT_FILENAME", "/srv/old/**"}, {"HTTP_HOST", "a"}}, "both"},
                   {{{"SCRIPT_FILENAME", "/srv/old/**"}}, "old"}};
  listener.max_body = 7;
  const auto snapshot = std::make_shared<const config::Config>(config);
  const auto plans = std::make_shared<const FastcgiPlans>(snapshot, snapshot->fastcgi);
  REQUIRE(plans->find(listener.address) != nullptr);
  CHECK(plans->find({config::Address::Kind::tcp, "127.0.0.1", 1, {}}) == nullptr);
  const auto pool_of = [&](fastcgi::ParamList list) {
    const Plan plan = plan_of(plans, *plans->find(listener.address), list);
    CHECK(plan.kind == Plan::Kind::php);
    CHECK(plan.max_body == 7);
    CHECK_FALSE(plan.log_stderr);
    return plan.site->pool + " " + plan.target.script_name;
  };
  CHECK(pool_of(params({{"SCRIPT_FILENAME", "/srv/new/x.php"}})) == "php /srv/new/x.php");
  CHECK(pool_of(params({{"SCRIPT_FILENAME", "/srv/old/x.php"}, {"HTTP_HOST", "a"}})) ==
        "both /srv/old/x.php");
  CHECK(pool_of(params({{"SCRIPT_FILENAME", "proxy:fcgi://h/srv/old/a/x.php"}})) == "old /srv/old/a/x.php");
  CHECK(pool_of(params({{"SCRIPT_FILENAME", "/srv/old/x.php/"}})) == "old /srv/old/x.php");  // lighttpd
  CHECK(pool_of({}) == "php ");
}

// CGI parameters against nginx's list and against header smuggling.
#include "proxy/core/cgi_params.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "config/site.h"

using namespace holdfast;
using core::CgiParams;
using core::CgiRequest;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// A decoder of our own, so that encoder and decoder cannot agree on a mistake.
Pairs decode(const fastcgi::ParamList& list) {
  std::string wire;
  list.write_records(1, wire);
  Pairs pairs;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(wire.at(i)));
  };
  std::size_t at = 0;
  while (at < wire.size()) {
    REQUIRE(byte(at + 1) == 4);  // PARAMS
    const std::size_t end = at + 8 + byte(at + 4) * 256 + byte(at + 5);
    const std::size_t padding = byte(at + 6);
    for (at += 8; at < end;) {
      std::size_t sizes[2];
      for (std::size_t& size : sizes) {
        size = byte(at++);
        if (size < 128) continue;
        size = (size & 127) << 24 | byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
        at += 3;
      }
      pairs.emplace_back(wire.substr(at, sizes[0]), wire.substr(at + sizes[0], sizes[1]));
      at += sizes[0] + sizes[1];
    }
    REQUIRE(at == end);
    at += padding;
  }
  return pairs;
}

struct ParamsFixture {
  ParamsFixture() {
    site.root = "/srv/here";
    site.php_root = "/srv/there";
    head.method_text = "GET";
    head.target = "/a%20b/?q=%41&r";
    head.raw_path = "/a%20b/";
    head.path = "/a b/";
    head.query = "q=%41&r";
    head.authority = "Example.com:8080";
    head.host = "example.com";
    head.fields = {{"Host", "Example.com:8080"}, {"User-Agent", "test"}};
  }

  config::Site site;
  http::RequestHead head;
  std::string script_name = "/index.php";
  std::string path_info;
  std::string root;
  std::optional<std::string_view> query;
  std::string remote_user;
  std::string told_authority;
  std::string told_host;
  core::ForwardedFields forwarded = core::ForwardedFields::all();
  bool https = false;
  std::uint64_t content_length = 0;

  Pairs pairs() {
    CgiParams params(site, "holdfast/0.0.1");
    fastcgi::ParamList list;
    REQUIRE(params.build(request(), list));
    return decode(list);
  }

  CgiRequest request() const {
    return {.head = head,
            .script_name = script_name,
            .path_info = path_info,
            .root = root,
            .query = query,
            .remote_user = remote_user,
            .remote_address = "192.0.2.7",
            .remote_port = "5000",
            .server_address = "192.0.2.1",
            .server_port = "8080",
            .https = https,
            .authority = told_authority,
            .host = told_host,
            .forwarded_fields = forwarded,
            .content_length = content_length};
  }

  // The value of a name that must be there exactly once; "(none)" when it is not there.
  std::string value(std::string_view name) {
    const Pairs all = pairs();
    const auto is = [&](const auto& pair) { return pair.first == name; };
    REQUIRE(std::count_if(all.begin(), all.end(), is) <= 1);
    const auto found = std::find_if(all.begin(), all.end(), is);
    return found == all.end() ? "(none)" : found->second;
  }
};

}  // namespace

TEST_CASE_FIXTURE(ParamsFixture, "a plain GET, whole") {
  CHECK(pairs() == Pairs{{"GATEWAY_INTERFACE", "CGI/1.1"},
                         {"REDIRECT_STATUS", "200"},
                         {"SERVER_SOFTWARE", "holdfast/0.0.1"},
                         {"QUERY_STRING", "q=%41&r"},
                         {"REQUEST_METHOD", "GET"},
                         {"CONTENT_TYPE", ""},
                         {"CONTENT_LENGTH", ""},
                         {"REQUEST_URI", "/a%20b/?q=%41&r"},
                         {"SERVER_PROTOCOL", "HTTP/1.1"},
                         {"SCRIPT_NAME", "/index.php"},
                         {"DOCUMENT_ROOT", "/srv/there"},
                         {"SCRIPT_FILENAME", "/srv/there/index.php"},
                         {"DOCUMENT_URI", "/index.php"},
                         {"REQUEST_SCHEME", "http"},
                         {"REMOTE_ADDR", "192.0.2.7"},
                         {"REMOTE_PORT", "5000"},
                         {"SERVER_ADDR", "192.0.2.1"},
                         {"SERVER_PORT", "8080"},
                         {"SERVER_NAME", "example.com"},
                         {"HTTP_HOST", "Example.com:8080"},
                         {"HTTP_USER_AGENT", "test"}});
}

TEST_CASE_FIXTURE(ParamsFixture, "PATH_INFO, https, HTTP/1.0") {
  path_info = "/x y";
  https = true;
  head.version_minor = 0;
  CHECK(value("PATH_INFO") == "/x y");
  CHECK(value("PATH_TRANSLATED") == "(none)");  // php-fpm may run it: see cgi_params.cpp
  CHECK(value("DOCUMENT_URI") == "/index.php/x y");
  CHECK(value("SCRIPT_FILENAME") == "/srv/there/index.php");
  CHECK(value("HTTPS") == "on");
  CHECK(value("REQUEST_SCHEME") == "https");
  CHECK(value("SERVER_PROTOCOL") == "HTTP/1.0");
}

TEST_CASE_FIXTURE(ParamsFixture, "CONTENT_LENGTH is the spooled length; empty only without a body") {
  CHECK(value("CONTENT_LENGTH") == "");
  head.content_length = 0;
  CHECK(value("CONTENT_LENGTH") == "0");
  head.content_length.reset();
  head.chunked = true;
  CHECK(value("CONTENT_LENGTH") == "0");
  content_length = 18446744073709551615U;
  CHECK(value("CONTENT_LENGTH") == "18446744073709551615");
  head.fields.push_back({"Content-Length", "5"});
  head.fields.push_back({"content-type", "text/plain"});
  CHECK(value("CONTENT_TYPE") == "text/plain");
  CHECK(value("HTTP_CONTENT_TYPE") == "(none)");
  CHECK(value("HTTP_CONTENT_LENGTH") == "(none)");
}

TEST_CASE_FIXTURE(ParamsFixture, "REQUEST_URI of an absolute-form target and of *") {
  head.target = "http://example.com:8080/a%20b/?q=%41&r";
  CHECK(value("REQUEST_URI") == "/a%20b/?q=%41&r");
  head.target = "http://example.com:8080";
  head.raw_path = "/";
  head.query = "";
  CHECK(value("REQUEST_URI") == "/");
}

TEST_CASE_FIXTURE(ParamsFixture, "the Host field never stands against the authority; none without either") {
  head.fields[0].value = "evil.example";
  CHECK(value("HTTP_HOST") == "Example.com:8080");
  head.authority = head.host = "";
  head.fields.erase(head.fields.begin());
  CHECK(value("HTTP_HOST") == "(none)");
  CHECK(value("SERVER_NAME") == "192.0.2.1");
  site.hosts = {"*.example.com"};
  CHECK(value("SERVER_NAME") == "192.0.2.1");
  site.hosts = {"www.example.com", "example.com"};
  CHECK(value("SERVER_NAME") == "www.example.com");
}

TEST_CASE_FIXTURE(ParamsFixture, "the root behind its links, and the host that a trusted proxy tells") {
  root = "/srv/releases/7";
  CHECK(value("DOCUMENT_ROOT") == "/srv/releases/7");
  CHECK(value("SCRIPT_FILENAME") == "/srv/releases/7/index.php");
  CHECK(value("SCRIPT_NAME") == "/index.php");
  told_authority = "Shop.example:444";
  told_host = "shop.example";
  CHECK(value("HTTP_HOST") == "Shop.example:444");
  CHECK(value("SERVER_NAME") == "shop.example");
}

TEST_CASE_FIXTURE(ParamsFixture, "raw bytes reach php as they were sent, decoded only where it is the path") {
  head.target = "/\xc3\xa9\xff?q=\xfc";
  head.raw_path = "/\xc3\xa9\xff";
  head.path = "/\xc3\xa9\xff";
  head.query = "q=\xfc";
  path_info = "/\xc3\xa9\xff";
  CHECK(value("REQUEST_URI") == "/\xc3\xa9\xff?q=\xfc");
  CHECK(value("QUERY_STRING") == "q=\xfc");
  CHECK(value("PATH_INFO") == "/\xc3\xa9\xff");
}

TEST_CASE_FIXTURE(ParamsFixture, "what speaks of the client is php's only if a trusted proxy has set it") {
  head.fields.push_back({"X-Forwarded-For", "203.0.113.66"});
  head.fields.push_back({"x-forwarded-proto", "https"});
  head.fields.push_back({"X-FORWARDED-FOR", "203.0.113.67"});
  head.fields.push_back({"Forwarded", "for=203.0.113.66"});
  head.fields.push_back({"X-Real-IP", "203.0.113.66"});
  head.fields.push_back({"X-Forwarded-Anything", "1"});
  CHECK(pairs().size() == 21 + 5);
  forwarded = core::ForwardedFields::only({config::ForwardedHeader::x_forwarded_for});
  CHECK(pairs().size() == 21 + 1);
  CHECK(value("HTTP_X_FORWARDED_FOR") == "203.0.113.66, 203.0.113.67");
  forwarded = {};
  CHECK(pairs().size() == 21);
}

TEST_CASE_FIXTURE(ParamsFixture, "names that make no HTTP_*") {
  const std::size_t without = pairs().size();
  for (const char* name : {"X_Forwarded_For",
                           "X-Forwarded_For",
                           "X.Forwarded.For",
                           "Proxy",
                           "PROXY",
                           "TE",
                           "Trailer",
                           "Upgrade",
                           "Connection",
                           "Keep-Alive",
                           "Transfer-Encoding",
                           "Proxy-Connection",
                           "Content-Type",
                           "content-type",
                           "Content-Length",
                           "Host",
                           "X[0]",
                           "X+Y",
                           "X~",
                           "",
                           "A b",
                           "A\xc3\xa9",
                           "A!",
                           "_",
                           "."}) {
    CAPTURE(name);
    head.fields.push_back({name, "v"});
    CHECK(pairs().size() == without);
    head.fields.pop_back();
  }
  head.fields.push_back({"x-1-y", ""});
  head.fields.push_back({"Proxy-X", "p"});
  CHECK(value("HTTP_X_1_Y") == "");
  CHECK(value("HTTP_PROXY_X") == "p");
}

TEST_CASE_FIXTURE(ParamsFixture,
                  "fields that Connection names are dropped, but not what proxies tell of the client") {
  head.fields.push_back({"X-Hop", "1"});
  head.fields.push_back({"X-Forwarded-For", "192.0.2.1"});
  head.fields.push_back({"Forwarded", "for=192.0.2.1"});
  head.fields.push_back({"X-Other", "2"});
  head.fields.push_back({"connection", "keep-alive ,\tx-hop,, X-Forwarded-For"});
  head.fields.push_back({"Connection", "forwarded, Host"});
  CHECK(value("HTTP_X_HOP") == "(none)");
  CHECK(value("HTTP_X_FORWARDED_FOR") == "192.0.2.1");
  CHECK(value("HTTP_FORWARDED") == "for=192.0.2.1");
  CHECK(value("HTTP_X_OTHER") == "2");
  CHECK(value("HTTP_HOST") == "Example.com:8080");
}

TEST_CASE_FIXTURE(ParamsFixture, "32 connection options are heeded, the 33rd is not") {
  std::string options;
  for (int i = 0; i < 31; ++i) options += "close, o" + std::to_string(i) + ",";
  options += "x-a, x-b";
  head.fields.push_back({"Connection", options});
  head.fields.push_back({"X-A", "1"});
  head.fields.push_back({"X-B", "2"});
  CHECK(value("HTTP_X_A") == "(none)");
  CHECK(value("HTTP_X_B") == "2");
}

TEST_CASE_FIXTURE(ParamsFixture, "repeated fields are joined in order") {
  head.fields.push_back({"Cookie", "a=1"});
  head.fields.push_back({"X-Forwarded-For", "192.0.2.1"});
  head.fields.push_back({"cookie", "b=2"});
  head.fields.push_back({"Cookies", "no"});
  head.fields.push_back({"COOKIE", "c=3"});
  head.fields.push_back({"x-forwarded-for", "192.0.2.2"});
  CHECK(value("HTTP_COOKIE") == "a=1; b=2; c=3");
  CHECK(value("HTTP_X_FORWARDED_FOR") == "192.0.2.1, 192.0.2.2");
  CHECK(value("HTTP_COOKIES") == "no");
  CHECK(value("HTTP_USER_AGENT") == "test");
}

TEST_CASE_FIXTURE(ParamsFixture, "200 fields of names much alike are each joined once") {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i)
    names.push_back("X-Long-Name-" + std::to_string(1000 + i) + "-With-The-Same-End");
  for (int round = 0; round < 2; ++round) {
    for (const std::string& name : names) head.fields.push_back({name, round == 0 ? "a" : "b"});
  }
  const Pairs all = pairs();
  CHECK(all.size() == 21 + 100);
  CHECK(value("HTTP_X_LONG_NAME_1042_WITH_THE_SAME_END") == "a, b");
}

TEST_CASE_FIXTURE(ParamsFixture, "a configured param wins over the list and over any field, once") {
  site.params = {{"APP_ENV", "production"}, {"HTTP_X_ROLE", "guest"},  {"HTTPS", "on"},
                 {"SERVER_NAME", "fixed"},  {"CONTENT_LENGTH", "999"}, {"CONTENT_TYPE", "x/y"},
                 {"HTTP_HOST", ""},         {"SCRIPT_FILENAME", "/x"}};
  head.fields.push_back({"X-Role", "admin"});
  head.fields.push_back({"X-ROLE", "root"});
  CHECK(value("APP_ENV") == "production");
  CHECK(value("HTTP_X_ROLE") == "guest");
  CHECK(value("HTTPS") == "on");
  CHECK(value("SERVER_NAME") == "fixed");
  CHECK(value("HTTP_HOST") == "");
  CHECK(value("SCRIPT_FILENAME") == "/x");
  CHECK(value("CONTENT_LENGTH") == "");
  CHECK(value("CONTENT_TYPE") == "x/y");
  https = true;
  CHECK(value("HTTPS") == "on");
}

TEST_CASE_FIXTURE(ParamsFixture, "a client cannot make a name without HTTP_") {
  head.fields.push_back({"PHP-VALUE", "memory_limit=1"});
  head.fields.push_back({"PHP_VALUE", "memory_limit=1"});
  head.fields.push_back({"SCRIPT-FILENAME", "/etc/passwd"});
  for (const auto& [name, text] : pairs()) {
    CHECK(name != "PHP_VALUE");
    if (text == "/etc/passwd") CHECK(name == "HTTP_SCRIPT_FILENAME");
  }
}

TEST_CASE_FIXTURE(ParamsFixture, "a value too large for one record is an error, one byte less is not") {
  CgiParams params(site, "holdfast/0.0.1");
  const std::size_t value_max = 65528 - 1 - 4 - std::string_view("HTTP_X_BIG").size();
  for (const std::size_t bytes : {value_max, value_max + 1}) {
    const std::string big(bytes, 'x');
    head.fields.push_back({"X-Big", big});
    fastcgi::ParamList list;
    CHECK(params.build(request(), list) == (bytes == value_max));
    head.fields.pop_back();
  }
}

TEST_CASE_FIXTURE(ParamsFixture, "a builder carries nothing from one request to the next") {
  CgiParams params(site, "holdfast/0.0.1");
  const auto build = [&] {
    fastcgi::ParamList list;
    REQUIRE(params.build(request(), list));
    return decode(list);
  };
  const Pairs before = build();
  const std::vector<http::Field> fields = head.fields;
  head.fields.push_back({"Connection", "user-agent"});
  head.fields.push_back({"Cookie", "a"});
  head.fields.push_back({"Cookie", "b"});
  CHECK(build() != before);
  head.fields = {{"X-A", "1"}, {"User-Agent", "test"}, {"X-B", "2"}, {"x-b", "3"}};
  Pairs expected = before;
  expected.insert(expected.end() - 1, {"HTTP_X_A", "1"});
  expected.emplace_back("HTTP_X_B", "2, 3");
  CHECK(build() == expected);
  head.fields = fields;
  CHECK(build() == before);
}

TEST_CASE_FIXTURE(ParamsFixture, "who has given a password") {
  CHECK(value("REMOTE_USER") == "(none)");
  CHECK(value("AUTH_TYPE") == "(none)");
  remote_user = "ann";
  CHECK(value("REMOTE_USER") == "ann");
  CHECK(value("AUTH_TYPE") == "Basic");
}

TEST_CASE_FIXTURE(ParamsFixture, "below the path of a site; the query of a target") {
  site.path = "/wiki";
  path_info = "/p";
  query = "id=1";
  CHECK(value("SCRIPT_NAME") == "/wiki/index.php");
  CHECK(value("DOCUMENT_URI") == "/wiki/index.php/p");
  CHECK(value("SCRIPT_FILENAME") == "/srv/there/index.php");
  CHECK(value("QUERY_STRING") == "id=1");
}

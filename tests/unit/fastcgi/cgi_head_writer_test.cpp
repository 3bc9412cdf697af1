// write_cgi_head(): the bytes, and what the parser makes of them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fastcgi/cgi_head_writer.h"

using namespace holdfast::fastcgi;

namespace {

std::string head_of(int status, std::string_view reason, const std::vector<CgiField>& fields) {
  std::string out = "before";
  write_cgi_head(status, reason, fields, out);
  REQUIRE(out.substr(0, 6) == "before");
  return out.substr(6);
}

}  // namespace

TEST_CASE("cgi head writer: status, reason, fields in their order") {
  CHECK(head_of(503, "Service Unavailable", {{"Retry-After", "1"}, {"Content-Type", "text/html"}}) ==
        "Status: 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: text/html\r\n\r\n");
  CHECK(head_of(200, "", {}) == "Status: 200\r\n\r\n");
  CHECK(head_of(999, "x", {{"X-Empty", ""}}) == "Status: 999 x\r\nX-Empty: \r\n\r\n");
}

TEST_CASE("cgi head writer: nothing splits the head") {
  for (const std::string& bad : {std::string("a\r\nX: 1"), std::string("a\nb"), std::string("a\rb"),
                                 std::string("a\0b", 3), std::string("\x1b[2J"), std::string("\x7f")}) {
    CHECK(head_of(404, bad, {{"X-Bad", bad}, {"X-Good", "a\tb \xc3\xa9"}}) ==
          "Status: 404\r\nX-Good: a\tb \xc3\xa9\r\n\r\n");
    CHECK(head_of(404, "", {{bad, "v"}}) == "Status: 404\r\n\r\n");
  }
  for (const std::string name : {"", "A B", "A:", ":", "\xc3\xa9", "Status", "sTATUS"}) {
    CHECK(head_of(404, "", {{name, "v"}}) == "Status: 404\r\n\r\n");
  }
}

TEST_CASE("cgi head writer: the parser reads what was written") {
  const std::string head = head_of(429, "Too Many Requests", {{"Retry-After", "3"}, {"Content-Length", "2"}});
  CgiHeadParser parser;
  std::string_view rest = head;
  REQUIRE(parser.feed(rest) == CgiHeadState::complete);
  CHECK(rest.empty());
  CHECK(parser.status() == 429);
  CHECK(parser.reason() == "Too Many Requests");
  CHECK(parser.find("retry-after") == "3");
  CHECK(parser.content_length() == 2);
}

// CgiHeadParser: golden logs of heads in every cut, limits, and everything it refuses.
#include "fastcgi/cgi_head.h"

#include <doctest/doctest.h>

#include <string>

#include "reference_codec.h"

using holdfast::fastcgi::CgiHeadParser;
using holdfast::fastcgi::CgiHeadState;
using namespace std::string_literals;

namespace {

// "404 Not Found|Name=value|...|length=5|body" or the state's name. One parser for all cuts, so that reset()
// is under test as well.
std::string log_of(CgiHeadParser& parser, const std::vector<std::string>& pieces) {
  parser.reset();
  CHECK(!parser.started());
  std::string body;
  for (const std::string& piece : pieces) {
    std::string_view in = piece;
    const CgiHeadState state = parser.feed(in);
    CHECK(state == parser.state());
    if (state == CgiHeadState::incomplete) CHECK(in.empty());
    body += in;
  }
  switch (parser.state()) {
    case CgiHeadState::incomplete: return "incomplete";
    case CgiHeadState::malformed: CHECK(!parser.error().empty()); return "malformed";
    case CgiHeadState::too_large: return "too large";
    case CgiHeadState::complete: break;
  }
  CHECK(parser.error().empty());
  std::string log = std::to_string(parser.status());
  if (!parser.reason().empty()) log += ' ' + std::string(parser.reason());
  for (const auto& field : parser.fields())
    log += '|' + std::string(field.name) + '=' + std::string(field.value);
  if (parser.content_length()) log += "|length=" + std::to_string(*parser.content_length());
  return log + '|' + body;
}

void check_every_cut(const std::string& input, const std::string& expected,
                     std::size_t bytes_max = 64 * 1024) {
  CAPTURE(input);
  CgiHeadParser parser(bytes_max);
  reference::for_each_cut(
      input, [&](const std::vector<std::string>& pieces) { CHECK(log_of(parser, pieces) == expected); });
}

void check_malformed(const std::string& line) {
  check_every_cut(line + "\r\n\r\n", "malformed");
  check_every_cut("A: b\n" + line + "\n\nbody", "malformed");
}

}  // namespace

TEST_CASE("head: what php-fpm sends, body behind it") {
  check_every_cut("X-Powered-By: PHP/8.2.36\r\nContent-type: text/html; charset=UTF-8\r\n\r\n<p>hi\r\n\r\n",
                  "200|X-Powered-By=PHP/8.2.36|Content-type=text/html; charset=UTF-8|<p>hi\r\n\r\n");
  check_every_cut("Status: 404 Not Found\r\nContent-type: text/html\r\n\r\nFile not found.\n",
                  "404 Not Found|Content-type=text/html|File not found.\n");
}

TEST_CASE("head: LF, CRLF and both in one head") {
  check_every_cut("A: 1\nB: 2\n\nbody", "200|A=1|B=2|body");
  check_every_cut("A: 1\r\nB: 2\n\r\nbody", "200|A=1|B=2|body");
  check_every_cut("A: 1\nB: 2\r\n\nbody", "200|A=1|B=2|body");
}

TEST_CASE("head: without any field") {
  check_every_cut("\r\nbody", "200|body");
  check_every_cut("\nbody", "200|body");
  check_every_cut("\n\n", "200|\n");
}

TEST_CASE("head: incomplete until the empty line has come") {
  for (const char* part : {"A", "A: b", "A: b\r", "A: b\r\n", "A: b\r\n\r", "A: b\n", "A: b\n\r", "\r"}) {
    check_every_cut(part, "incomplete");
  }
}

TEST_CASE("head: white space around values, empty values, colons inside, repeated fields in order") {
  check_every_cut("A:b\nB: \t b c \t \nC:\nD:   \nE: f:g\nSet-Cookie: x\nset-cookie: y\n\n",
                  "200|A=b|B=b c|C=|D=|E=f:g|Set-Cookie=x|set-cookie=y|");
}

TEST_CASE("head: every token byte in a name, obs-text and tabs in a value") {
  check_every_cut("!#$%&'*+-.^_`|~09azAZ: \x80\xff\tx\n\n", "200|!#$%&'*+-.^_`|~09azAZ=\x80\xff\tx|");
}

TEST_CASE("head: Status") {
  check_every_cut("Status: 200\n\n", "200|");
  check_every_cut("Status:599 \t odd: reason \n\n", "599 odd: reason|");
  check_every_cut("status: 503\tService Unavailable\r\nA: b\r\n\r\n", "503 Service Unavailable|A=b|");
  check_every_cut("STATUS: 204 No Content\n\n", "204 No Content|");
  check_every_cut("Status: 404 Not Found\nStatus: 404\n\n", "404 Not Found|");
  for (const char* value : {"", "2", "20", "2000", "200OK", "OK", "abc", "-20", "+200", "0x1", "20x", "199",
                            "100", "101 Switching Protocols", "600", "999", "000", "200,", " "}) {
    check_malformed("Status: "s + value);
  }
  check_malformed("Status: 200\nStatus: 404");
}

TEST_CASE("head: Location without Status is 302, with Status is that") {
  check_every_cut("Location: http://a/\r\n\r\n", "302|Location=http://a/|");
  check_every_cut("A: b\nlocation: /x\n\n", "302|A=b|location=/x|");
  check_every_cut("Location: /x\nStatus: 201 Created\n\n", "201 Created|Location=/x|");
  check_every_cut("Status: 200\nLocation: /x\n\n", "200|Location=/x|");
  check_every_cut("X-Location: /x\n\n", "200|X-Location=/x|");
}

TEST_CASE("head: Content-Length") {
  check_every_cut("Content-Length: 0\n\n", "200|Content-Length=0|length=0|");
  check_every_cut("content-length:  17 \nA: b\n\n", "200|content-length=17|A=b|length=17|");
  check_every_cut("Content-Length: 5\nContent-Length: 5\n\n",
                  "200|Content-Length=5|Content-Length=5|length=5|");
  check_every_cut("Content-Length: 18446744073709551615\n\n",
                  "200|Content-Length=18446744073709551615|length=18446744073709551615|");
  for (const char* value : {"", "18446744073709551616", "99999999999999999999999", "-1", "+1", "1 2", "5, 5",
                            "5,5", "0x10", "1.0", "five"}) {
    check_malformed("Content-Length: "s + value);
  }
  check_malformed("Content-Length: 5\nContent-Length: 6");
}

TEST_CASE("head: lines that are refused") {
  for (const char* line :
       {"no colon", ": no name", " folded: x", "\tfolded", "A : x", "A\t: x", "A B: x", "A\x80: x", "A(: x",
        "A\"B: x", "\"A\": x", "A/B: x", "A@B: x", "[A]: x", "HTTP/1.1 200 OK"}) {
    check_malformed(line);
  }
  check_malformed("A: b\n folded");
  for (int c = 0; c < 0x20; ++c) {
    if (c == '\t' || c == '\n') continue;
    const std::string control(1, static_cast<char>(c));
    check_malformed("A: b" + control + "c");
    check_malformed("A" + control + ": c");
  }
  check_malformed("A: b\x7f");
  check_malformed("A: b\r\r");  // one CR belongs to the line end, the other is bare
  check_malformed("\r\rA: b");
}

TEST_CASE("head: limit of the whole head at, below and above") {
  const std::string head = "Name: value\r\nOther: x\r\n\r\n";
  check_every_cut(head + "body", "200|Name=value|Other=x|body", head.size());
  check_every_cut(head + "body", "200|Name=value|Other=x|body", head.size() + 1);
  check_every_cut(head + "body", "too large", head.size() - 1);
  check_every_cut(head + "body", "too large", 1);
  check_every_cut("\nx", "200|x", 1);
  check_every_cut(head + "body", "200|Name=value|Other=x|body", std::string::npos);
}

TEST_CASE("head: a line without end is cut off at the limit, not stored") {
  CgiHeadParser parser(1000);
  const std::string flood(1 << 20, 'a');
  std::string_view in = flood;
  CHECK(parser.feed(in) == CgiHeadState::too_large);
  CHECK(flood.size() - in.size() == 1001);
}

TEST_CASE("head: after another state than incomplete nothing more is consumed") {
  CgiHeadParser parser;
  std::string_view in = "A: b\n\nbody";
  CHECK(parser.feed(in) == CgiHeadState::complete);
  CHECK(in == "body");
  CHECK(parser.feed(in) == CgiHeadState::complete);
  CHECK(in == "body");
  CHECK(parser.find("a") == "b");
  CHECK(!parser.find("b").has_value());
  parser.reset();
  in = "bad\n\nbody";
  CHECK(parser.feed(in) == CgiHeadState::malformed);
  CHECK(parser.feed(in) == CgiHeadState::malformed);
  CHECK(in == "body");
}

TEST_CASE("head: find ignores case and gives the first; nothing is left from the head before") {
  CgiHeadParser parser;
  std::string_view in = "Status: 500 Oops\nX-A: 1\nx-a: 2\nContent-Length: 3\nLocation: /\n\n";
  REQUIRE(parser.feed(in) == CgiHeadState::complete);
  CHECK(parser.find("X-a") == "1");
  CHECK(!parser.find("Status").has_value());
  parser.reset();
  in = "B: c\n\n";
  REQUIRE(parser.feed(in) == CgiHeadState::complete);
  CHECK(parser.status() == 200);
  CHECK(parser.reason().empty());
  CHECK(parser.fields().size() == 1);
  CHECK(!parser.content_length().has_value());
}

TEST_CASE("head: the error names the line and what is wrong there") {
  const auto error_of = [](std::string_view in) {
    CgiHeadParser parser;
    REQUIRE(parser.feed(in) == CgiHeadState::malformed);
    return std::string(parser.error());
  };
  CHECK(error_of("A: b\r\nWarning in x.php\r\n\r\n") == "line 2 of the response head has no colon");
  CHECK(error_of("Status: 9\n\n") ==
        "line 1 of the response head has a Status that is not a number of 200 to 599 with a reason: \"9\"");
}

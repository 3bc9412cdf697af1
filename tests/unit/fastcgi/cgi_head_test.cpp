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
  CHECK(parser.interim() == (parser.status() < 200));
  std::string log = std::to_string(parser.status());
  if (!parser.reason().empty()) log += ' ' + std::string(parser.reason());
  for (const auto& field : parser.fields())
    log += '|' + std::string(field.name) + '=' + std::string(field.value);
  if (parser.content_length()) log += "|length=" + std::to_string(*parser.content_length());
  if (parser.bad_line_count() > 0) log += "|out=" + std::to_string(parser.bad_line_count());
  CHECK(parser.bad_lines().size() == std::min(parser.bad_line_count(), CgiHeadParser::kBadLinesTold));
  return log + '|' + body;
}

void check_head_cuts(const std::string& input, const std::string& expected,
                     std::size_t bytes_max = 64 * 1024) {
  CAPTURE(input);
  CgiHeadParser parser(bytes_max);
  reference::for_each_cut(
      input, [&](const std::vector<std::string>& pieces) { CHECK(log_of(parser, pieces) == expected); });
}

void check_malformed(const std::string& line) {
  check_head_cuts(line + "\r\n\r\n", "malformed");
  check_head_cuts("A: b\n" + line + "\n\nbody", "malformed");
}

// Left out wherever it stands, and nothing else with it. `alone`: what a head of nothing else is.
void check_left_out(const std::string& line, const std::string& alone = "malformed") {
  CAPTURE(line);
  check_head_cuts(line + "\r\nA: b\r\n\r\nbody", "200|A=b|out=1|body");
  check_head_cuts("A: b\n" + line + "\nStatus: 404 Not Found\nC: d\n\nbody",
                  "404 Not Found|A=b|C=d|out=1|body");
  check_head_cuts(line + "\r\n" + line + "\r\n\r\n", alone);
}

// A header of which only the value is bad: it costs no page.
void check_value_left_out(const std::string& line) {
  check_left_out(line, "200|out=2|");
}

}  // namespace

TEST_CASE("head: what php-fpm sends, body behind it") {
  check_head_cuts("X-Powered-By: PHP/8.2.36\r\nContent-type: text/html; charset=UTF-8\r\n\r\n<p>hi\r\n\r\n",
                  "200|X-Powered-By=PHP/8.2.36|Content-type=text/html; charset=UTF-8|<p>hi\r\n\r\n");
  check_head_cuts("Status: 404 Not Found\r\nContent-type: text/html\r\n\r\nFile not found.\n",
                  "404 Not Found|Content-type=text/html|File not found.\n");
}

TEST_CASE("head: LF, CRLF and both in one head") {
  check_head_cuts("A: 1\nB: 2\n\nbody", "200|A=1|B=2|body");
  check_head_cuts("A: 1\r\nB: 2\n\r\nbody", "200|A=1|B=2|body");
  check_head_cuts("A: 1\nB: 2\r\n\nbody", "200|A=1|B=2|body");
}

TEST_CASE("head: without any field") {
  check_head_cuts("\r\nbody", "200|body");
  check_head_cuts("\nbody", "200|body");
  check_head_cuts("\n\n", "200|\n");
}

TEST_CASE("head: incomplete until the empty line has come") {
  for (const char* part : {"A", "A: b", "A: b\r", "A: b\r\n", "A: b\r\n\r", "A: b\n", "A: b\n\r", "\r"}) {
    check_head_cuts(part, "incomplete");
  }
}

TEST_CASE("head: white space around values, empty values, colons inside, repeated fields in order") {
  check_head_cuts("A:b\nB: \t b c \t \nC:\nD:   \nE: f:g\nSet-Cookie: x\nset-cookie: y\n\n",
                  "200|A=b|B=b c|C=|D=|E=f:g|Set-Cookie=x|set-cookie=y|");
}

TEST_CASE("head: every token byte in a name, obs-text and tabs in a value") {
  check_head_cuts("!#$%&'*+-.^_`|~09azAZ: \x80\xff\tx\n\n", "200|!#$%&'*+-.^_`|~09azAZ=\x80\xff\tx|");
}

TEST_CASE("head: Status") {
  check_head_cuts("Status: 200\n\n", "200|");
  check_head_cuts("Status:599 \t odd: reason \n\n", "599 odd: reason|");
  check_head_cuts("status: 503\tService Unavailable\r\nA: b\r\n\r\n", "503 Service Unavailable|A=b|");
  check_head_cuts("STATUS: 204 No Content\n\n", "204 No Content|");
  check_head_cuts("Status: 404 Not Found\nStatus: 404\n\n", "404 Not Found|");
  for (const char* value :
       {"2", "20", "2000", "OK", "abc", "-20", "+200", "0x1", "20x", "000", "099", "1e9", ":404"}) {
    check_malformed("Status: "s + value);
  }
}

TEST_CASE("head: the status that was meant, whatever follows its number; only a clean reason is passed on") {
  check_head_cuts("Status: 404: Not Found\r\nA: b\r\n\r\n", "404|A=b|");
  check_head_cuts("Status: 404, Not Found\n\n", "404|");
  check_head_cuts("Status: 200OK\n\n", "200|");
  check_head_cuts("Status: 404 Not\x01 Found\n\n", "404|");
  check_head_cuts("Status: 404 Not\x7f\n\n", "404|");
  check_head_cuts("Status: 404 \xC3\xA4\n\n", "404 \xC3\xA4|");
  for (const char* status : {"600", "999", "100", "101", "103", "199"})
    check_head_cuts("Status: "s + status + " Odd\n\nbody", status + " Odd|body"s);
}

TEST_CASE("head: a second Status that differs is left out, and so is an empty one") {
  check_head_cuts("Status: 404 Not Found\nStatus: 500\nA: b\n\n", "404 Not Found|A=b|out=1|");
  check_head_cuts("HTTP/1.1 404 Gone\nStatus: 500\n\n", "404 Gone|out=1|");
  check_value_left_out("Status:");
  check_value_left_out("Status: \t ");
}

TEST_CASE("head: a status line, as php writes it with cgi.rfc2616_headers=1") {
  check_head_cuts("HTTP/1.1 404 Gone fishing\r\nContent-type: text/html\r\n\r\nbody",
                  "404 Gone fishing|Content-type=text/html|body");
  check_head_cuts("HTTP/1.0 200 OK\n\nbody", "200 OK|body");
  check_head_cuts("http/1.1\t 500 a: b\n\n", "500 a: b|");
  check_head_cuts("HTTP/1.1 404: Not Found\n\n", "404|");
  check_head_cuts("A: b\nHTTP/1.1 404 Gone\n\n", "404 Gone|A=b|");
  check_head_cuts("HTTP/1.1 302 Found\nLocation: /x\n\n", "302 Found|Location=/x|");
  for (const char* line : {"HTTP/1.1 Not Found", "HTTP/1.1 20", "HTTP/1.1 2000 x"}) check_malformed(line);
  check_left_out("HTTP/1.1");
  check_left_out("HTTP/1.1:200");
  check_left_out("HTTP/: x");
}

TEST_CASE("head: Location without Status is 302, with Status is that") {
  check_head_cuts("Location: http://a/\r\n\r\n", "302|Location=http://a/|");
  check_head_cuts("A: b\nlocation: /x\n\n", "302|A=b|location=/x|");
  check_head_cuts("Location: /x\nStatus: 201 Created\n\n", "201 Created|Location=/x|");
  check_head_cuts("Status: 200\nLocation: /x\n\n", "200|Location=/x|");
  check_head_cuts("X-Location: /x\n\n", "200|X-Location=/x|");
}

TEST_CASE("head: Content-Length") {
  check_head_cuts("Content-Length: 0\n\n", "200|Content-Length=0|length=0|");
  check_head_cuts("content-length:  17 \nA: b\n\n", "200|content-length=17|A=b|length=17|");
  check_head_cuts("Content-Length: 5\nContent-Length: 5\n\n",
                  "200|Content-Length=5|Content-Length=5|length=5|");
  check_head_cuts("Content-Length: 18446744073709551615\n\n",
                  "200|Content-Length=18446744073709551615|length=18446744073709551615|");
  for (const char* value :
       {"", " ", "abc", "18446744073709551616", "99999999999999999999999", "-1", "+1", "1 2", "0x10", "1.0",
        "five", "5, 5", "12, 12", "12,12", "5,", ",5", "5, x", "5\x01"}) {
    check_value_left_out("Content-Length: "s + value);
  }
  check_head_cuts("Content-Length: x\nContent-Length: 5\n\n", "200|Content-Length=5|length=5|out=1|");
}

TEST_CASE(
    "head: lengths that contradict each other are refused, also within one line or beside one left out") {
  check_malformed("Content-Length: 5\nContent-Length: 6");
  check_malformed("Content-Length: 5, 6");
  check_malformed("Content-Length: 5,5,6");
  check_malformed("Content-Length: 5, 5\nContent-Length: 6");
  check_malformed("Content-Length: 6\nContent-Length: 5, 5");
}

TEST_CASE("head: lines that are left out") {
  for (const char* line : {"no colon", "nocolon", ": no name", ":", "A\x80: x", "\xC3\xA4: x", "A(: x",
                           "[A]: x", "A\"B: x", "\"A\": x", "A/B: x", "A@B: x", "A{}: x", "A\x7f: b"})
    check_left_out(line);
  for (const char* line :
       {"A: b\x7f", "Location: /\x1b[0m", "Set-Cookie: a=\x01", "Content-Type: text/html\x01"})
    check_value_left_out(line);
  for (int c = 1; c < 0x20; ++c) {
    if (c == '\t' || c == '\n' || c == '\r') continue;
    const std::string control(1, static_cast<char>(c));
    check_value_left_out("X: b" + control + "c");
    check_left_out("X" + control + ": c");
    check_left_out(control + "X: c");
  }
}

TEST_CASE("head: lines that are refused") {
  for (const char* line : {"A : x", "A\t: x", "A B: x", "Content-Length : 5", "Status : 200", "A( : x"})
    check_malformed(line);
  for (const char c : {'\r', '\0'}) {
    const std::string control(1, c);
    check_malformed("A: b" + control + "c");
    check_malformed("A" + control + ": c");
    check_malformed("no" + control + "colon");
    check_malformed("Status: 404" + control + "x");
    check_malformed("Content-Length: 5" + control + "x");
  }
  check_malformed("A: b\r\r");  // one CR belongs to the line end, the other is bare
  check_malformed("\r\rA: b");
}

TEST_CASE("head: a folded first line is refused, a later one is joined to the line before it") {
  for (const char* line : {" folded: x", "\tfolded", " ", "\t\n folded"}) {
    CAPTURE(line);
    check_head_cuts(line + "\r\nA: b\r\n\r\nbody"s, "malformed");
  }
  check_head_cuts("A: b\n folded\n\nbody", "200|A=b  folded|body");
  check_head_cuts("A: b\r\n\tc\r\n d\r\nE: f\r\n\r\nbody", "200|A=b  \tc   d|E=f|body");
  check_head_cuts("A: b\r\n \r\nC: d\r\n\r\n", "200|A=b|C=d|");
  check_head_cuts("A: b\nno colon\n nor here\nC: d\n\n", "200|A=b|C=d|out=1|");
  check_head_cuts("Content-Length: 1\n 2\nC: d\n\n", "200|C=d|out=1|");
  check_head_cuts("Status: 404 Not\n Found\n\n", "404 Not  Found|");
}

TEST_CASE("head: limit of the whole head at, below and above") {
  const std::string head = "Name: value\r\nOther: x\r\n\r\n";
  check_head_cuts(head + "body", "200|Name=value|Other=x|body", head.size());
  check_head_cuts(head + "body", "200|Name=value|Other=x|body", head.size() + 1);
  check_head_cuts(head + "body", "too large", head.size() - 1);
  check_head_cuts(head + "body", "too large", 1);
  check_head_cuts("\nx", "200|x", 1);
  check_head_cuts(head + "body", "200|Name=value|Other=x|body", std::string::npos);
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
  in = "bad line: x\n\nbody";
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
  const auto error_of = [](std::string_view in, std::size_t bytes_max = 64 * 1024) {
    CgiHeadParser parser(bytes_max);
    parser.feed(in);
    REQUIRE((parser.state() == CgiHeadState::malformed || parser.state() == CgiHeadState::too_large));
    return std::string(parser.error());
  };
  CHECK(error_of("A: b\r\nWarning in x.php: y\r\n\r\n") ==
        "line 2 of the response head has white space in or behind its name");
  CHECK(error_of("Status: 9\n\n") ==
        "line 1 of the response head has a Status that does not begin with a number of 100 to 999: \"9\"");
  CHECK(error_of("nonsense\n\n") ==
        "line 1 of the response head has no colon, and no other line is a header");
  CHECK(error_of("A: b\nC: d\n\n", 8) == "the response head is longer than 8 bytes");
}

TEST_CASE("head: the lines that were left out are told, the first of them with their text") {
  CgiHeadParser parser;
  std::string_view in = "A: b\nno colon\nC(: d\n: e\nF: \x01\n[g]: h\n\n";
  REQUIRE(parser.feed(in) == CgiHeadState::complete);
  CHECK(parser.bad_line_count() == 5);
  REQUIRE(parser.bad_lines().size() == 4);
  CHECK(parser.bad_lines()[0].number == 2);
  CHECK(parser.bad_lines()[0].why == "has no colon");
  CHECK(parser.bad_lines()[0].text == "no colon");
  CHECK(parser.bad_lines()[3].text == "F: \x01");
  parser.reset();
  in = "A: b\n\n";
  REQUIRE(parser.feed(in) == CgiHeadState::complete);
  CHECK(parser.bad_line_count() == 0);
  CHECK(parser.bad_lines().empty());
}

TEST_CASE("head: what was consumed can be had as it came, and whether it began as a head does") {
  CgiHeadParser parser;
  std::string_view in = "<p>a\r\n b: c</p>\n\nrest";
  REQUIRE(parser.feed(in) == CgiHeadState::malformed);
  CHECK(parser.text() == "<p>a\r\n b: c</p>\n\n");
  CHECK_FALSE(parser.began_well());
  parser.reset();
  in = "A: b\nC : d\n\n";
  REQUIRE(parser.feed(in) == CgiHeadState::malformed);
  CHECK(parser.began_well());
}

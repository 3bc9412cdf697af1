// What a refused head leaves for the log: the beginning of its first line, however it was cut, and no field.
#include <doctest/doctest.h>

#include <string>

#include "proxy/http/request_parser.h"

using holdfast::http::RequestParser;

namespace {

struct Seen {
  std::string first_bytes, why;
};

Seen refuse(std::string_view bytes, std::size_t piece) {
  RequestParser parser;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, piece);
    const RequestParser::Progress progress = parser.advance(part);
    if (progress.event == RequestParser::Event::refused)
      return {std::string(parser.first_bytes()), std::string(parser.refusal().why)};
    REQUIRE(progress.event == RequestParser::Event::need_more);
    bytes.remove_prefix(part.size());
  }
  return {std::string(parser.first_bytes()), "none"};
}

const std::string kTlsHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);

}  // namespace

TEST_CASE("first bytes: a refused request line, up to what was refused and as far as it came") {
  CHECK(refuse("GET /a b HTTP/1.1\r\n\r\n", 100).first_bytes == "GET /a b HTTP/1.1");
  CHECK(refuse("\r\n(x\r\nCookie: secret\r\n\r\n", 100).first_bytes == "(x");
  for (const std::size_t piece : {1, 2, 3, 7}) {
    const std::string seen = refuse("GET /a\tb HTTP/1.1\r\n\r\n", piece).first_bytes;
    CHECK(seen.starts_with("GET /a\t"));
  }
}

TEST_CASE("first bytes: fields may hold secrets") {
  for (const std::size_t piece : {1, 9, 1000}) {
    CHECK(refuse("GET /a HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\nbad line\r\n\r\n", piece).first_bytes ==
          "GET /a HTTP/1.1");
  }
  // A bare LF or CR ends the line, too.
  CHECK(refuse("GET /a HTTP/1.1\nCookie: s\n\n", 1000).first_bytes == "GET /a HTTP/1.1");
  CHECK(refuse("GET /a HTTP/1.1\rCookie: s\r\r", 1000).first_bytes == "GET /a HTTP/1.1");
}

TEST_CASE("first bytes: 64 at most") {
  CHECK(refuse("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n", 100000).first_bytes ==
        "GET /" + std::string(59, 'a'));
  CHECK(refuse(std::string(100, '\x80'), 100).first_bytes == std::string(64, '\x80'));
}

TEST_CASE("TLS on a plain port is called by its name, whole or byte by byte") {
  for (const std::size_t piece : {1, 5, 100}) {
    const Seen seen = refuse(kTlsHello, piece);
    CHECK(seen.why == "TLS on a port that speaks plain HTTP");
    CHECK(seen.first_bytes == kTlsHello.substr(0, piece));
  }
}

TEST_CASE("first bytes: of a head that is not whole") {
  CHECK(refuse("GET /slow HTT", 4).first_bytes == "GET /slow HTT");
  CHECK(refuse("", 4).first_bytes.empty());
}

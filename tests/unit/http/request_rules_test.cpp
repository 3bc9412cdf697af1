// The pure rules: paths, authorities, lengths, names; and which fields go where.
#include "proxy/http/request_rules.h"

#include <doctest/doctest.h>

#include "proxy/http/header_rules.h"
#include "proxy/http/text.h"

using namespace holdfast::http;

TEST_CASE("normalise_path") {
  const struct {
    const char* raw;
    const char* path;  // nullptr: refused
  } kSamples[] = {
      {"/", "/"},
      {"/a", "/a"},
      {"/a/", "/a/"},
      {"//", "/"},
      {"///a//b//", "/a/b/"},
      {"/.", "/"},
      {"/./", "/"},
      {"/./a", "/a"},
      {"/a/.", "/a/"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/b/..", "/a/"},
      {"/a/b/../c", "/a/c"},
      {"/a/b/../../c", "/c"},
      {"/a//../b", "/b"},
      {"/a/./../b/./c/..", "/b/"},
      {"/...", "/..."},
      {"/.a/..b/c.", "/.a/..b/c."},
      {"/.well-known/x", "/.well-known/x"},
      {"/%41%7a", "/Az"},
      {"/%2e", "/"},
      {"/a/%2E%2e/b", "/b"},
      {"/a/.%2e", "/"},
      {"/a%2fb", "/a/b"},
      {"/a%2F%2Fb", "/a/b"},
      {"/a/%2e%2e%2fb", "/b"},
      {"/%25", "/%"},
      {"/%252e%252e", "/%2e%2e"},
      {"/%20%0a%7f", "/ \n\x7f"},
      {"/a%5c..%5cb", "/a\\..\\b"},
      {"/%c3%a4", "/\xc3\xa4"},
      {"/a?b", "/a?b"},
      {"/a%3Fb%23", "/a?b#"},
      {"/..", nullptr},
      {"/../", nullptr},
      {"/..//", nullptr},
      {"//..", nullptr},
      {"/./..", nullptr},
      {"/a/../..", nullptr},
      {"/a/../../a", nullptr},
      {"/%2e%2e", nullptr},
      {"/%2e%2e%2fa", nullptr},
      {"/a%2f..%2f..", nullptr},
      {"/%", nullptr},
      {"/%4", nullptr},
      {"/%4g", nullptr},
      {"/%g4", nullptr},
      {"/%%41", nullptr},
      {"/%00", nullptr},
      {"/a%00.php", nullptr},
      {"", nullptr},
      {"a", nullptr},
      {"%2fa", nullptr},
      {"*", nullptr},
  };
  for (const auto& sample : kSamples) {
    CAPTURE(sample.raw);
    std::string out = "left over";
    REQUIRE(normalise_path(sample.raw, out) == (sample.path != nullptr));
    if (sample.path == nullptr) continue;
    CHECK(out == sample.path);
    // What comes out has nothing left to resolve, but a "%" may be one that was "%25".
    CHECK(out.find("//") == std::string::npos);
    CHECK(out.find("/../") == std::string::npos);
    CHECK(out.find("/./") == std::string::npos);
  }
  std::string out;
  CHECK_FALSE(normalise_path(std::string_view("/a\0b", 4), out));
}

TEST_CASE("split_authority") {
  const struct {
    const char* text;
    const char* host;  // nullptr: refused
  } kSamples[] = {
      {"example.com", "example.com"},
      {"EXAMPLE.com:80", "example.com"},
      {"example.com.", "example.com"},
      {"example.com.:80", "example.com"},
      {"a:", "a"},
      {"a:0", "a"},
      {"a:65535", "a"},
      {"a:000080", "a"},
      {"127.0.0.1", "127.0.0.1"},
      {"127.0.0.1:8080", "127.0.0.1"},
      {"999.1.1.1", "999.1.1.1"},  // not an address, but a valid reg-name
      {"my_host-1", "my_host-1"},
      {"a%C3%A4.de", "a%c3%a4.de"},
      {"a!$&'()*+,;=~b", "a!$&'()*+,;=~b"},
      {"[::]", "[::]"},
      {"[::1]:80", "[::1]"},
      {"[::1]:", "[::1]"},
      {"[FE80::1]", "[fe80::1]"},
      {"[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"},
      {"[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]"},
      {"[::2:3:4:5:6:7:8]", "[::2:3:4:5:6:7:8]"},
      {"[1::8]", "[1::8]"},
      {"[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"},
      {"[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]"},
      {"", nullptr},
      {":80", nullptr},
      {".", nullptr},
      {".a", nullptr},
      {"a..b", nullptr},
      {"a..", nullptr},
      {"a:65536", nullptr},
      {"a:4294967376", nullptr},
      {"a:8x", nullptr},
      {"a:-1", nullptr},
      {"a:80:80", nullptr},
      {"u@a", nullptr},
      {"u:p@a", nullptr},
      {"a/", nullptr},
      {"a?", nullptr},
      {"a#", nullptr},
      {"a b", nullptr},
      {"a\\", nullptr},
      {"a%", nullptr},
      {"a%4", nullptr},
      {"a%4x", nullptr},
      {"\xc3\xa4", nullptr},
      {"[", nullptr},
      {"[]", nullptr},
      {"[::1", nullptr},
      {"[::1]80", nullptr},
      {"[::1]:x", nullptr},
      {"[:1]", nullptr},
      {"[1:]", nullptr},
      {"[:]", nullptr},
      {"[:::]", nullptr},
      {"[1::2::3]", nullptr},
      {"[1:2:3:4:5:6:7]", nullptr},
      {"[1:2:3:4:5:6:7:8:9]", nullptr},
      {"[1:2:3:4:5:6:7:8::]", nullptr},
      {"[::1:2:3:4:5:6:7:8]", nullptr},
      {"[12345::]", nullptr},
      {"[::g]", nullptr},
      {"[::1.2.3]", nullptr},
      {"[::1.2.3.4.5]", nullptr},
      {"[::1.2.3.256]", nullptr},
      {"[::1.2.3.04]", nullptr},
      {"[1.2.3.4]", nullptr},
      {"[::1.2.3.4:5]", nullptr},
      {"[1:2:3:4:5:6:7:1.2.3.4]", nullptr},
      {"[1:2:3:4:5::6:1.2.3.4]", nullptr},
      {"[::fe80%25eth0]", nullptr},
      {"[v1.x]", nullptr},
  };
  for (const auto& sample : kSamples) {
    CAPTURE(sample.text);
    std::string host;
    REQUIRE(split_authority(sample.text, host) == (sample.host != nullptr));
    if (sample.host != nullptr) CHECK(host == sample.host);
  }
}

TEST_CASE("parse_content_length") {
  CHECK(parse_content_length("0") == 0);
  CHECK(parse_content_length("007") == 7);
  CHECK(parse_content_length("18446744073709551614") == UINT64_MAX - 1);
  CHECK(parse_content_length("18446744073709551615") == UINT64_MAX);
  CHECK_FALSE(parse_content_length("18446744073709551616"));
  CHECK_FALSE(parse_content_length("28446744073709551615"));
  for (const char* bad : {"", " ", "+1", "-1", "1 ", " 1", "1,1", "0x1", "1.0", "a", "\xc2\xb2"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_content_length(bad));
  }
}

TEST_CASE("names and values, byte by byte") {
  const std::string_view signs = "!#$%&'*+-.^_`|~";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string text(1, c);
    CAPTURE(byte);
    const bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (byte != 0 && signs.find(c) != std::string_view::npos);
    CHECK(is_field_name(text) == token);
    CHECK(is_field_value(text) == (byte == '\t' || (byte >= 0x20 && byte != 0x7f)));
  }
  CHECK_FALSE(is_field_name(""));
  CHECK(is_field_value(""));
}

TEST_CASE("each byte at each place of a long value") {
  for (int byte = 0; byte < 256; ++byte)
    for (std::size_t at = 0; at < 20; ++at)
      for (const char around : {'x', '\t', '\xff', ' '}) {
        std::string text(20, around);
        text[at] = static_cast<char>(byte);
        const bool good = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        REQUIRE(run_of_value(text) == (good ? 20 : at));
        REQUIRE(run_of(text, kValue) == (good ? 20 : at));
      }
}

TEST_CASE("hop-by-hop fields") {
  for (const char* name :
       {"Connection", "keep-alive", "Proxy-Connection", "TE", "Trailer", "TRANSFER-ENCODING", "Upgrade"})
    CHECK(is_hop_by_hop(name));
  for (const char* name : {"", "T", "Host", "Connections", "Trailers", "Keep_Alive", "Content-Length",
                           "Upgrades", "Cookie", "Accept-Encoding", "Content-Encoding!"})
    CHECK_FALSE(is_hop_by_hop(name));
  CHECK(names_in_connection("close, X-A ,,x-b", "x-a"));
  CHECK(names_in_connection("close, X-A ,,x-b", "X-B"));
  CHECK_FALSE(names_in_connection("close, X-A ,,x-b", "X"));
  CHECK_FALSE(names_in_connection("", "X"));
}

TEST_CASE("methods that may be sent twice") {
  CHECK(is_repeatable(Method::get));
  CHECK(is_repeatable(Method::head));
  CHECK(is_repeatable(Method::options));
  CHECK(is_repeatable(Method::put));
  CHECK(is_repeatable(Method::delete_));
  CHECK(is_repeatable(Method::query));
  CHECK_FALSE(is_repeatable(Method::post));
  CHECK_FALSE(is_repeatable(Method::patch));
  CHECK_FALSE(is_repeatable(Method::other));
}

TEST_CASE("comparison ignores the case of ASCII letters only") {
  CHECK(equals_ignore_case("aZ-1", "Az-1"));
  CHECK_FALSE(equals_ignore_case("a", "ab"));
  CHECK_FALSE(equals_ignore_case("@", "`"));
  CHECK_FALSE(equals_ignore_case("[", "{"));
  CHECK_FALSE(equals_ignore_case("\xc4", "\xe4"));
  CHECK_FALSE(equals_ignore_case(std::string_view("\0", 1), " "));
}

// Addresses, host patterns and networks.
#include "config/addresses.h"

#include <doctest/doctest.h>

#include <string>

#include "config/load.h"

using namespace holdfast::config;

namespace {

std::array<std::uint8_t, 16> v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d};
}

}  // namespace

TEST_CASE("listen addresses") {
  struct {
    const char* text;
    const char* host;
    int port;
    const char* printed;
  } const good[] = {{"127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"},
                    {":80", "0.0.0.0", 80, "0.0.0.0:80"},
                    {"[::1]:8080", "::1", 8080, "[::1]:8080"},
                    {"[::]:1", "::", 1, "[::]:1"},
                    {"localhost:65535", "localhost", 65535, "localhost:65535"},
                    {"127.0.0.1:0", "127.0.0.1", 0, "127.0.0.1:0"},
                    {"[fe80::1%eth0]:80", "fe80::1%eth0", 80, "[fe80::1%eth0]:80"}};
  for (const auto& row : good) {
    CAPTURE(row.text);
    const auto parsed = read_listen_address(row.text);
    REQUIRE(parsed.value);
    CHECK(parsed.value->kind == Address::Kind::tcp);
    CHECK(parsed.value->host == row.host);
    CHECK(parsed.value->port == row.port);
    CHECK(parsed.value->text() == row.printed);
    CHECK(read_listen_address(row.printed).value == parsed.value);
  }
  const auto socket = read_listen_address("unix:/run/x y.sock");
  REQUIRE(socket.value);
  CHECK(socket.value->kind == Address::Kind::unix_socket);
  CHECK(socket.value->path == "/run/x y.sock");
}

TEST_CASE("what is no listen address, and what to write instead") {
  struct {
    const char* text;
    const char* hint;  // a part of it
  } const bad[] = {{"8080", "write :8080"},
                   {"localhost", "add a port: localhost:PORT"},
                   {"[::1]", "add a port: [::1]:PORT"},
                   {"::1", "[::1]:PORT"},
                   {"::1:80", "[::1]:80"},
                   {"2001:db8::1:80", "[2001:db8::1]:80"},
                   {"*:80", "write :80"},
                   {"http://localhost:80", "leave out 'http://'"},
                   {"tcp:127.0.0.1:80", "leave out 'tcp:'"},
                   {"/run/x.sock", "write unix:/run/x.sock"},
                   {"unix:run/x.sock", "unix:/run"},
                   {"127.0.0.1:080", "write 80"},
                   {"", ""},
                   {":", ""},
                   {"127.0.0.1:", ""},
                   {"127.0.0.1:65536", ""},
                   {"127.0.0.1:-1", ""},
                   {"256.0.0.1:80", ""},
                   {"1.2.3:80", ""},
                   {"a..b:80", ""},
                   {".a:80", ""},
                   {"a b:80", ""},
                   {"[::g]:80", ""},
                   {"[::1:80", ""},
                   {"[fe80::1%]:80", ""},
                   {"[127.0.0.1]:80", ""}};
  for (const auto& row : bad) {
    CAPTURE(row.text);
    const auto parsed = read_listen_address(row.text);
    CHECK_FALSE(parsed.value);
    CHECK_FALSE(parsed.error.empty());
    CHECK(parsed.hint.find(row.hint) != std::string::npos);
  }
}

TEST_CASE("a Unix socket path has at most 107 bytes") {
  CHECK(read_listen_address("unix:/" + std::string(105, 'a')).value);
  CHECK(read_listen_address("unix:/" + std::string(106, 'a')).value);
  CHECK_FALSE(read_listen_address("unix:/" + std::string(107, 'a')).value);
}

TEST_CASE("pool addresses say their transport") {
  CHECK(pool_address_text(*read_pool_address("tcp:php:9000").value) == "tcp:php:9000");
  CHECK(pool_address_text(*read_pool_address("tcp:[::1]:9000").value) == "tcp:[::1]:9000");
  CHECK(pool_address_text(*read_pool_address("tcp:my_php.local:1").value) == "tcp:my_php.local:1");
  CHECK(pool_address_text(*read_pool_address("unix:/run/php.sock").value) == "unix:/run/php.sock");
  CHECK(read_pool_address("127.0.0.1:9000").hint == "write tcp:127.0.0.1:9000");
  CHECK(read_pool_address("tcp://127.0.0.1:9000").hint == "write tcp:127.0.0.1:9000");
  CHECK(read_pool_address("fcgi://php:9000/").hint == "write tcp:php:9000");
  CHECK(read_pool_address("fcgi:///run/php.sock").hint == "write unix:/run/php.sock");
  CHECK(read_pool_address("9000").hint == "write tcp:127.0.0.1:9000");
  CHECK(read_pool_address("/run/php.sock").hint == "write unix:/run/php.sock");
  CHECK(read_pool_address("tcp::9000").hint == "write tcp:127.0.0.1:9000");
  CHECK(read_pool_address("tcp:127.0.0.1:0").hint == "write tcp:127.0.0.1:9000");
  for (const char* text : {"", "tcp:", "tcp:php", "unix:", "unix:php.sock", "udp:1.2.3.4:5", "php"}) {
    CAPTURE(text);
    CHECK_FALSE(read_pool_address(text).value);
  }
}

TEST_CASE("the functions for the command line join error and hint") {
  std::string error;
  CHECK(parse_listen_address(":8080", error)->port == 8080);
  CHECK(error.empty());
  CHECK_FALSE(parse_listen_address("8080", error));
  CHECK(error.find("; write :8080") != std::string::npos);
  CHECK(parse_pool_address("unix:/x", error));
  CHECK_FALSE(parse_pool_address("/x", error));
  CHECK(error.find("; write unix:/x") != std::string::npos);
}

TEST_CASE("host patterns") {
  CHECK(parse_host_pattern("Example.COM").value == "example.com");
  CHECK(parse_host_pattern("*.Example.com").value == "*.example.com");
  CHECK(parse_host_pattern("localhost").value == "localhost");
  CHECK(parse_host_pattern("127.0.0.1").value == "127.0.0.1");
  CHECK(parse_host_pattern("[::1]").value == "[::1]");
  struct {
    const char* text;
    const char* hint;
  } const bad[] = {{"*", "leave hosts out"},
                   {"foo.*.com", "*.example.com"},
                   {"*example.com", "*.example.com"},
                   {"*.*.com", "*.example.com"},
                   {"example.com:80", "without the port"},
                   {"http://example.com", "only the name"},
                   {"::1", "[::1]"},
                   {".example.com", "write both"},
                   {"m\xC3\xBCller.de", "xn--"},
                   {"", ""},
                   {"example.com.", ""},
                   {"*.", ""},
                   {"a b", ""},
                   {"*.127.0.0.1", ""},
                   {"1.2.3", ""}};
  for (const auto& row : bad) {
    CAPTURE(row.text);
    const auto parsed = parse_host_pattern(row.text);
    CHECK_FALSE(parsed.value);
    CHECK_FALSE(parsed.error.empty());
    CHECK(parsed.hint.find(row.hint) != std::string::npos);
  }
  CHECK(parse_host_pattern(std::string(253, 'a')).value);
  CHECK_FALSE(parse_host_pattern(std::string(254, 'a')).value);
}

TEST_CASE("networks, v4 and v6, print as they were written") {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.168.1.1/32", "172.16.0.0/12", "::/0", "fd00::/8",
                           "::1/128", "2001:db8::/127"}) {
    CAPTURE(text);
    const auto parsed = parse_networks(text);
    REQUIRE(parsed.value);
    REQUIRE(parsed.value->size() == 1);
    CHECK(network_text(parsed.value->front()) == text);
  }
  CHECK(network_text(parse_networks("10.1.2.3").value->front()) == "10.1.2.3/32");
  CHECK(parse_networks("10.0.0.0/8").value->front().prefix == 104);
  CHECK(parse_networks("10.1.2.3/8").hint.find("write 10.0.0.0/8") != std::string::npos);
  CHECK(parse_networks("privat").hint == "did you mean 'private'?");
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::1/129", "10.0.0/8", "10.0.0.0/08",
                           "10.0.0.0/-1", "example.com", "fd00::1/8", "10.0.0.0/8/8"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_networks(text).value);
  }
}

TEST_CASE("membership ends exactly at the prefix") {
  const auto blocks = *parse_networks("172.16.0.0/12").value;
  CHECK(contains(blocks, v4(172, 16, 0, 0)));
  CHECK(contains(blocks, v4(172, 31, 255, 255)));
  CHECK_FALSE(contains(blocks, v4(172, 32, 0, 0)));
  CHECK_FALSE(contains(blocks, v4(172, 15, 255, 255)));
  CHECK(contains(*parse_networks("0.0.0.0/0").value, v4(8, 8, 8, 8)));
  CHECK(contains(*parse_networks("::/0").value, v4(8, 8, 8, 8)));
  CHECK_FALSE(contains(*parse_networks("0.0.0.0/0").value, {0x20, 0x01}));
  CHECK(contains(*parse_networks("1.2.3.4").value, v4(1, 2, 3, 4)));
  CHECK_FALSE(contains(*parse_networks("1.2.3.4").value, v4(1, 2, 3, 5)));
  CHECK_FALSE(contains({}, v4(1, 2, 3, 4)));
  for (unsigned prefix = 1; prefix <= 32;
       ++prefix) {  // 255.255.255.255/prefix, and the bit just inside and outside
    CAPTURE(prefix);
    std::array<std::uint8_t, 16> address = v4(255, 255, 255, 255);
    const std::vector<Network> one = {{address, static_cast<std::uint8_t>(96 + prefix)}};
    address[(96 + prefix - 1) / 8] ^= static_cast<std::uint8_t>(0x80U >> ((96 + prefix - 1) % 8));
    CHECK_FALSE(contains(one, address));
    if (prefix < 32) {
      address = v4(255, 255, 255, 255);
      address[(96 + prefix) / 8] ^= static_cast<std::uint8_t>(0x80U >> ((96 + prefix) % 8));
      CHECK(contains(one, address));
    }
  }
}

TEST_CASE("private means loopback, RFC 1918, unique local and link local") {
  const auto blocks = *parse_networks("private").value;
  for (const auto& address :
       {v4(127, 0, 0, 1), v4(10, 255, 0, 1), v4(172, 20, 0, 1), v4(192, 168, 9, 9), v4(169, 254, 1, 1)}) {
    CHECK(contains(blocks, address));
  }
  std::array<std::uint8_t, 16> loopback{};
  loopback[15] = 1;
  CHECK(contains(blocks, loopback));
  CHECK(contains(blocks, {0xFD, 0x00}));
  CHECK(contains(blocks, {0xFE, 0xBF}));
  CHECK_FALSE(contains(blocks, {0xFE, 0xC0}));
  CHECK_FALSE(contains(blocks, {0x20, 0x01, 0x0D, 0xB8}));
  CHECK_FALSE(contains(blocks, v4(8, 8, 8, 8)));
  CHECK_FALSE(contains(blocks, v4(192, 169, 0, 1)));
}

// Who the client is behind trusted proxies.
#include "proxy/core/forwarded.h"

#include <doctest/doctest.h>

using namespace holdfast;
using core::client_origin;
using core::ClientOrigin;
using core::ip_text;
using core::parse_ip;

namespace {

std::vector<config::Network> networks(std::initializer_list<std::pair<const char*, int>> blocks) {
  std::vector<config::Network> out;
  for (const auto& [address, prefix] : blocks) {
    out.push_back({parse_ip(address)->bytes, static_cast<std::uint8_t>(prefix)});
  }
  return out;
}

// 10.0.0.0/8, 127.0.0.0/8 and fd00::/8 are ours.
const std::vector<config::Network> kTrusted =
    networks({{"10.0.0.0", 104}, {"127.0.0.0", 104}, {"fd00::", 8}});

ClientOrigin peer(const char* address) {
  ClientOrigin origin;
  origin.address = address;
  origin.port = 999;
  if (*address) origin.bytes = parse_ip(address)->bytes;
  return origin;
}

ClientOrigin from_proxy(std::vector<http::Field> fields, const char* address = "10.0.0.1") {
  http::RequestHead head;
  head.fields = std::move(fields);
  return client_origin(peer(address), kTrusted, head);
}

std::string address_of(std::vector<http::Field> fields) {
  return from_proxy(std::move(fields)).address;
}
bool https_of(std::vector<http::Field> fields) {
  return from_proxy(std::move(fields)).https;
}

}  // namespace

TEST_CASE("parse_ip and ip_text") {
  const auto text = [](std::string_view from) {
    const auto parsed = parse_ip(from);
    return parsed ? ip_text(parsed->bytes) + "/" + std::to_string(parsed->port) : "(none)";
  };
  CHECK(text("192.0.2.1") == "192.0.2.1/0");
  CHECK(text("192.0.2.1:80") == "192.0.2.1/80");
  CHECK(text("::ffff:192.0.2.1") == "192.0.2.1/0");
  CHECK(text("2001:DB8:0:0::1") == "2001:db8::1/0");
  CHECK(text("[2001:db8::1]") == "2001:db8::1/0");
  CHECK(text("[2001:db8::1]:65535") == "2001:db8::1/65535");
  CHECK(text("::") == "::/0");
  for (const char* bad : {"",
                          " ",
                          "192.0.2",
                          "192.0.2.256",
                          "192.0.2.1.1",
                          "192.0.2.1 ",
                          "192.0.2.1:",
                          "192.0.2.1:65536",
                          "192.0.2.1:x",
                          "192.0.2.1:-1",
                          "[192.0.2.1]",
                          "[::1",
                          "::1]",
                          "[::1]x",
                          "[::1]:",
                          "fe80::1%eth0",
                          "unknown",
                          "_hidden",
                          ":",
                          "1:2",
                          "[]",
                          "012.0.2.1",
                          "0x7f.1",
                          "example.com",
                          "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:c"}) {
    CAPTURE(bad);
    CHECK(text(bad) == "(none)");
  }
  CHECK(text(std::string_view("1.2.3.4\0", 8)) == "(none)");
}

TEST_CASE("who is not trusted is taken as he comes") {
  const ClientOrigin origin =
      from_proxy({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Proto", "https"}}, "192.0.2.9");
  CHECK(origin.address == "192.0.2.9");
  CHECK(origin.port == 999);
  CHECK_FALSE(origin.https);
  CHECK_FALSE(origin.forwarded);
  http::RequestHead head;
  head.fields = {{"X-Forwarded-For", "192.0.2.1"}};
  CHECK(client_origin(peer("10.0.0.1"), {}, head).address == "10.0.0.1");
}

TEST_CASE("X-Forwarded-For: the rightmost address that is no proxy of ours") {
  CHECK(address_of({}) == "10.0.0.1");
  CHECK(address_of({{"x-forwarded-for", "192.0.2.1"}}) == "192.0.2.1");
  CHECK(address_of({{"X-Forwarded-For", "203.0.113.66, 192.0.2.1"}}) ==
        "192.0.2.1");  // the left one is a lie
  CHECK(address_of({{"X-Forwarded-For", "203.0.113.66, 192.0.2.1,10.0.0.2 ,  10.0.0.3"}}) == "192.0.2.1");
  CHECK(address_of({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-For", "10.0.0.2"}}) == "192.0.2.1");
  CHECK(address_of({{"X-Forwarded-For", "10.0.0.4, 10.0.0.2"}}) ==
        "10.0.0.4");  // all ours: the first of them
  CHECK(address_of({{"X-Forwarded-For", "[2001:db8::5]:4711"}}) == "2001:db8::5");
  CHECK(address_of({{"X-Forwarded-For", "192.0.2.1, fd12::1"}}) == "192.0.2.1");
  CHECK(address_of({{"X-Forwarded-For", ", ,192.0.2.1,,"}}) == "192.0.2.1");
  const ClientOrigin origin = from_proxy({{"X-Forwarded-For", "192.0.2.1:1234"}});
  CHECK(origin.port == 1234);
  CHECK(origin.forwarded);
  CHECK(from_proxy({{"X-Forwarded-For", "192.0.2.1"}}).port == 0);
}

TEST_CASE("an entry that is no address ends the walk at the last proven hop") {
  CHECK(address_of({{"X-Forwarded-For", "192.0.2.1, unknown"}}) == "10.0.0.1");
  CHECK(address_of({{"X-Forwarded-For", "192.0.2.1, unknown, 10.0.0.2"}}) == "10.0.0.2");
  CHECK(address_of({{"X-Forwarded-For", "\"192.0.2.1\""}}) == "10.0.0.1");
}

TEST_CASE("a chain is followed for 32 hops and no further") {
  std::string chain = "192.0.2.1";
  for (int i = 1; i < 32; ++i) chain += ", 10.0.0." + std::to_string(i);
  CHECK(address_of({{"X-Forwarded-For", chain}}) == "192.0.2.1");
  chain += ", 10.0.0.32";
  CHECK(address_of({{"X-Forwarded-For", chain}}) == "10.0.0.1");
  std::string forwarded = "for=192.0.2.1";
  for (int i = 1; i < 32; ++i) forwarded += ", for=10.0.0." + std::to_string(i);
  CHECK(address_of({{"Forwarded", forwarded}}) == "192.0.2.1");
  forwarded += ", for=10.0.0.32";
  CHECK(address_of({{"Forwarded", forwarded}}) == "10.0.0.1");
}

TEST_CASE("X-Forwarded-Proto") {
  CHECK(https_of({{"X-Forwarded-Proto", "HTTPS"}}));
  CHECK_FALSE(https_of({{"X-Forwarded-Proto", "http"}}));
  CHECK_FALSE(https_of({{"X-Forwarded-Proto", "https2"}}));
  CHECK(address_of({{"X-Forwarded-Proto", "https"}}) == "10.0.0.1");
  CHECK(https_of({{"X-Forwarded-For", "192.0.2.1, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}}));
  // One entry a hop: the entry of the client's hop counts.
  CHECK(https_of({{"X-Forwarded-For", "192.0.2.1, 10.0.0.2"}, {"X-Forwarded-Proto", "https, http"}}));
  CHECK_FALSE(
      https_of({{"X-Forwarded-For", "203.0.113.66, 192.0.2.1"}, {"X-Forwarded-Proto", "https, http"}}));
  // Not one a hop: the nearest proxy's.
  CHECK_FALSE(https_of({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Proto", "https, http"}}));
  CHECK(https_of({{"X-Forwarded-For", "unknown"}, {"X-Forwarded-Proto", "https"}}));
}

TEST_CASE("Forwarded, RFC 7239") {
  CHECK(address_of({{"Forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43"}}) == "192.0.2.60");
  CHECK(address_of({{"forwarded", "For=\"[2001:db8:cafe::17]:4711\""}}) == "2001:db8:cafe::17");
  CHECK(address_of({{"Forwarded", "for=203.0.113.66, for=192.0.2.1 , FOR=10.0.0.2"}}) == "192.0.2.1");
  CHECK(address_of({{"Forwarded", "for=192.0.2.1"}, {"Forwarded", "for=10.0.0.2"}}) == "192.0.2.1");
  CHECK(https_of({{"Forwarded", "for=192.0.2.1;proto=https, for=10.0.0.2;proto=http"}}));
  CHECK_FALSE(https_of({{"Forwarded", "for=203.0.113.66;proto=https, for=192.0.2.1;proto=http"}}));
  CHECK(https_of({{"Forwarded", "proto=\"https\" ; for=unknown"}}));
  CHECK(address_of({{"Forwarded", "for=192.0.2.1, for=_hidden"}}) == "10.0.0.1");
  CHECK(address_of({{"Forwarded", "for=192.0.2.1, by=10.0.0.2"}}) == "10.0.0.1");
  CHECK(address_of({{"Forwarded", "=;;for;for=192.0.2.1;"}}) == "192.0.2.1");
  // A comma or semicolon within quotes parts nothing; a quote that stays open makes the field worthless.
  CHECK(address_of({{"Forwarded", "for=192.0.2.1;x=\"a, for=203.0.113.66; \\\", for=1.1.1.1\""}}) ==
        "192.0.2.1");
  CHECK(address_of({{"Forwarded", "for=\"x, for=203.0.113.66"}}) == "10.0.0.1");
  CHECK(address_of({{"Forwarded", "for=192.0.2.1"}, {"Forwarded", "for=\"x"}}) == "10.0.0.1");
  CHECK(address_of({{"Forwarded", "for=203.0.113.66;x=\""}}) == "10.0.0.1");
  CHECK(address_of({{"Forwarded", ""}}) == "10.0.0.1");
}

TEST_CASE("a client's Forwarded is not looked at beside X-Forwarded fields, X-Forwarded-Host never") {
  CHECK(address_of({{"Forwarded", "for=203.0.113.66"}, {"X-Forwarded-For", "192.0.2.1"}}) == "192.0.2.1");
  CHECK_FALSE(https_of({{"Forwarded", "for=203.0.113.66;proto=https"}, {"X-Forwarded-For", "192.0.2.1"}}));
  CHECK(address_of({{"Forwarded", "for=203.0.113.66"}, {"X-Forwarded-Proto", "http"}}) == "10.0.0.1");
  CHECK(address_of({{"X-Forwarded-Host", "192.0.2.1"}}) == "10.0.0.1");
}

TEST_CASE("a Unix socket is as good as loopback") {
  CHECK(from_proxy({{"X-Forwarded-For", "192.0.2.1"}}, "").address == "192.0.2.1");
  http::RequestHead head;
  head.fields = {{"X-Forwarded-For", "192.0.2.1"}};
  CHECK(client_origin(peer(""), networks({{"10.0.0.0", 104}}), head).address.empty());
}

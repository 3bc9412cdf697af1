// Who the client is behind trusted proxies.
#include "proxy/core/forwarded.h"

#include <doctest/doctest.h>

#include "config/network.h"

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

using Headers = std::vector<config::ForwardedHeader>;

ClientOrigin from_proxy(std::vector<http::Field> fields, const char* address = "10.0.0.1",
                        const Headers& headers = {}) {
  http::RequestHead head;
  head.fields = std::move(fields);
  return client_origin(peer(address), kTrusted, headers, head);
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
  CHECK(client_origin(peer("10.0.0.1"), {}, {}, head).address == "10.0.0.1");
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
  CHECK(address_of({{"Forwarded", ";;for=192.0.2.1;"}}) == "192.0.2.1");
  CHECK(address_of({{"Forwarded", "for=192.0.2.1;x=\"a, for=203.0.113.66; \\\", for=1.1.1.1\""}}) ==
        "192.0.2.1");
  CHECK(address_of({{"Forwarded", ""}}) == "10.0.0.1");
}

TEST_CASE("a line of Forwarded that cannot be read for sure is refused, where the walk comes to it") {
  const auto malformed = [](std::vector<http::Field> fields, const Headers& headers = {}) {
    return from_proxy(std::move(fields), "10.0.0.1", headers).malformed;
  };
  for (const Headers& headers : {Headers{}, Headers{config::ForwardedHeader::forwarded}}) {
    CHECK(malformed({{"Forwarded", "for=\", for=192.0.2.1"}}, headers));
    CHECK(malformed({{"Forwarded", "for=\"x\\\", for=192.0.2.1"}}, headers));
    CHECK(malformed({{"Forwarded", "for=203.0.113.66;x=\""}}, headers));
    CHECK(malformed({{"Forwarded", "nonsense, for=192.0.2.1"}}, headers));
    CHECK(malformed({{"Forwarded", "for=192.0.2.1"}, {"Forwarded", "for=\"x"}}, headers));
    CHECK(malformed({{"Forwarded", "for=\"x"}, {"Forwarded", "for=10.0.0.2"}}, headers));
    CHECK_FALSE(malformed({{"Forwarded", "for=\"x"}, {"Forwarded", "for=192.0.2.1"}}, headers));
    CHECK_FALSE(malformed({{"Forwarded", "for=192.0.2.1"}}, headers));
  }
  CHECK(malformed({{"Forwarded", "for=\"x"}, {"X-Forwarded-For", "192.0.2.1"}}));
  CHECK_FALSE(malformed({{"Forwarded", "for=\"x"}, {"X-Forwarded-For", "192.0.2.1"}},
                        {config::ForwardedHeader::x_forwarded_for}));
  CHECK_FALSE(from_proxy({{"Forwarded", "for=\"x"}}, "192.0.2.9").malformed);
}

TEST_CASE("a client whose address was kept back does not come in as the proxy") {
  const auto judged = [](std::vector<http::Field> fields) {
    const ClientOrigin origin = from_proxy(std::move(fields));
    CHECK(origin.address.starts_with("10.0.0."));  // for php and the log
    return ip_text(origin.judged_bytes());
  };
  for (const char* entry : {"unknown", "_hidden", "\"", "\"192.0.2.1", "192.0.2.1 x", "\\", "fe80::1%eth0"}) {
    CAPTURE(entry);
    CHECK(judged({{"X-Forwarded-For", entry}}) == "192.0.0.8");
    CHECK(judged({{"X-Forwarded-For", std::string("127.0.0.1, ") + entry + ", 10.0.0.2"}}) == "192.0.0.8");
    CHECK(address_of({{"X-Forwarded-For", std::string(entry) + ", 192.0.2.1"}}) == "192.0.2.1");
    CHECK(address_of({{"X-Forwarded-For", entry}, {"X-Forwarded-For", "192.0.2.1"}}) == "192.0.2.1");
  }
  CHECK(judged({{"Forwarded", "for=_hidden"}}) == "192.0.0.8");
  CHECK(judged({{"Forwarded", "for=\"\", for=10.0.0.2"}}) == "192.0.0.8");
  // Nor by another field, whoever has written it.
  CHECK(judged({{"Forwarded", "for=_hidden;proto=https"}, {"X-Forwarded-Proto", "https"}}) == "192.0.0.8");
  CHECK(judged({{"Forwarded", "for=_hidden"}, {"X-Forwarded-For", "10.0.0.9"}}) == "192.0.0.8");
  CHECK(judged({{"Forwarded", "for=10.0.0.9"}, {"X-Forwarded-For", "_hidden, 10.0.0.9"}}) == "192.0.0.8");
  // Nothing is said of an address: the proxy asks for itself.
  CHECK(judged({}) == "10.0.0.1");
  CHECK(judged({{"X-Forwarded-Proto", "https"}}) == "10.0.0.1");
  CHECK(judged({{"Forwarded", "proto=https"}}) == "10.0.0.1");
}

TEST_CASE("both kinds of fields have to tell the same: else one of them is a lie, and either may be") {
  const auto conflict = [](std::vector<http::Field> fields) {
    return from_proxy(std::move(fields)).conflict;
  };
  CHECK(conflict({{"Forwarded", "for=192.0.2.1"}, {"X-Forwarded-For", "203.0.113.66"}}));
  CHECK(conflict({{"Forwarded", "for=203.0.113.66;proto=https"}, {"X-Forwarded-For", "192.0.2.1"}}));
  CHECK(conflict({{"Forwarded", "for=192.0.2.1"}, {"X-Forwarded-Proto", "https"}}));
  CHECK(conflict(
      {{"Forwarded", "for=192.0.2.1"}, {"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Proto", "https"}}));
  CHECK(conflict({{"Forwarded", "proto=http"}, {"X-Forwarded-For", "192.0.2.1"}}));
  CHECK(conflict({{"Forwarded", "for=\"x"}, {"X-Forwarded-For", "192.0.2.1"}}));
  CHECK_FALSE(conflict({{"Forwarded", "for=192.0.2.1;proto=https"},
                        {"X-Forwarded-For", "192.0.2.1"},
                        {"X-Forwarded-Proto", "https"}}));
  CHECK_FALSE(conflict({{"Forwarded", "for=10.0.0.9, for=192.0.2.1, for=10.0.0.2"},
                        {"X-Forwarded-For", "203.0.113.66, 192.0.2.1"}}));
  // Nobody who is not trusted can make one, and a port alone tells nothing of the client.
  CHECK_FALSE(from_proxy({{"Forwarded", "for=192.0.2.1"}, {"X-Forwarded-For", "203.0.113.66"}}, "192.0.2.9")
                  .conflict);
  const ClientOrigin origin =
      from_proxy({{"Forwarded", "for=192.0.2.1;proto=https"}, {"X-Forwarded-Port", "666"}});
  CHECK_FALSE(origin.conflict);
  CHECK(origin.address == "192.0.2.1");
  CHECK(origin.asked_port == 0);
}

TEST_CASE("a host that is told is taken only where forwarded_headers says so") {
  CHECK(from_proxy({{"X-Forwarded-Host", "lie.example"}}).host.empty());
  CHECK(from_proxy({{"Forwarded", "for=192.0.2.1;host=lie.example"}}).host.empty());
  CHECK(address_of({{"X-Forwarded-Host", "192.0.2.1"}}) == "10.0.0.1");
}

TEST_CASE("a Unix socket is as good as loopback") {
  CHECK(from_proxy({{"X-Forwarded-For", "192.0.2.1"}}, "").address == "192.0.2.1");
  http::RequestHead head;
  head.fields = {{"X-Forwarded-For", "192.0.2.1"}};
  CHECK(client_origin(peer(""), networks({{"10.0.0.0", 104}}), {}, head).address.empty());
}

TEST_CASE("forwarded_headers: what the proxy does not set is the client's, and not read") {
  using enum config::ForwardedHeader;
  const std::vector<http::Field> all = {{"Forwarded", "for=192.0.2.1;proto=http;host=real.example"},
                                        {"X-Forwarded-For", "203.0.113.66"},
                                        {"X-Forwarded-Proto", "https"},
                                        {"X-Forwarded-Host", "lie.example:81"},
                                        {"X-Forwarded-Port", "666"},
                                        {"X-Real-IP", "203.0.113.67"}};
  const ClientOrigin standard = from_proxy(all, "10.0.0.1", {forwarded});
  CHECK(standard.address == "192.0.2.1");
  CHECK_FALSE(standard.https);
  CHECK(standard.host == "real.example");
  CHECK(standard.asked_port == 0);
  CHECK_FALSE(standard.conflict);
  const ClientOrigin usual = from_proxy(all, "10.0.0.1", {x_forwarded_for, x_forwarded_proto});
  CHECK(usual.address == "203.0.113.66");
  CHECK(usual.https);
  CHECK(usual.host.empty());
  CHECK(usual.asked_port == 0);
  CHECK_FALSE(usual.conflict);
  const ClientOrigin only_for = from_proxy(all, "10.0.0.1", {x_forwarded_for});
  CHECK_FALSE(only_for.https);
  const ClientOrigin whole = from_proxy(all, "10.0.0.1", {x_forwarded_host, x_forwarded_port, x_real_ip});
  CHECK(whole.address == "203.0.113.67");
  CHECK(whole.authority == "lie.example:81");
  CHECK(whole.host == "lie.example");
  CHECK(whole.asked_port == 666);
  CHECK(from_proxy(all, "10.0.0.1", {x_forwarded_for, x_real_ip}).address == "203.0.113.66");
  CHECK(from_proxy({{"X-Forwarded-Host", "a/b"}}, "10.0.0.1", {x_forwarded_host}).host.empty());
  CHECK(
      from_proxy({{"X-Forwarded-Host", "lie.example, real.example"}}, "10.0.0.1", {x_forwarded_host}).host ==
      "real.example");
}

TEST_CASE("which fields php may see") {
  using enum config::ForwardedHeader;
  const auto seen = [](const ClientOrigin& origin) {
    std::string out;
    for (const char* name : {"HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST",
                             "HTTP_X_FORWARDED_SSL", "HTTP_X_REAL_IP"}) {
      CHECK(core::tells_of_client(name));
      out += origin.fields.allow(name) ? '1' : '0';
    }
    return out;
  };
  CHECK(seen(from_proxy({})) == "11111");
  CHECK(seen(from_proxy({}, "192.0.2.9")) == "00000");
  CHECK(seen(from_proxy({}, "192.0.2.9", {forwarded})) == "00000");
  CHECK(seen(from_proxy({}, "10.0.0.1", {forwarded})) == "10000");
  CHECK(seen(from_proxy({}, "10.0.0.1", {x_forwarded_for, x_forwarded_host})) == "01100");
  CHECK(seen(from_proxy({}, "10.0.0.1", {x_real_ip})) == "00001");
  for (const char* name : {"HTTP_X_FORWARDED", "HTTP_HOST", "HTTP_X_FORWARDEDFOR", "HTTP_FORWARDED_FOR"}) {
    CHECK_FALSE(core::tells_of_client(name));
  }
}

TEST_CASE("the port that the client asked at") {
  http::RequestHead head;
  head.authority = "example.com";
  const auto port = [&](const ClientOrigin& origin, std::uint16_t local = 8080) {
    return core::server_port(origin, head, local);
  };
  CHECK(port(from_proxy({})) == 8080);  // not forwarded: a health check, say
  CHECK(port(from_proxy({{"X-Forwarded-Proto", "https"}})) == 443);
  CHECK(port(from_proxy({{"X-Forwarded-For", "192.0.2.1"}})) == 80);
  CHECK(port(from_proxy({{"X-Forwarded-Proto", "https"}}, "192.0.2.9")) == 8080);
  CHECK(port(from_proxy({{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "8443"}})) == 8443);
  for (const char* bad : {"0", "65536", "-1", "x", "", "80x", "443,"}) {
    CAPTURE(bad);
    CHECK(port(from_proxy({{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", bad}})) == 443);
  }
  CHECK(port(from_proxy({{"X-Forwarded-Proto", "rubbish"}})) == 8080);
  head.authority = "example.com:444";
  CHECK(port(from_proxy({{"X-Forwarded-Proto", "https"}})) == 444);
  CHECK(port(from_proxy({{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "8443"}})) == 8443);
  for (const char* without : {"[::1]", "example.com:", ""}) {
    head.authority = without;
    CHECK(port(from_proxy({{"X-Forwarded-Proto", "https"}})) == 443);
  }
  head.authority = "[::1]:81";
  CHECK(port(peer(""), 0) == 81);  // a Unix socket
  head.authority = "";
  CHECK(port(peer(""), 0) == 80);
  using enum config::ForwardedHeader;
  CHECK(port(from_proxy({{"X-Forwarded-Host", "a.example:90"}}, "10.0.0.1", {x_forwarded_host})) == 90);
}

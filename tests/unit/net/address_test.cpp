// Errors as text, and socket addresses as Peer.
#include "net_fixture.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

TEST_CASE("errors have the names of errno and of getaddrinfo") {
  CHECK(Error{ECONNREFUSED}.text() == "ECONNREFUSED: connection refused");
  CHECK(Error{ECONNREFUSED}.name() == "ECONNREFUSED");
  CHECK(Error{EMFILE}.name() == "EMFILE");
  CHECK(Error{3008}.name() == "EAI_NONAME");
  CHECK(Error{}.name() == "OK");
  CHECK_FALSE(Error{});
  CHECK(Error{99999}.name() == "UNKNOWN");
  CHECK(Error{99999}.text() == "UNKNOWN: error 99999");
}

TEST_CASE("literals") {
  for (const char* text : {"127.0.0.1", "192.0.2.1", "::1", "2001:db8::7"}) {
    const auto address = address_of_literal(text, 8080);
    REQUIRE(address.has_value());
    CHECK(address->port() == 8080);
    CHECK_FALSE(address->is_wildcard());
    CHECK(peer_of(*address).address == text);
    CHECK(peer_of(*address).port == 8080);
  }
  for (const char* text : {"", "localhost", "127.0.0.1.", "127.1", "[::1]", "1.2.3.256", "::g", "::1 "}) {
    CHECK_FALSE(address_of_literal(text, 1).has_value());
  }
  CHECK(address_of_literal("0.0.0.0", 1)->is_wildcard());
  CHECK(address_of_literal("::", 1)->is_wildcard());
  CHECK(address_of_literal("fe80::1%lo", 1).has_value());
}

TEST_CASE("an IPv4 address has one name and one form, mapped or not") {
  const Peer plain = peer_of(*address_of_literal("192.0.2.1", 7));
  const Peer mapped = peer_of(*address_of_literal("::ffff:192.0.2.1", 7));
  CHECK(mapped.address == "192.0.2.1");
  CHECK(mapped.bytes == plain.bytes);
  CHECK(plain.bytes == std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1});
  const Peer other = peer_of(*address_of_literal("::1", 7));
  CHECK(other.bytes == std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

TEST_CASE("the ends of sockets; Unix sockets and no sockets are empty") {
  const int listener = raw_listen_tcp();
  const int client = raw_client(tcp("127.0.0.1", bound_address(listener).port()));
  CHECK(peer_of(client).port == bound_address(listener).port());
  CHECK(local_of(client).address == "127.0.0.1");
  CHECK(peer_of(listener).address.empty());
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  CHECK(peer_of(fds[0]).address.empty());
  CHECK(local_of(fds[0]).bytes == Peer{}.bytes);
  CHECK(local_of(-1).address.empty());
  for (const int fd : {listener, client, fds[0], fds[1]}) ::close(fd);
}

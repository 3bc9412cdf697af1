// DNS rebinding: which names the admin endpoint answers to.
#include "proxy/core/admin_hosts.h"

#include <doctest/doctest.h>

using holdfast::core::is_admin_host;

TEST_CASE("an address, localhost and no host at all are always answered") {
  for (const char* host : {"127.0.0.1", "10.1.2.3", "[::1]", "[2001:db8::7]", "[::ffff:10.0.0.1]",
                           "localhost", "localhost.", ""}) {
    CAPTURE(host);
    CHECK(is_admin_host(host, {}));
  }
}

TEST_CASE("a name that is not listed is not") {
  for (const char* host :
       {"evil.example", "holdfast", "localhost.evil.example", "127.0.0.1.evil.example", "evil.localhost",
        "1.2.3", "256.1.1.1", "0x7f.1", "2130706433", "[::1", "::1]", "[evil]", ".", "*", "*.example.com"}) {
    CAPTURE(host);
    CHECK_FALSE(is_admin_host(host, {}));
    CHECK_FALSE(is_admin_host(host, {"other.example", "*.other.example"}));
  }
}

TEST_CASE("admin.hosts: exact names, and all below one") {
  CHECK(is_admin_host("holdfast", {"web", "holdfast"}));
  CHECK(is_admin_host("holdfast.", {"holdfast"}));
  CHECK_FALSE(is_admin_host("holdfast.evil.example", {"holdfast"}));
  CHECK_FALSE(is_admin_host("notholdfast", {"holdfast"}));
  CHECK(is_admin_host("a.example.com", {"*.example.com"}));
  CHECK(is_admin_host("b.a.example.com", {"*.example.com"}));
  CHECK_FALSE(is_admin_host("example.com", {"*.example.com"}));
  CHECK_FALSE(is_admin_host(".example.com", {"*.example.com"}));
  CHECK_FALSE(is_admin_host("badexample.com", {"*.example.com"}));
}

// Addresses of names: for a second, and not after a failure.
#include "proxy/net/name_cache.h"

#include <doctest/doctest.h>

using namespace holdfast::net;
using namespace std::chrono_literals;

namespace {
std::vector<SocketAddress> some_addresses(std::uint16_t port) {
  return {*address_of_literal("192.0.2.1", port), *address_of_literal("192.0.2.2", port)};
}
}  // namespace

TEST_CASE("names: kept for a second, one below, at it") {
  NameCache names;
  const Time start{100s};
  CHECK(names.find("php", 9000, start) == nullptr);
  names.store("php", 9000, some_addresses(9000), start);
  REQUIRE(names.find("php", 9000, start) != nullptr);
  CHECK(names.find("php", 9000, start)->size() == 2);
  CHECK(names.find("php", 9000, start)->front().port() == 9000);
  CHECK(names.find("php", 9000, start + 1s - 1ns) != nullptr);
  CHECK(names.find("php", 9000, start + 1s) == nullptr);
  names.store("php", 9000, some_addresses(9000), start + 1s);
  CHECK(names.find("php", 9000, start + 1s) != nullptr);
}

TEST_CASE("names: port and host are both the key; none of no addresses; forgotten when asked") {
  NameCache names;
  const Time now{1s};
  names.store("php", 9000, some_addresses(9000), now);
  CHECK(names.find("php", 9001, now) == nullptr);
  CHECK(names.find("php2", 9000, now) == nullptr);
  names.store("empty", 9000, {}, now);
  CHECK(names.find("empty", 9000, now) == nullptr);
  names.forget("php", 9001);
  CHECK(names.find("php", 9000, now) != nullptr);
  names.forget("php", 9000);
  CHECK(names.find("php", 9000, now) == nullptr);
}

TEST_CASE("names: no more than the limit") {
  NameCache names;
  const Time now{1s};
  for (std::size_t i = 0; i < NameCache::kNamesMost; ++i)
    names.store("h" + std::to_string(i), 1, some_addresses(1), now);
  CHECK(names.find("h0", 1, now) != nullptr);
  names.store("one more", 1, some_addresses(1), now);
  CHECK(names.find("h0", 1, now) == nullptr);
  CHECK(names.find("one more", 1, now) != nullptr);
}

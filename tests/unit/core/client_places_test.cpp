// Places of clients, what the descriptors allow of them, and lines that are not written each time.
#include <doctest/doctest.h>

#include "proxy/core/client_places.h"
#include "proxy/core/descriptor_plan.h"
#include "proxy/core/rare_line.h"

using namespace holdfast::core;
using namespace std::chrono_literals;

namespace {
ClientKey key(std::uint8_t last) {
  return client_key({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last});
}
}  // namespace

TEST_CASE("places: in all, and of one address") {
  ClientPlaces places;
  places.set_limits(4, 2);
  CHECK(places.enter(key(1)));
  CHECK(places.enter(key(1)));
  CHECK_FALSE(places.enter(key(1)));  // counted all the same: it has come
  places.leaving();
  CHECK(places.taken() == 2);
  places.leave(key(1), true);
  CHECK(places.enter(key(2)));
  CHECK_FALSE(places.full());
  CHECK(places.enter(std::nullopt));  // a Unix socket: no address to count
  CHECK(places.full());
  CHECK_FALSE(places.overfull());
  CHECK(places.enter(std::nullopt));
  CHECK(places.overfull());
  places.leaving();
  CHECK_FALSE(places.overfull());
  places.leave(std::nullopt, false);
  places.leave(key(1), false);
  places.leave(key(1), false);
  places.leave(key(2), false);
  places.leave(std::nullopt, true);
  CHECK(places.taken() == 0);
  CHECK(places.addresses() == 0);
}

TEST_CASE("places: 0 is no limit for an address") {
  ClientPlaces places;
  places.set_limits(1, 0);
  for (int i = 0; i < 100; ++i) CHECK(places.enter(key(1)));
}

TEST_CASE("descriptors: two for each client, after what others need") {
  const DescriptorNeeds needs{.listeners = 2, .upstream_connections = 5};
  CHECK(clients_by_descriptors(1024, needs) == (1024 - 32 - 32 - 4 - 5) / 2);
  CHECK(clients_by_descriptors(64, needs) == (64 - 16 - 4 - 4 - 5) / 2);
  CHECK(clients_by_descriptors(20, needs) == 2);
  CHECK(clients_by_descriptors(10, needs) == 1);
  CHECK(clients_by_descriptors(UINT64_MAX, needs) > 1'000'000'000);
  CHECK(clients_by_descriptors(1024, {.listeners = 1, .upstream_connections = 65535}) == 1);
  for (const std::uint64_t clients : {1000, 10000}) {
    CHECK(clients_by_descriptors(descriptors_for(clients, needs), needs) == clients);
    CHECK(clients_by_descriptors(descriptors_for(clients, needs) - 1, needs) == clients - 1);
  }
  for (std::uint64_t limit = 32; limit < 5000; ++limit) {
    const std::uint64_t clients = clients_by_descriptors(limit, needs);
    CHECK(2 * clients + admin_connections_most(limit) + 9 < limit);
  }
}

TEST_CASE("a rare line is written at once, then every ten seconds, and tells what it left out") {
  RareLine line;
  Time now{1000s};
  CHECK(line.due(now) == "");
  CHECK_FALSE(line.due(now + 1s));
  CHECK_FALSE(line.due(now + 9999ms));
  CHECK(line.due(now + 10s) == " (2 more since the last such line)");
  CHECK(line.due(now + 20s) == "");
}

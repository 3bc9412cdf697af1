// The queue's order: first come, first served within an address, and the addresses in turn.
#include "proxy/core/upstream_pool.h"

#include <doctest/doctest.h>

#include "proxy/core/forwarded.h"
#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

namespace {
AddressKey key_of(std::string_view text) {
  return address_key(parse_ip(text)->bytes);
}
config::Pool one_connection(std::uint32_t places) {
  config::Pool config = small_pool();
  config.max_connections = 1;
  config.queue.size = places;
  return config;
}
// Who is served, one after the other, when each request ends in order.
std::string serve_all(Scene& scene) {
  std::string order;
  while (scene.pool.waiting() > 0) {
    const std::string lease = scene.finish(1);  // "lease 1 NAME reused"
    order += lease.substr(8, lease.find(' ', 8) - 8) + " ";
  }
  return order;
}
}  // namespace

TEST_CASE("address_key: an IPv4 address, or the /64 of an IPv6 one") {
  CHECK(key_of("192.0.2.1") != key_of("192.0.2.2"));
  CHECK(key_of("192.0.2.1") == key_of("::ffff:192.0.2.1"));
  CHECK(key_of("2001:db8:1:2::1") == key_of("2001:db8:1:2:ffff::9"));
  CHECK(key_of("2001:db8:1:2::1") != key_of("2001:db8:1:3::1"));
  CHECK(address_key({}) == 0);
}

// A visitor behind one that asks for a hundred pages waited for all of them.
TEST_CASE("queue: addresses are served in turn, each in its own order") {
  Scene scene(one_connection(100));
  scene.lease_all(1);
  for (const std::string name : {"a1", "a2", "a3", "a4"}) scene.ask(name, true, 7);
  for (const std::string name : {"b1", "b2"}) scene.ask(name, false, 8);
  scene.ask("c1", true, 9);
  CHECK(serve_all(scene) == "a1 b1 c1 a2 b2 a3 a4 ");
}

TEST_CASE("queue: one address, or one request of each: first come, first served") {
  Scene scene(one_connection(100));
  scene.lease_all(1);
  SUBCASE("one address") {
    for (const std::string name : {"1", "2", "3", "4"}) scene.ask(name, true, 7);
  }
  SUBCASE("one of each") {
    for (const std::string name : {"1", "2", "3", "4"}) scene.ask(name, true, 100 - name[0]);
  }
  CHECK(serve_all(scene) == "1 2 3 4 ");
}

TEST_CASE("queue: who comes while others take turns waits for one turn of each") {
  Scene scene(one_connection(100));
  scene.lease_all(1);
  for (const std::string name : {"a1", "a2", "a3"}) scene.ask(name, true, 7);
  for (const std::string name : {"b1", "b2", "b3"}) scene.ask(name, true, 8);
  CHECK(scene.finish(1) == "lease 1 a1 reused");
  scene.ask("late", true, 9);
  CHECK(serve_all(scene) == "b1 a2 late b2 a3 b3 ");
}

TEST_CASE("queue: who leaves loses its turn to the next of its address") {
  Scene scene(one_connection(100));
  scene.lease_all(1);
  for (const std::string name : {"a1", "a2"}) scene.ask(name, true, 7);
  scene.ask("b1", true, 8);
  scene.cancel("a1");
  CHECK(serve_all(scene) == "a2 b1 ");
}

TEST_CASE("queue: a retry had its turn, and has the next one") {
  Scene scene(one_connection(100));
  scene.learn();
  CHECK(scene.ask("a0", true, 7) == "lease 1 a0");
  for (const std::string name : {"a1", "a2"}) scene.ask(name, true, 7);
  for (const std::string name : {"b1", "b2"}) scene.ask(name, true, 8);
  CHECK(scene.lost(1, CloseReason::peer_closed) == "close 1 peer_closed");
  SUBCASE("others are younger") {}
  SUBCASE("another address waits as well") {
    CHECK(scene.ask("c0", true, 9) == "");
  }
  CHECK(scene.ask_again("a0") == "");
  CHECK(scene.closed(1) == "open 2");
  CHECK(scene.proven(2) == "lease 2 a0");
  CHECK(scene.released(2) == "barrier 2");
  CHECK(scene.answered(2) == "lease 2 b1 reused");
}

// One address filled the queue, and everybody else got 503.
TEST_CASE("queue full: the newest of the address with most waiters gives way, never one of few") {
  Scene scene(one_connection(4));
  scene.lease_all(1);
  for (const std::string name : {"a1", "a2", "a3", "a4"}) CHECK(scene.ask(name, true, 7) == "");
  CHECK(scene.ask("a5", true, 7) == "reject a5 full");
  CHECK(scene.ask("b1", true, 8) == "reject a4 full");
  CHECK(scene.ask("c1", true, 9) == "reject a3 full");
  // a1 a2 b1 c1: b has no more than others when it has two.
  CHECK(scene.ask("d1", true, 10) == "reject a2 full");
  CHECK(scene.ask("b2", true, 8) == "reject b2 full");
  CHECK(scene.ask("e1", true, 11) == "reject e1 full");
  CHECK(scene.pool.stats().queue_full == 6);
  CHECK(serve_all(scene) == "a1 b1 c1 d1 ");
}

TEST_CASE("queue: deadlines are by arrival, whoever has the turn") {
  Scene scene(one_connection(100));
  scene.lease_all(1);
  scene.ask("a1", true, 7);
  scene.pass(1s);
  scene.ask("b1", true, 8);
  scene.pass(1s);
  scene.ask("a2", true, 7);
  CHECK(scene.pool.oldest_wait(scene.now) == 2s);
  CHECK(scene.pass(8s) == "reject a1 timeout");
  CHECK(scene.pass(1s) == "reject b1 timeout");
  CHECK(scene.pass(1s) == "reject a2 timeout");
}

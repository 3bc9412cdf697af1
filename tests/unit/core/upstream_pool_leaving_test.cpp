// UpstreamPool: what is left running: clients that leave, and scripts of closed connections.
#include <doctest/doctest.h>

#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

TEST_CASE("without barriers: the slot of a script that may run on stays counted for timeouts.first_byte") {
  config::Pool config = small_pool();
  config.max_connections = 1;
  config.queue.timeout = 200s;
  Scene scene(config);
  scene.learn_old_php();
  CHECK(scene.ask("A") == "lease 2 A");
  CHECK(scene.lost(2, CloseReason::response_timeout, true) == "close 2 response_timeout");
  CHECK(scene.ask("B") == "");
  CHECK(scene.closed(2) == "");
  CHECK(scene.state(2) == "held");
  CHECK(scene.pool.counts().total() == 1);
  // Late reports about it do not bring it back to life.
  CHECK(scene.released(2) == "");
  CHECK(scene.lost(2, CloseReason::reset) == "");
  CHECK(scene.closed(2) == "");
  CHECK(scene.state(2) == "held");
  CHECK(scene.pass(60s - 1ms) == "");
  CHECK(scene.pass(1ms) == "open 3");
  CHECK(scene.state(2) == "gone");
}

TEST_CASE("a client that leaves: the rest is drained, then the connection is used again") {
  Scene scene;
  scene.lease_all(1);
  CHECK(scene.abandoned(1) == "");
  CHECK(scene.state(1) == "draining");
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.answered(1) == "lease 1 A reused");
}

TEST_CASE("a client that leaves: its script may be silent for half of queue.timeout, 10 s at most") {
  struct Row {
    config::Duration queue, first_byte, limit;
  };
  for (const Row& row : {Row{8s, 60s, 4s}, Row{60s, 60s, 10s}, Row{60s, 3s, 3s}}) {
    config::Pool config = small_pool();
    config.queue.timeout = row.queue;
    config.timeouts.first_byte = row.first_byte;
    Scene scene(config);
    scene.lease_all(1);
    CHECK(scene.abandoned(1) == "");
    CHECK(scene.pass(row.limit - 1ms) == "");
    CHECK(scene.pass(1ms) == "close 1 drain_limit");
  }
}

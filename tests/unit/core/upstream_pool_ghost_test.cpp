// UpstreamPool: connections closed while a script may still run (ghosts), and what has to be proven after
// them.
#include <doctest/doctest.h>

#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

// ----------------------------------------------------------------------------------------------------------
// ghosts: closed while a script may still run

TEST_CASE("ghost: the next new connection is proven before it is leased, the one after is not") {
  config::Pool config = small_pool();
  config.client_abort = config::ClientAbort::close;
  Scene scene(config);
  scene.lease_all(2);
  CHECK(scene.abandoned(1) == "close 1 client_abort");
  CHECK(scene.closed(1) == "");
  CHECK(scene.ask("A") == "open 3");
  CHECK(scene.connected(3) == "barrier 3");
  CHECK(scene.state(3) == "connecting");
  // The worker may be busy for as long as a silent script is granted.
  CHECK(scene.pass(9s) == "");
  CHECK(scene.answered(3) == "lease 3 A");
  CHECK(scene.lost(2, CloseReason::bad_head) == "close 2 bad_head");
  scene.closed(2);
  CHECK(scene.ask("B") == "open 4");
  CHECK(scene.connected(4) == "lease 4 B");
}

TEST_CASE("ghost: each lost script asks for one proof") {
  config::Pool config = small_pool();
  config.max_connections = 3;
  Scene scene(config);
  scene.lease_all(3);
  for (const ConnectionId id : {1U, 2U}) {
    CHECK(scene.lost(id, CloseReason::response_timeout, true) ==
          "close " + std::to_string(id) + " response_timeout");
  }
  CHECK(scene.lost(3, CloseReason::reset, false) == "close 3 reset");
  for (const ConnectionId id : {1U, 2U, 3U}) scene.closed(id);
  for (const std::string name : {"A", "B", "C"}) scene.ask(name);
  CHECK(scene.connected(5) == "barrier 5");
  CHECK(scene.connected(6) == "barrier 6");
  CHECK(scene.answered(6) == "lease 6 A");
  CHECK(scene.connected(4) == "barrier 4");  // probed after the loss of the last one
  CHECK(scene.answered(5) == "lease 5 B");
  CHECK(scene.answered(4) == "lease 4 C");
}

TEST_CASE("ghost: a new connection that no worker takes is given up after timeouts.first_byte") {
  config::Pool config = small_pool();
  config.queue.timeout = 200s;
  Scene scene(config);
  scene.lease_all(1);
  CHECK(scene.lost(1, CloseReason::response_timeout, true) == "close 1 response_timeout");
  scene.closed(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
  CHECK(scene.pass(60s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 2 probe_timeout");
  scene.closed(2);
  CHECK(scene.pass(20ms) == "open 3");
  CHECK(scene.connected(3) == "barrier 3");  // still a ghost
}

TEST_CASE("ghost without barriers: the slot stays counted for timeouts.first_byte") {
  config::Pool config = small_pool();
  config.max_connections = 1;
  config.queue.timeout = 200s;
  Scene scene(config);
  scene.learn_old_php();
  CHECK(scene.ask("A") == "lease 2 A");
  CHECK(scene.lost(2, CloseReason::response_timeout, true) == "close 2 response_timeout");
  CHECK(scene.ask("B") == "");
  CHECK(scene.closed(2) == "");
  CHECK(scene.state(2) == "draining");
  CHECK(scene.pool.counts().total() == 1);
  // Late reports about it do not bring it back to life.
  CHECK(scene.released(2) == "");
  CHECK(scene.lost(2, CloseReason::reset) == "");
  CHECK(scene.closed(2) == "");
  CHECK(scene.state(2) == "draining");
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

TEST_CASE("a client that leaves: a script that is silent for timeouts.first_byte is closed, as a ghost") {
  Scene scene;
  scene.lease_all(1);
  CHECK(scene.abandoned(1) == "");
  CHECK(scene.pass(60s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 1 drain_limit");
  scene.closed(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
}

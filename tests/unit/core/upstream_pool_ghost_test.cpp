// UpstreamPool: connections closed while a script may still run (ghosts), and what has to be proven after
// them.
#include <doctest/doctest.h>

#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

// ----------------------------------------------------------------------------------------------------------
// ghosts: closed while a script may still run

TEST_CASE("ghost: a new connection is proven where the ghost may leave it no worker, and only there") {
  config::Pool config = small_pool();
  config.max_connections = 3;
  config.client_abort = config::ClientAbort::close;
  Scene scene(config);
  scene.lease_all(1);
  CHECK(scene.abandoned(1) == "close 1 client_abort");
  CHECK(scene.closed(1) == "");
  // Of three workers the ghost holds one.
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "lease 2 A");
  CHECK(scene.ask("B") == "open 3");
  CHECK(scene.connected(3) == "lease 3 B");
  CHECK(scene.ask("C") == "open 4");
  CHECK(scene.connected(4) == "barrier 4");
  CHECK(scene.state(4) == "connecting");
  // The worker may be busy for as long as a silent script is granted.
  CHECK(scene.pass(9s) == "");
  CHECK(scene.answered(4) == "lease 4 C");
}

// A proof used to make the pool forget one ghost. It shows no more than that a worker was free.
TEST_CASE("ghost: a proven connection does not show that the ghost's script has ended") {
  config::Pool config = small_pool();
  config.client_abort = config::ClientAbort::close;
  Scene scene(config);
  scene.lease_all(2);
  CHECK(scene.abandoned(1) == "close 1 client_abort");
  CHECK(scene.lost(2, CloseReason::bad_head) == "close 2 bad_head");
  CHECK(scene.closed(1) == "");
  CHECK(scene.closed(2) == "");
  // Connection 2's worker is free, the ghost's is not.
  CHECK(scene.ask("A") == "open 3");
  CHECK(scene.connected(3) == "lease 3 A");
  CHECK(scene.ask("B") == "open 4");
  CHECK(scene.connected(4) == "barrier 4");
  CHECK(scene.lost(3, CloseReason::bad_head) == "close 3 bad_head");
  CHECK(scene.answered(4) == "lease 4 B");  // by the worker of connection 3
  CHECK(scene.closed(3) == "");
  CHECK(scene.ask("C") == "open 5");
  CHECK(scene.connected(5) == "barrier 5");
}

TEST_CASE("ghost: forgotten when max_connections connections are held at one same moment") {
  config::Pool config = small_pool();
  config.client_abort = config::ClientAbort::close;
  Scene scene(config);
  scene.lease_all(2);
  CHECK(scene.finish(2) == "");
  CHECK(scene.abandoned(1) == "close 1 client_abort");
  scene.closed(1);
  scene.ask("A");
  CHECK(scene.ask("B") == "open 3");
  CHECK(scene.connected(3) == "barrier 3");
  CHECK(scene.answered(3) == "lease 3 B");
  // Both are taken now, but the end of one may be on its way: each has to answer once more.
  scene.pass(1ms);
  CHECK(scene.finish(3) == "");
  bool forgotten = false;
  SUBCASE("one does") {}
  SUBCASE("both do") {
    CHECK(scene.finish(2) == "");
    forgotten = true;
  }
  CHECK(scene.ask("C") == (forgotten ? "lease 2 C reused" : "lease 3 C reused"));
  const ConnectionId id = forgotten ? 2 : 3;
  CHECK(scene.lost(id, CloseReason::bad_head) == "close " + std::to_string(id) + " bad_head");
  scene.closed(id);
  scene.ask("D");
  scene.ask("E");
  CHECK(scene.connected(4) == (forgotten ? "lease 4 E" : "barrier 4"));
}

TEST_CASE("ghost: forgotten after 10 minutes") {
  config::Pool config = small_pool();
  config.max_connections = 1;
  config.recycle.idle = 1s;
  Scene scene(config);
  scene.lease_all(1);
  CHECK(scene.lost(1, CloseReason::response_timeout, true) == "close 1 response_timeout");
  CHECK(scene.closed(1) == "");
  scene.pass(10min - 1ms);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
  CHECK(scene.answered(2) == "lease 2 A");
  CHECK(scene.lost(2, CloseReason::bad_head) == "close 2 bad_head");
  CHECK(scene.closed(2) == "");
  scene.pass(1ms);
  CHECK(scene.ask("B") == "open 3");
  CHECK(scene.connected(3) == "lease 3 B");
}

TEST_CASE("ghost: a proof that had to wait shows that the other workers are not ours") {
  config::Pool config = small_pool();
  config.max_connections = 3;
  for (const Duration wait : {Duration(10ms), Duration(10ms + 1us)}) {
    Scene scene(config);
    CHECK(scene.ask("A") == "open 1");
    CHECK(scene.connected(1) == "barrier 1");
    CHECK(scene.pass(wait) == "");
    CHECK(scene.answered(1) == "barrier 1");
    CHECK(scene.answered(1) == "lease 1 A");
    CHECK(scene.ask("B") == "open 2");
    CHECK(scene.connected(2) == (wait > 10ms ? "barrier 2" : "lease 2 B"));
  }
}

TEST_CASE("ghost: settle never does not know whether the script of an idle connection has ended") {
  config::Pool config = small_pool();
  config.max_connections = 1;
  config.settle = config::Settle::never;
  config.recycle.idle = 1s;
  Scene scene(config);
  scene.lease_all(1);
  CHECK(scene.released(1) == "");
  CHECK(scene.pass(1s) == "close 1 idle");
  CHECK(scene.closed(1) == "");
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
}

TEST_CASE("ghost: a new connection that no worker takes is given up after timeouts.first_byte") {
  config::Pool config = small_pool();
  config.max_connections = 1;
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

TEST_CASE("a client that leaves: a script that stays silent is closed, as a ghost") {
  Scene scene;
  scene.lease_all(1);
  CHECK(scene.abandoned(1) == "");
  CHECK(scene.pass(5s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 1 drain_limit");
  scene.closed(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "lease 2 A");
  CHECK(scene.ask("B") == "open 3");
  CHECK(scene.connected(3) == "barrier 3");
}

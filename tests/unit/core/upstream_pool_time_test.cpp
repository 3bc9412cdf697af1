// What the pool does by itself: back-off, probes, pings, recycling by age; and what the operator asks for.
#include <doctest/doctest.h>

#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

namespace {

config::Pool pinging(config::Duration ping) {
  config::Pool config = small_pool();
  config.ping = ping;
  return config;
}

}  // namespace

// ----------------------------------------------------------------------------------------------------------
// connecting

TEST_CASE("back-off: doubles from 10 ms to 500 ms, with up to a quarter of jitter, one at a time") {
  config::Pool config = small_pool();
  config.max_connections = 4;
  config.queue.timeout = 100s;
  Scene scene(config);
  scene.learn();
  CHECK(scene.lost(1, CloseReason::peer_closed) == "close 1 peer_closed");
  CHECK(scene.closed(1) == "open 2");  // the probe
  for (const std::string name : {"A", "B", "C"}) scene.ask(name);
  // Two more were opened for the waiters; all fail.
  CHECK(scene.pool.counts().connecting == 3);
  CHECK(scene.connect_failed(2) == "close 2 connect_failed");
  CHECK(scene.connect_failed(3) == "close 3 connect_failed");
  CHECK(scene.connect_failed(4) == "close 4 connect_failed");
  CHECK_FALSE(scene.pool.reachable());
  for (const ConnectionId id : {2U, 3U, 4U}) CHECK(scene.closed(id) == "");
  Duration shortest = 40ms;  // the third in a row
  CHECK(scene.pass(shortest - 1us) == "");
  CHECK(scene.pass(shortest / 4 + 1us) == "open 5");
  for (ConnectionId id = 5; id < 15; ++id) {
    CAPTURE(id);
    shortest = std::min<Duration>(shortest * 2, 500ms);
    CHECK(scene.connect_failed(id) == "close " + std::to_string(id) + " connect_failed");
    CHECK(scene.closed(id) == "");
    CHECK(scene.pass(shortest - 1us) == "");
    CHECK(scene.pass(shortest / 4 + 1us) == "open " + std::to_string(id + 1));
  }
  CHECK(scene.pool.waiting() == 3);
  CHECK(scene.proven(15) == "lease 15 A, open 16, open 17");
  CHECK(scene.pool.reachable());
  // From the start again.
  CHECK(scene.connect_failed(16) == "close 16 connect_failed");
  CHECK(scene.closed(16) == "");
  CHECK(scene.proven(17) == "lease 17 B, open 18");
  CHECK(scene.pool.stats().connect_errors == 14);
}

TEST_CASE("back-off: who comes during it waits for its end, and is not forgotten") {
  Scene scene;
  CHECK(scene.start() == "open 1");
  CHECK(scene.connect_failed(1) == "close 1 connect_failed");
  CHECK(scene.closed(1) == "");
  CHECK(scene.ask("A") == "");
  CHECK(scene.pass(10ms - 1us) == "");
  CHECK(scene.pass(3ms) == "open 2");
}

TEST_CASE("back-off: something else that is due before its end does not make it forgotten") {
  config::Pool config = small_pool();
  config.queue.timeout = 5ms;
  Scene scene(config);
  CHECK(scene.start() == "open 1");
  CHECK(scene.connect_failed(1) == "close 1 connect_failed");
  CHECK(scene.closed(1) == "");
  CHECK(scene.ask("A") == "");
  CHECK(scene.pass(5ms) == "reject A timeout");
  CHECK(scene.pass(10ms) == "open 2");  // the probe
}

TEST_CASE("connect timeout: closed, and tried again") {
  Scene scene;
  scene.learn();
  scene.ask("r1");
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.pass(2s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 2 connect_timeout");
  CHECK(scene.pool.reachable());  // connection 1 is up
  CHECK(scene.pass(1s) == "");    // the closing one counts
  CHECK(scene.closed(2) == "open 3");
}

TEST_CASE("a stale connection is no sign of a dead application: no back-off") {
  Scene scene;
  scene.learn();
  CHECK(scene.lost(1, CloseReason::peer_closed) == "close 1 peer_closed");
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.pool.stats().connect_errors == 0);
  CHECK(scene.pool.reachable());
}

TEST_CASE("probe: at the start until the application is there, with nobody waiting") {
  Scene scene;
  CHECK(scene.start() == "open 1");
  CHECK(scene.connect_failed(1) == "close 1 connect_failed");
  CHECK(scene.closed(1) == "");
  CHECK(scene.pass(20ms) == "open 2");
  CHECK(scene.connect_failed(2) == "close 2 connect_failed");
  CHECK(scene.pass(1s) == "");  // one at a time: the closing one is still there
  CHECK(scene.closed(2) == "open 3");
  scene.connected(3);
  scene.answered(3);
  CHECK(scene.answered(3) == "");
  CHECK(scene.pool.reachable());
}

TEST_CASE("probe: after the last connection is lost, and only then") {
  for (const CloseReason reason :
       {CloseReason::peer_closed, CloseReason::reset, CloseReason::eof_in_request}) {
    Scene scene;
    scene.lease_all(2);
    scene.lost(1, reason);
    CHECK(scene.closed(1) == "");
    scene.lost(2, reason);
    CHECK(scene.closed(2) == "open 3");
    CHECK(scene.connect_failed(3) == "close 3 connect_failed");
    CHECK_FALSE(scene.pool.reachable());
    CHECK(scene.closed(3) == "");
    CHECK(scene.pass(13ms) == "open 4");
  }
}

TEST_CASE("probe: not after a loss that says nothing about the application") {
  for (const CloseReason reason : {CloseReason::foreign_record, CloseReason::not_reusable,
                                   CloseReason::bad_head, CloseReason::client_abort}) {
    Scene scene;
    scene.lease_all(1);
    scene.lost(1, reason);
    CHECK(scene.closed(1) == "");
    CHECK(scene.pass(1min) == "");
  }
}

TEST_CASE("php-fpm without barriers closes a silent new connection after 5 s: no endless probing") {
  Scene scene;
  scene.learn_old_php();
  scene.pass(5s);
  CHECK(scene.lost(2, CloseReason::peer_closed) == "close 2 peer_closed");
  CHECK(scene.closed(2) == "");
  CHECK(scene.pass(1min) == "");
  // One that had worked before is another matter.
  CHECK(scene.ask("A") == "open 3");
  CHECK(scene.connected(3) == "lease 3 A");
  CHECK(scene.released(3) == "");
  scene.pass(1s);
  CHECK(scene.lost(3, CloseReason::peer_closed) == "close 3 peer_closed");
  CHECK(scene.closed(3) == "open 4");
}

// ----------------------------------------------------------------------------------------------------------
// idle connections

TEST_CASE("ping: an idle connection is asked each `ping`, and stays") {
  Scene scene(pinging(1s));
  scene.learn();
  for (int i = 0; i < 5; ++i) {
    CHECK(scene.pass(1s - 1ms) == "");
    CHECK(scene.pass(1ms) == "barrier 1");
    CHECK(scene.state(1) == "pinging");
    CHECK(scene.answered(1) == "");
    CHECK(scene.state(1) == "idle");
  }
}

TEST_CASE("ping: who comes during one waits for the answer; a slow one says nothing about scripts") {
  Scene scene(pinging(1s));
  scene.learn();
  CHECK(scene.pass(1s) == "barrier 1");
  CHECK(scene.ask_once_only("A") == "");
  CHECK(scene.pass(2ms) == "");
  CHECK(scene.answered(1) == "lease 1 A");
}

TEST_CASE("ping: no answer within 5 s and the connection is closed; the last one is replaced, and proven") {
  Scene scene(pinging(1s));
  scene.learn();
  CHECK(scene.pass(1s) == "barrier 1");
  CHECK(scene.pass(5s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 1 ping_timeout");
  CHECK(scene.closed(1) == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
}

TEST_CASE("ping: does not change the order of the stack, so that what is not needed ages") {
  config::Pool config = pinging(1s);
  config.recycle.idle = 5s;
  Scene scene(config);
  scene.lease_all(2);
  scene.finish(1);
  scene.pass(1ms);
  scene.finish(2);
  // Light traffic: connection 2 serves it all. The pings of both are answered at once.
  std::string log;
  for (int i = 0; i < 50; ++i) {
    log = scene.pass(100ms);
    if (log.find("close") != std::string::npos) break;
    if (log.find("barrier 2") != std::string::npos) scene.answered(2);
    if (log.find("barrier 1") != std::string::npos) scene.answered(1);
    CHECK(scene.ask("w" + std::to_string(i)) == "lease 2 w" + std::to_string(i) + " reused");
    scene.finish(2);
  }
  CHECK(log == "close 1 idle");
}

TEST_CASE("ping 0s: never") {
  Scene scene(pinging(0s));
  scene.learn();
  CHECK(scene.pass(59s) == "");
}

TEST_CASE("recycle.idle: closed after that long without a request, pings do not count") {
  for (const config::Duration ping : {config::Duration(0), config::Duration(10s)}) {
    config::Pool config = pinging(ping);
    Scene scene(config);
    scene.lease_all(1);
    scene.finish(1);
    for (int i = 1; i < 6; ++i) {
      CHECK(scene.pass(10s) == (ping.count() > 0 ? "barrier 1" : ""));
      scene.answered(1);
    }
    CHECK(scene.pass(10s - 1ms) == "");
    CHECK(scene.pass(1ms) == "close 1 idle");
    CHECK(scene.closed(1) == "");  // nobody needs another
    CHECK(scene.pass(1min) == "");
    CHECK(scene.pool.reachable());
  }
}

TEST_CASE("recycle.requests: closed after that many, and a script that runs on keeps its slot") {
  config::Pool config = small_pool();
  config.max_connections = 1;
  config.recycle.requests = 2;
  Scene scene(config);
  scene.learn();
  scene.ask("A");
  CHECK(scene.finish(1) == "");
  CHECK(scene.ask("B") == "lease 1 B reused");
  CHECK(scene.ask("C") == "");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.pass(5s) == "");
  CHECK(scene.answered(1) == "close 1 request_limit");
  CHECK(scene.closed(1) == "open 2");
  CHECK(scene.proven(2) == "lease 2 C");
}

TEST_CASE("recycle.requests: a worn-out connection is not handed over") {
  config::Pool config = small_pool();
  config.max_connections = 1;
  config.recycle.requests = 2;
  config.settle = config::Settle::never;
  Scene scene(config);
  scene.learn();
  scene.ask("A");
  scene.ask("B");
  scene.ask("C");
  CHECK(scene.released(1) == "lease 1 B reused");
  // Not kept, it has to show that its script has ended: else the next one waits behind that in php's backlog.
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.answered(1) == "close 1 request_limit");
}

TEST_CASE("recycle.requests with settle never and no barrier: closed after the quiet time") {
  config::Pool config = small_pool();
  config.max_connections = 1;
  config.recycle.requests = 1;
  config.settle = config::Settle::never;
  Scene scene(config);
  scene.learn_old_php();
  CHECK(scene.ask("A") == "lease 2 A");
  CHECK(scene.ask("B") == "");
  CHECK(scene.released(2) == "");
  CHECK(scene.pass(5ms - 1us) == "");
  CHECK(scene.pass(1us) == "close 2 request_limit");
}

TEST_CASE("recycle.lifetime: an idle one is closed at that age, a leased one when it has settled") {
  config::Pool config = small_pool();
  config.recycle.lifetime = 30s;
  Scene scene(config);
  scene.lease_all(2);
  scene.finish(1);
  CHECK(scene.pass(30s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 1 lifetime");
  CHECK(scene.state(2) == "leased");
  CHECK(scene.released(2) == "barrier 2");
  CHECK(scene.answered(2) == "close 2 lifetime");
}

// ----------------------------------------------------------------------------------------------------------
// operator

TEST_CASE("pause: nobody is served and none is opened; resume serves in order") {
  Scene scene;
  scene.lease_all(1);
  scene.pool.pause();
  CHECK(scene.pool.paused());
  CHECK(scene.ask("A") == "");
  CHECK(scene.ask("B") == "");
  CHECK(scene.finish(1) == "");
  CHECK(scene.state(1) == "idle");
  CHECK(scene.pass(9s) == "");
  CHECK(scene.ask("C") == "");
  CHECK(scene.resume() == "lease 1 A reused, open 2");
  CHECK_FALSE(scene.pool.paused());
}

TEST_CASE("pause: the queue's limits hold") {
  Scene scene;
  scene.learn();
  scene.pool.pause();
  for (const std::string name : {"A", "B", "C"}) CHECK(scene.ask(name) == "");
  CHECK(scene.ask("D") == "reject D full");
  CHECK(scene.pass(10s) == "reject A timeout, reject B timeout, reject C timeout");
}

TEST_CASE("recycle: idle ones at once, the others when they have settled, new ones not") {
  config::Pool config = small_pool();
  config.max_connections = 3;
  Scene scene(config);
  scene.lease_all(2);
  scene.finish(1);
  CHECK(scene.recycle() == "close 1 recycled");
  CHECK(scene.released(2) == "barrier 2");
  CHECK(scene.answered(2) == "close 2 recycled");
  scene.closed(1);
  scene.closed(2);
  CHECK(scene.ask("A") == "open 3");
  CHECK(scene.proven(3) == "lease 3 A");
  CHECK(scene.finish(3) == "");
  CHECK(scene.state(3) == "idle");
}

TEST_CASE("shut_down: idle ones at once, who waits is served, nothing is kept") {
  Scene scene;
  scene.lease_all(2);
  scene.ask("A");
  scene.finish(1);
  scene.finish(2);
  CHECK(scene.shut_down() == "close 2 shutdown");
  CHECK(scene.closed(2) == "");
  CHECK(scene.shut_down() == "");
  CHECK(scene.ask("B") == "open 3");
  // Then nobody waits for the other one any more.
  CHECK(scene.finish(1) == "lease 1 B reused, close 3 shutdown");
  CHECK(scene.finish(1) == "close 1 shutdown");
  CHECK(scene.closed(1) == "");
  CHECK(scene.closed(3) == "");
  CHECK(scene.pool.counts().total() == 0);
  CHECK(scene.pass(1min) == "");
}

TEST_CASE("shut_down: ends a pause, which can not come back") {
  Scene scene;
  scene.learn();
  scene.pool.pause();
  CHECK(scene.ask("A") == "");
  CHECK(scene.shut_down() == "lease 1 A");
  scene.pool.pause();
  CHECK_FALSE(scene.pool.paused());
  CHECK(scene.finish(1) == "close 1 shutdown");
}

TEST_CASE("shut_down: a connection being made for nobody is closed, one for a waiter is not") {
  Scene scene;
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.shut_down() == "");
  SUBCASE("still connecting") {}
  SUBCASE("being proven") {
    CHECK(scene.connected(1) == "barrier 1");
  }
  CHECK(scene.cancel("A") == "");
  CHECK(scene.shut_down() == "close 1 shutdown");
  CHECK(scene.closed(1) == "");
  CHECK(scene.pass(1min) == "");
}

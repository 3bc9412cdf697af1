// What the pool believes of a connection and why: finding out whether the application answers
// FCGI_GET_VALUES, settling after a request, handing over without, and the slots of scripts that nobody sees
// end.
#include <doctest/doctest.h>

#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

TEST_CASE("detection: two answers on one connection, then it is known; one proves each of the others") {
  Scene scene;
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.ask("B") == "");  // one at a time while the application's ways are unknown
  CHECK(scene.connected(1) == "barrier 1");
  CHECK_FALSE(scene.pool.reachable());
  CHECK(scene.answered(1) == "barrier 1");
  CHECK_FALSE(scene.pool.barrier_supported());
  CHECK(scene.answered(1) == "lease 1 A, open 2");
  CHECK(scene.pool.barrier_supported());
  CHECK(scene.pool.reachable());
  CHECK(scene.proven(2) == "lease 2 B");
}

TEST_CASE("detection: closed after the first answer is php before 8.2.13, and no barrier comes any more") {
  for (const CloseReason reason :
       {CloseReason::peer_closed, CloseReason::reset, CloseReason::eof_in_request}) {
    Scene scene;
    CHECK(scene.ask("A") == "open 1");
    scene.connected(1);
    scene.answered(1);
    CHECK(scene.lost(1, reason) == "close 1 no_get_values, open 2");
    CHECK(scene.closed(1) == "");
    CHECK(scene.connected(2) == "lease 2 A");
    CHECK(scene.pool.stats().connect_errors == 0);
    // Quiet for 5 ms instead of a barrier, and a look before each use.
    CHECK(scene.released(2) == "");
    CHECK(scene.state(2) == "quiet");
    CHECK(scene.pass(5ms - 1us) == "");
    CHECK(scene.state(2) == "quiet");
    CHECK(scene.pass(1us) == "");
    CHECK(scene.state(2) == "idle");
    CHECK(scene.ask("B") == "lease 2 B reused peek");
    CHECK(scene.pool.stats().barriers == 2);
  }
}

TEST_CASE("detection: a fault of another kind between the answers proves nothing") {
  Scene scene;
  CHECK(scene.ask("A") == "open 1");
  scene.connected(1);
  scene.answered(1);
  CHECK(scene.lost(1, CloseReason::protocol_error) == "close 1 protocol_error");
  scene.closed(1);
  CHECK(scene.pass(20ms) == "open 2");
  CHECK(scene.connected(2) == "barrier 2");  // asked again
}

// A php-fpm whose workers are all busy is silent too. Three silent questions used to make it one without
// barriers, for good.
TEST_CASE("detection: silence teaches nothing, it is asked until it answers") {
  config::Pool config = small_pool();
  config.queue.timeout = 1000s;
  Scene scene(config);
  CHECK(scene.ask("A") == "open 1");
  for (ConnectionId id = 1; id <= 5; ++id) {
    CAPTURE(id);
    const std::string number = std::to_string(id);
    CHECK(scene.connected(id) == "barrier " + number);
    // It keeps its place in php's backlog for as long as a script may be silent there.
    CHECK(scene.pass(60s - 1ms) == "");
    CHECK(scene.pass(1ms) == "close " + number + " probe_timeout");
    CHECK_FALSE(scene.pool.reachable());
    scene.closed(id);
    CHECK(scene.pass(200ms) == "open " + std::to_string(id + 1));
  }
  CHECK(scene.connected(6) == "barrier 6");
  CHECK(scene.silent());
  CHECK(scene.answered(6) == "barrier 6");
  CHECK_FALSE(scene.silent());
  CHECK(scene.answered(6) == "lease 6 A");
  CHECK(scene.pool.barrier_supported());
}

TEST_CASE("detection: said to be silent after timeouts.connect, and the queue is as long as it is then") {
  Scene scene;  // room for 3
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.connected(1) == "barrier 1");
  // Until then each connection that may be opened soon is room for one more.
  for (const std::string name : {"B", "C", "D", "E"}) CHECK(scene.ask(name) == "");
  CHECK(scene.pass(2s - 1ms) == "");
  CHECK_FALSE(scene.silent());
  CHECK(scene.pass(1ms) == "");
  CHECK(scene.silent());
  CHECK(scene.ask("F") == "reject F full");
  CHECK(scene.cancel("A") == "");
  CHECK(scene.ask("G") == "reject G full");
  CHECK(scene.cancel("B") == "");
  CHECK(scene.ask("H") == "");
  CHECK(scene.pass(8s) == "reject C timeout, reject D timeout, reject E timeout");
}

TEST_CASE("detection: timeouts.first_byte below timeouts.connect") {
  config::Pool config = small_pool();
  config.timeouts.first_byte = 1s;
  Scene scene(config);
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.connected(1) == "barrier 1");
  CHECK(scene.pass(2s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 1 probe_timeout");
  CHECK(scene.silent());
}

TEST_CASE("detection: an answer, then silence: asked again from the start") {
  Scene scene;
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.connected(1) == "barrier 1");
  CHECK(scene.answered(1) == "barrier 1");
  CHECK(scene.pass(2s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 1 probe_timeout");
  scene.closed(1);
  CHECK(scene.pass(200ms) == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
  CHECK(scene.answered(2) == "barrier 2");
  CHECK(scene.answered(2) == "lease 2 A");
  CHECK(scene.pool.barrier_supported());
}

TEST_CASE("a generic application never gets a barrier") {
  config::Pool config = small_pool();
  config.application = config::Application::generic;
  config.ping = 1s;
  config.client_abort = config::ClientAbort::close;
  Scene scene(config);
  CHECK(scene.start() == "open 1");
  CHECK(scene.connected(1) == "");
  CHECK(scene.ask_once_only("A") == "lease 1 A");
  CHECK(scene.released(1) == "");
  CHECK(scene.pass(30s) == "");
  CHECK(scene.ask_once_only("B") == "lease 1 B reused peek");
  CHECK(scene.abandoned(1) == "close 1 client_abort");
  CHECK(scene.ask("C") == "open 2");
  CHECK(scene.connected(2) == "lease 2 C");
  CHECK(scene.pool.stats().barriers == 0);
}

TEST_CASE("keep_alive false: one request a connection, drained until EOF, never kept") {
  config::Pool config = small_pool();
  config.keep_alive = false;
  config.max_connections = 1;
  Scene scene(config);
  CHECK(scene.start() == "open 1");
  CHECK(scene.connected(1) == "close 1 request_done");
  CHECK(scene.pool.reachable());
  CHECK(scene.closed(1) == "");
  CHECK(scene.ask_once_only("A") == "open 2");
  CHECK(scene.ask("B") == "");
  CHECK(scene.connected(2) == "lease 2 A");
  CHECK(scene.released(2) == "");
  CHECK(scene.state(2) == "ending");
  SUBCASE("php closes") {
    CHECK(scene.lost(2, CloseReason::peer_closed) == "close 2 request_done");
  }
  SUBCASE("php's script runs on") {
    CHECK(scene.pass(1s) == "barrier 2");
    CHECK(scene.pass(10min - 1s - 1ms) == "reject B timeout");
    CHECK(scene.pass(1ms) == "close 2 request_done");
    scene.ask("B");
  }
  SUBCASE("its script runs on, and ends") {
    CHECK(scene.pass(1s) == "barrier 2");
    CHECK(scene.lost(2, CloseReason::peer_closed) == "close 2 request_done");
  }
  SUBCASE("it leaves the connection open: its answer shows that nothing runs") {
    CHECK(scene.pass(1s) == "barrier 2");
    CHECK(scene.answered(2) == "close 2 request_done");
  }
  CHECK(scene.closed(2) == "open 3");
  CHECK(scene.connected(3) == "lease 3 B");
  CHECK(scene.pool.stats().reused == 0);
}

TEST_CASE("keep_alive false: one that is no php-fpm gets a second to close") {
  config::Pool config = small_pool();
  config.application = config::Application::generic;
  config.keep_alive = false;
  Scene scene(config);
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.connected(1) == "lease 1 A");
  CHECK(scene.released(1) == "");
  CHECK(scene.pass(1s - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 1 request_done");
}

// A request was sent while the script before it held the last worker.
TEST_CASE("keep_alive false: a script that prints after its end runs on, and its slot stays counted") {
  config::Pool config = small_pool();
  config.keep_alive = false;
  config.max_connections = 1;
  config.queue.timeout = 200s;
  Scene scene(config);
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.connected(1) == "lease 1 A");
  CHECK(scene.ask("B") == "");
  CHECK(scene.released(1) == "");
  CHECK(scene.lost(1, CloseReason::foreign_record, true) == "close 1 foreign_record");
  CHECK(scene.closed(1) == "");
  CHECK(scene.pass(60s - 1ms) == "");
  CHECK(scene.pass(1ms) == "open 2");
}

// ----------------------------------------------------------------------------------------------------------
// settling and handing over

TEST_CASE(
    "settle never: no barrier after a request, handed over at once, a look before what may not be repeated") {
  config::Pool config = small_pool();
  config.settle = config::Settle::never;
  Scene scene(config);
  scene.lease_all(2);
  CHECK(scene.ask("A") == "");
  CHECK(scene.released(1) == "lease 1 A reused");
  CHECK(scene.ask_once_only("B") == "");
  CHECK(scene.released(1) == "lease 1 B reused peek");
  CHECK(scene.released(1) == "");
  CHECK(scene.state(1) == "idle");
  CHECK(scene.ask_once_only("C") == "lease 1 C reused peek");
  CHECK(scene.pool.stats().handed_over == 2);
}

TEST_CASE("a settling connection is waited for 3 ms, then a new one is opened") {
  Scene scene;
  scene.lease_all(1);
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.ask("A") == "");
  CHECK(scene.pass(3ms - 1us) == "");
  CHECK(scene.pass(1us) == "open 2");
  CHECK(scene.answered(1) == "lease 1 A reused");
}

TEST_CASE("a script may run on for 10 minutes, then the connection is closed") {
  Scene scene;
  scene.lease_all(1);
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.pass(10min - 1ms) == "");
  CHECK(scene.pass(1ms) == "close 1 settle_timeout");
}

TEST_CASE("php closes instead of answering the barrier: nothing is lost, the waiter gets a new connection") {
  Scene scene;
  scene.lease_all(1);
  scene.ask_once_only("A");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.lost(1, CloseReason::peer_closed) == "close 1 peer_closed");
  CHECK(scene.connected(2) == "barrier 2");
  CHECK(scene.answered(2) == "lease 2 A");
  CHECK(scene.closed(1) == "");
}

TEST_CASE("a request that failed once gets only a proven connection, though it may be repeated") {
  Scene scene;
  scene.lease_all(2);
  for (int round = 0; round < 16; ++round) {  // enough prompt barriers to be handed requests without one
    scene.finish(1);
    scene.ask("t" + std::to_string(round));
  }
  CHECK(scene.lost(2, CloseReason::eof_in_request) == "close 2 eof_in_request");
  scene.ask_again("r2");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.answered(1) == "lease 1 r2 reused peek");
}

// New connections are a place in php's backlog and no worker: who waits for them, what is done when no worker
// takes them.
#include <doctest/doctest.h>

#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

namespace {
config::Pool pool_of(std::uint32_t connections) {
  config::Pool config = small_pool();
  config.max_connections = connections;
  config.queue.size = 100;
  return config;
}
// The connections of a burst come up, and nobody answers.
void connect_all(Scene& scene, ConnectionId first, ConnectionId last) {
  for (ConnectionId id = first; id <= last; ++id)
    REQUIRE(scene.connected(id) == "barrier " + std::to_string(id));
}
}  // namespace

TEST_CASE("proof: a request waits in the queue until a worker has answered, with its deadline") {
  Scene scene(pool_of(1));
  scene.lease_all(1);
  CHECK(scene.lost(1, CloseReason::peer_closed) == "close 1 peer_closed");
  CHECK(scene.closed(1) == "open 2");  // the last one: looks again
  CHECK(scene.ask_once_only("A") == "");
  CHECK(scene.connected(2) == "barrier 2");
  CHECK(scene.state(2) == "proving");
  CHECK(scene.waits("A"));
  SUBCASE("answered") {
    CHECK(scene.answered(2) == "lease 2 A");
  }
  SUBCASE("late") {
    scene.pass(10s - 1ms);
    CHECK(scene.waits("A"));
    CHECK(scene.pass(1ms) == "reject A timeout");
  }
}

// Four requests at once, each bound to a connection of its own: those that no worker took had no answer
// though the others were idle long since.
TEST_CASE("proof: whoever waits takes what is idle first, and each proof serves the front of the queue") {
  Scene scene(pool_of(4));
  scene.learn();
  CHECK(scene.ask("A") == "lease 1 A");
  CHECK(scene.ask("B") == "open 2");
  CHECK(scene.ask("C") == "open 3");
  CHECK(scene.ask("D") == "open 4");
  connect_all(scene, 2, 4);
  CHECK(scene.answered(3) == "lease 3 B");  // whichever comes
  CHECK(scene.finish(1) == "lease 1 C reused");
  CHECK(scene.finish(3) == "lease 3 D reused");
  CHECK(scene.answered(4) == "");
  CHECK(scene.state(4) == "idle");
}

TEST_CASE("knock: a silent connection is followed by another, then the youngest is opened anew") {
  Scene scene(pool_of(4));
  scene.lease_all(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
  CHECK(scene.pass(20ms - 1us) == "");
  CHECK(scene.pass(1us) == "open 3");
  CHECK(scene.connected(3) == "barrier 3");
  CHECK(scene.pass(40ms - 1us) == "");
  // One more than wait for them is enough.
  CHECK(scene.pass(1us) == "close 3 no_worker");
  CHECK(scene.closed(3) == "open 4");
  CHECK(scene.connected(4) == "barrier 4");
  CHECK(scene.pass(80ms) == "close 4 no_worker");
  CHECK(scene.closed(4) == "open 5");
  CHECK(scene.connected(5) == "barrier 5");
  CHECK(scene.answered(2) == "lease 2 A");
  CHECK(scene.pass(1s) == "");
  CHECK(scene.pool.stats().connect_errors == 0);
}

TEST_CASE("knock: at the cap as well, six times, until there is a proof") {
  Scene scene(pool_of(2));
  scene.lease_all(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.ask("B") == "");
  ConnectionId id = 2;
  Duration pause = 20ms;
  for (int knock = 0; knock < 6; ++knock, ++id, pause *= 2) {
    CAPTURE(knock);
    CHECK(scene.connected(id) == "barrier " + std::to_string(id));
    CHECK(scene.pass(pause - 1us) == "");
    CHECK(scene.pass(1us) == "close " + std::to_string(id) + " no_worker");
    CHECK(scene.closed(id) == "open " + std::to_string(id + 1));
  }
  CHECK(scene.connected(id) == "barrier 8");
  CHECK(scene.pass(8s) == "");
  CHECK(scene.answered(id) == "lease 8 A");
  // The next silent one is knocked for again.
  CHECK(scene.lost(8, CloseReason::peer_closed) == "close 8 peer_closed");
  CHECK(scene.closed(8) == "open 9");
  CHECK(scene.connected(9) == "barrier 9");
  CHECK(scene.pass(20ms) == "close 9 no_worker");
}

TEST_CASE("knock: not for nobody, and not while paused") {
  Scene scene(pool_of(2));
  scene.lease_all(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
  SUBCASE("nobody") {
    scene.cancel("A");
  }
  SUBCASE("paused") {
    scene.pool.pause();
  }
  CHECK(scene.pass(9s) == "");
}

TEST_CASE("knock: an application that is never asked is not knocked at") {
  config::Pool config = pool_of(2);
  config.application = config::Application::generic;
  Scene scene(config);
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.connected(1) == "lease 1 A");
  CHECK(scene.ask("B") == "open 2");
  CHECK(scene.pass(1s) == "");
}

// pm.max_children below max_connections.
TEST_CASE("crowded: what no worker takes is closed after first_byte, and no more than were found is opened") {
  config::Pool config = pool_of(4);
  config.queue.timeout = 10000s;
  config.timeouts.first_byte = 2s;
  Scene scene(config);
  scene.lease_all(2);
  scene.ask("A");
  scene.ask("B");
  connect_all(scene, 3, 4);
  ConnectionId last = 4;
  for (int knock = 0; knock < 6; ++knock, ++last) {  // see above; each begins the time of the last one anew
    REQUIRE(scene.pass(20ms * (1 << knock)) == "close " + std::to_string(last) + " no_worker");
    REQUIRE(scene.closed(last) == "open " + std::to_string(last + 1));
    scene.connected(last + 1);
  }
  CHECK(scene.pass(2s) == "close 3 no_worker, close 10 no_worker");
  CHECK(scene.closed(3) == "");
  CHECK(scene.closed(10) == "");
  CHECK(scene.pool.workers_found() == 2);
  CHECK(scene.pool.counts().total() == 2);
  CHECK(scene.pool.reachable());
  CHECK(scene.finish(1) == "lease 1 A reused");
  CHECK(scene.pool.stats().connect_errors == 0);
}

TEST_CASE("crowded: a lost connection is replaced at once, a proof ends it, else it is tried again") {
  config::Pool config = pool_of(3);
  config.queue.timeout = 100000s;
  Scene scene(config);
  scene.lease_all(2);
  CHECK(scene.ask("A") == "open 3");
  CHECK(scene.connected(3) == "barrier 3");
  CHECK(scene.cancel("A") == "");
  CHECK(scene.pass(60s - 1us) == "");
  CHECK(scene.pass(1us) == "close 3 no_worker");
  CHECK(scene.closed(3) == "");
  CHECK(scene.pool.workers_found() == 2);
  CHECK(scene.ask("B") == "");  // it would wait in the backlog
  SUBCASE("lost") {
    CHECK(scene.lost(1, CloseReason::peer_closed) == "close 1 peer_closed");
    CHECK(scene.closed(1) == "open 4");
    CHECK(scene.proven(4) == "lease 4 B");
    CHECK(scene.pool.workers_found() == 0);
    CHECK(scene.ask("C") == "open 5");
  }
  SUBCASE("tried again, each time later") {
    CHECK(scene.pass(1s - 1us) == "");
    CHECK(scene.pass(1us) == "open 4");
    CHECK(scene.connected(4) == "barrier 4");
    CHECK(scene.cancel("B") == "");
    CHECK(scene.pass(60s) == "close 4 no_worker");
    CHECK(scene.closed(4) == "");
    CHECK(scene.ask("C") == "");
    CHECK(scene.pass(2s - 1us) == "");
    CHECK(scene.pass(1us) == "open 5");
  }
}

TEST_CASE("crowded: where no worker is known at all, the application counts as away") {
  Scene scene(pool_of(1));
  scene.lease_all(1);
  CHECK(scene.lost(1, CloseReason::response_timeout, true) == "close 1 response_timeout");
  scene.closed(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
  CHECK(scene.cancel("A") == "");
  CHECK(scene.pass(60s) == "close 2 probe_timeout");
  CHECK_FALSE(scene.pool.reachable());
  CHECK(scene.pool.workers_found() == 0);
}

TEST_CASE("stopping: a connection that comes for nobody is closed") {
  Scene scene(pool_of(2));
  scene.lease_all(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.connected(2) == "barrier 2");
  CHECK(scene.shut_down() == "");
  CHECK(scene.finish(1) == "lease 1 A reused, close 2 shutdown");
}

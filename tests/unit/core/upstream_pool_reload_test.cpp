// A pool under other limits: what is there stays, and the ceiling holds all the while.
#include "upstream_pool_scene.h"

using namespace holdfast;
using namespace holdfast::core;
using namespace holdfast::core::testing;

TEST_CASE("reload: more connections are opened at once for those who wait") {
  Scene scene;
  scene.lease_all(2);
  CHECK(scene.ask("A") == "");
  CHECK(scene.ask("B") == "");
  config::Pool config = small_pool();
  config.max_connections = 3;
  CHECK(scene.configure(config) == "open 3");
  CHECK(scene.proven(3) == "lease 3 A");
}

TEST_CASE("reload: of too many the longest unused idle ones go first, then whose request ends") {
  config::Pool config = small_pool();
  config.max_connections = 4;
  Scene scene(config);
  scene.lease_all(4);
  CHECK(scene.finish(2) == "");
  scene.pass(1ms);
  CHECK(scene.finish(1) == "");
  config.max_connections = 3;
  CHECK(scene.configure(config) == "close 2 recycled");
  CHECK(scene.closed(2) == "");
  config.max_connections = 1;
  CHECK(scene.configure(config) == "close 1 recycled");
  CHECK(scene.closed(1) == "");
  CHECK(scene.ask("A") == "");
  // Which of the two goes is not said; the other takes who waits.
  CHECK(scene.released(3) + scene.released(4) == "barrier 3barrier 4");
  const std::string both = scene.answered(3) + " " + scene.answered(4);
  const bool third_goes = both == "close 3 recycled lease 4 A reused";
  const bool fourth_goes = both == "lease 3 A reused close 4 recycled";
  CAPTURE(both);
  CHECK((third_goes || fourth_goes));
  CHECK(scene.closed(third_goes ? 3 : 4) == "");
  CHECK(scene.ask("B") == "");
  CHECK(scene.pool.counts().total() == 1);
}

TEST_CASE("reload: connections that go anyway are not replaced by others that go") {
  Scene scene;
  scene.lease_all(2);
  config::Pool config = small_pool();
  config.max_connections = 1;
  CHECK(scene.configure(config) == "");
  CHECK(scene.configure(config) == "");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.released(2) == "barrier 2");
  scene.answered(1);
  scene.answered(2);
  CHECK(scene.pool.counts().idle == 1);
  CHECK(scene.pool.counts().closing == 1);
}

TEST_CASE("reload: raised again before it was reached") {
  Scene scene;
  scene.lease_all(2);
  config::Pool config = small_pool();
  config.max_connections = 1;
  CHECK(scene.configure(config) == "");
  CHECK(scene.ask("A") == "");
  config.max_connections = 3;
  CHECK(scene.configure(config) == "open 3");
}

TEST_CASE("reload: the queue's time counts for those who wait, from when they came") {
  Scene scene;
  scene.lease_all(2);
  CHECK(scene.ask("A") == "");
  CHECK(scene.pass(3s) == "");
  CHECK(scene.ask("B") == "");
  config::Pool config = small_pool();
  config.queue.timeout = 2s;
  CHECK(scene.configure(config) == "");
  CHECK(scene.pass(1ms) == "reject A timeout");
  CHECK(scene.pass(1998ms) == "");
  CHECK(scene.pass(1ms) == "reject B timeout");
}

TEST_CASE("reload: a request that comes back is in time by the new limit") {
  config::Pool config = small_pool();
  config.queue.timeout = 1s;
  Scene scene(config);
  scene.lease_all(1);
  CHECK(scene.pass(2s) == "");
  config.queue.timeout = 10s;
  CHECK(scene.configure(config) == "");
  CHECK(scene.ask_again("r1") == "open 2");
}

TEST_CASE("reload: idle connections follow the new limits") {
  Scene scene;
  scene.learn();
  CHECK(scene.ask("A") == "lease 1 A");
  CHECK(scene.finish(1) == "");
  config::Pool config = small_pool();
  SUBCASE("a shorter idle time counts from the last use") {
    CHECK(scene.pass(1s) == "");
    config.recycle.idle = 3s;
    CHECK(scene.configure(config) == "");
    CHECK(scene.pass(2s - 1ms) == "");
    CHECK(scene.pass(1ms) == "close 1 idle");
  }
  SUBCASE("requests") {
    config.recycle.requests = 1;
    CHECK(scene.configure(config) == "close 1 request_limit");
  }
  SUBCASE("lifetime") {
    CHECK(scene.pass(1s) == "");
    config.recycle.lifetime = 1s;
    CHECK(scene.configure(config) == "close 1 lifetime");
  }
  SUBCASE("pings") {
    config.ping = 100ms;
    CHECK(scene.configure(config) == "");
    CHECK(scene.pass(100ms) == "barrier 1");
  }
}

// Its idle time was over when it came back, and the pool asked to be woken for a moment that had passed.
TEST_CASE("reload: what comes back later than a shortened idle time allows is closed then") {
  config::Pool config = small_pool();
  SUBCASE("for nobody") {
    Scene scene(config);
    scene.learn_old_php();
    CHECK(scene.ask("A") == "lease 2 A");
    CHECK(scene.released(2) == "");  // quiet for 5 ms
    config.recycle.idle = 1ms;
    CHECK(scene.configure(config) == "");
    CHECK(scene.pass(5ms) == "close 2 idle");
  }
  SUBCASE("not when somebody waits for it") {
    Scene scene(config);
    scene.learn_old_php();
    CHECK(scene.ask("A") == "lease 2 A");
    CHECK(scene.released(2) == "");
    CHECK(scene.ask_once_only("B") == "");
    config.recycle.idle = 1ms;
    scene.configure(config);
    scene.pass(5ms);
    CHECK(scene.state(2) == "leased");
  }
  SUBCASE("a paused pool") {
    Scene scene(config);
    scene.learn_old_php();
    CHECK(scene.ask("A") == "lease 2 A");
    scene.pool.pause();
    CHECK(scene.ask_once_only("B") == "");
    CHECK(scene.released(2) == "");
    config.recycle.idle = 1ms;
    scene.configure(config);
    CHECK(scene.pass(5ms) == "close 2 idle");
  }
}

TEST_CASE("reload: from settle: never, what is idle is proven before its next request") {
  config::Pool config = small_pool();
  config.settle = config::Settle::never;
  Scene scene(config);
  scene.learn();
  CHECK(scene.ask("A") == "lease 1 A");
  CHECK(scene.released(1) == "");
  CHECK(scene.state(1) == "idle");
  config.settle = config::Settle::automatic;
  CHECK(scene.configure(config) == "barrier 1");
  CHECK(scene.ask("B") == "");
  CHECK(scene.answered(1) == "lease 1 B reused");
}

TEST_CASE("reload: another application, address or manner is another pool") {
  const Scene scene;
  config::Pool config = small_pool();
  CHECK(scene.pool.takes(config));
  config.name = "renamed";
  config.max_connections = 50;
  CHECK(scene.pool.takes(config));
  SUBCASE("address") {
    config.address = {config::Address::Kind::tcp, "127.0.0.1", 9000, {}};
  }
  SUBCASE("application") {
    config.application = config::Application::generic;
  }
  SUBCASE("keep_alive") {
    config.keep_alive = false;
  }
  CHECK_FALSE(scene.pool.takes(config));
}

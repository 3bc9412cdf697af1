// The pool's leases and its queue: the cap, who is served by which connection, who is turned away.
#include "proxy/core/upstream_pool.h"

#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

TEST_CASE("cap: no more connections than max_connections, whoever waits") {
  for (const std::uint32_t most : {1U, 2U, 5U}) {
    CAPTURE(most);
    config::Pool config = small_pool();
    config.max_connections = most;
    config.queue.size = 100;
    Scene scene(config);
    scene.learn();
    for (std::uint32_t i = 0; i < 3 * most; ++i) scene.ask("w" + std::to_string(i));
    CHECK(scene.pool.counts().total() == most);
    for (ConnectionId id = 2; id <= most; ++id) scene.proven(id);
    CHECK(scene.pool.counts().leased == most);
    CHECK(scene.pool.waiting() == 2 * most);
    // A closing connection still counts until it is closed.
    CHECK(scene.lost(1, CloseReason::reset) == "close 1 reset");
    CHECK(scene.pool.counts().total() == most);
    CHECK(scene.closed(1) == "open " + std::to_string(most + 1));
    CHECK(scene.pool.counts().total() == most);
  }
}

TEST_CASE("idle first: a new connection is opened only when none is idle") {
  Scene scene;
  scene.learn();
  CHECK(scene.ask("A") == "lease 1 A");
  CHECK(scene.finish(1) == "");
  CHECK(scene.ask("B") == "lease 1 B reused");
  CHECK(scene.ask("C") == "open 2");
  CHECK(scene.ask("D") == "");  // the cap is 2
  CHECK(scene.pool.stats().opened == 1);
  CHECK(scene.pool.stats().reused == 1);
}

TEST_CASE("a waiter whose connection is still coming takes one that gets idle before") {
  Scene scene;
  scene.lease_all(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.finish(1) == "lease 1 A reused");
  // Nobody waits for connection 2 any more: it is proven, then kept.
  CHECK(scene.proven(2) == "");
  CHECK(scene.state(2) == "idle");
}

TEST_CASE("idle is a stack: the most recently used connection is leased first") {
  config::Pool config = small_pool();
  config.max_connections = 3;
  Scene scene(config);
  scene.lease_all(3);
  for (const ConnectionId id : {2U, 3U, 1U}) {
    scene.pass(1ms);
    CHECK(scene.finish(id) == "");
  }
  CHECK(scene.ask("A") == "lease 1 A reused");
  CHECK(scene.ask("B") == "lease 3 B reused");
  CHECK(scene.ask("C") == "lease 2 C reused");
}

TEST_CASE("waiters are served first come, first served") {
  Scene scene;
  scene.lease_all(2);
  CHECK(scene.ask("A") == "");
  CHECK(scene.ask_once_only("B") == "");
  CHECK(scene.ask("C") == "");
  CHECK(scene.finish(2) == "lease 2 A reused");
  // B must not be repeated: its connection is looked at before it is used.
  CHECK(scene.finish(1) == "lease 1 B reused peek");
  CHECK(scene.finish(1) == "lease 1 C reused");
}

TEST_CASE("queue full: exactly queue.size wait when all connections are leased") {
  for (const std::uint32_t size : {0U, 1U, 3U}) {
    CAPTURE(size);
    config::Pool config = small_pool();
    config.queue.size = size;
    Scene scene(config);
    scene.lease_all(2);
    for (std::uint32_t i = 1; i <= size; ++i) {
      CHECK(scene.ask("w" + std::to_string(i)) == "");
      CHECK(scene.pool.waiting() == i);
    }
    CHECK(scene.ask("late") == "reject late full");
    CHECK_FALSE(scene.waits("late"));
    CHECK(scene.pool.waiting() == size);
    CHECK(scene.pool.stats().queue_full == 1);
  }
}

TEST_CASE("queue full: a connection on its way is one more place") {
  config::Pool config = small_pool();
  config.queue.size = 1;
  Scene scene(config);
  scene.lease_all(1);
  CHECK(scene.ask("A") == "open 2");
  CHECK(scene.ask("B") == "");
  CHECK(scene.ask("C") == "reject C full");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.ask("D") == "");
  CHECK(scene.ask("E") == "reject E full");
}

TEST_CASE("queue full: at the start, connections that may still be opened are places too") {
  config::Pool config = small_pool();
  config.queue.size = 0;
  config.max_connections = 3;
  Scene scene(config);
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.ask("B") == "");
  CHECK(scene.ask("C") == "");
  CHECK(scene.ask("D") == "reject D full");
  CHECK(scene.connected(1) == "barrier 1");
  CHECK(scene.answered(1) == "barrier 1");
  CHECK(scene.answered(1) == "lease 1 A, open 2, open 3");
}

TEST_CASE("queue timeout: rejected at its deadline and not before, the others stay") {
  Scene scene;
  scene.lease_all(2);
  CHECK(scene.ask("A") == "");
  CHECK(scene.pass(4s) == "");
  CHECK(scene.ask("B") == "");
  CHECK(scene.pool.oldest_wait(scene.now) == 4s);
  CHECK(scene.pass(6s - 1ms) == "");
  CHECK(scene.pass(1ms) == "reject A timeout");
  CHECK(scene.pool.waiting() == 1);
  CHECK(scene.pass(4s - 1ms) == "");
  CHECK(scene.pass(1ms) == "reject B timeout");
  CHECK(scene.pool.stats().queue_timeout == 2);
  CHECK(scene.pool.oldest_wait(scene.now) == 0s);
}

TEST_CASE("cancel takes a waiter out at the front, in the middle and at the end") {
  for (const std::string gone : {"A", "B", "C"}) {
    CAPTURE(gone);
    Scene scene;
    scene.lease_all(1);
    scene.ask("A");
    scene.ask("B");
    scene.ask("C");
    CHECK(scene.cancel(gone) == "");
    CHECK(scene.cancel(gone) == "");  // once is enough
    CHECK(scene.pool.stats().abandoned == 1);
    std::string served;
    for (const std::string name : {"A", "B", "C"}) {
      if (name == gone) continue;
      CHECK(scene.finish(1) == "lease 1 " + name + " reused");
    }
    CHECK(scene.pool.waiting() == 0);
  }
}

TEST_CASE("cancel before the lease was taken: no lease, the connection serves the next") {
  Scene scene;
  scene.learn();
  scene.enqueue("A");
  CHECK_FALSE(scene.waits("A"));
  CHECK(scene.cancel("A") == "");  // as it was: proven, nothing was written since
  CHECK(scene.state(1) == "idle");
  CHECK(scene.pool.stats().leases == 0);
  CHECK(scene.pool.stats().abandoned == 1);
  CHECK(scene.ask("B") == "lease 1 B");
  CHECK(scene.ask("C") == "open 2");
  scene.proven(2);
  CHECK(scene.ask("D") == "");
  // Handed over, and gone before it was carried out: the connection is proven for the next.
  CHECK(scene.finish(1) == "lease 1 D reused");
  CHECK(scene.released(1) == "barrier 1");
  scene.enqueue("E");
  scene.pool.barrier_answered(1, scene.now);
  CHECK(scene.cancel("E") == "barrier 1");
  CHECK(scene.pool.stats().reused == 1);
}

TEST_CASE("cancel before the rejection was taken: no action for the waiter") {
  config::Pool config = small_pool();
  config.queue.size = 0;
  Scene scene(config);
  scene.lease_all(2);
  scene.enqueue("A");
  CHECK(scene.pool.has_actions());
  CHECK(scene.cancel("A") == "");
}

TEST_CASE("a retry goes before those that came later and keeps its deadline") {
  Scene scene;
  scene.lease_all(2);
  scene.pass(2s);
  scene.ask("A");
  CHECK(scene.lost(1, CloseReason::reset) == "close 1 reset");
  CHECK(scene.ask_again("r1") == "");
  CHECK(scene.pool.oldest_wait(scene.now) == 2s);
  CHECK(scene.closed(1) == "open 3");
  CHECK(scene.connected(3) == "barrier 3");
  CHECK(scene.answered(3) == "lease 3 r1");
  CHECK(scene.lost(3, CloseReason::reset) == "close 3 reset");
  scene.pass(7s);
  CHECK(scene.ask_again("r1") == "");
  CHECK(scene.pass(1s - 1ms) == "");
  CHECK(scene.pass(1ms) == "reject r1 timeout");
  // Over its deadline already: rejected at once.
  CHECK(scene.lost(2, CloseReason::reset) == "close 2 reset");
  CHECK(scene.ask_again("r2") == "reject r2 timeout");
}

TEST_CASE("retries that fail together keep their order and their deadlines among themselves") {
  Scene scene;
  scene.learn();
  CHECK(scene.ask("old") == "lease 1 old");
  scene.pass(3s);
  CHECK(scene.ask("young") == "open 2");
  CHECK(scene.proven(2) == "lease 2 young");
  scene.pass(3s);
  scene.ask("new");
  scene.lost(1, CloseReason::reset);
  scene.lost(2, CloseReason::reset);
  SUBCASE("in order") {
    CHECK(scene.ask_again("old") == "");
    CHECK(scene.ask_again("young") == "");
  }
  SUBCASE("the other way round") {
    CHECK(scene.ask_again("young") == "");
    CHECK(scene.ask_again("old") == "");
  }
  CHECK(scene.pass(4s - 1ms) == "");
  CHECK(scene.pass(1ms) == "reject old timeout");
  CHECK(scene.closed(1) == "open 3");
  CHECK(scene.closed(2) == "open 4");
  CHECK(scene.proven(4) == "lease 4 young");
  CHECK(scene.proven(3) == "lease 3 new");
}

TEST_CASE(
    "a retry that pauses comes back after 100 ms, with its place and its turn; it does not count as "
    "waiting") {
  Scene scene;
  scene.lease_all(2);
  CHECK(scene.lost(1, CloseReason::reset) == "close 1 reset");
  CHECK(scene.ask_later("r1") == "");
  CHECK(scene.closed(1) == "");  // nobody needs it yet
  CHECK(scene.pool.waiting() == 0);
  CHECK(scene.ask("A") == "open 3");
  CHECK(scene.pass(100ms - 1ms) == "");
  CHECK_FALSE(scene.waits("r1"));
  CHECK(scene.pass(1ms) == "");
  CHECK(scene.waits("r1"));
  CHECK(scene.proven(3) == "lease 3 r1");
  CHECK(scene.finish(2) == "lease 2 A reused");
}

TEST_CASE("a retry that pauses: others that broke in that time clear it of the blame") {
  Scene scene;
  scene.lease_all(2);
  scene.lost(1, CloseReason::reset);
  scene.ask_later("r1");
  scene.pass(99ms);
  CHECK(scene.lost(2, CloseReason::eof_in_request) == "close 2 eof_in_request");
  scene.closed(1);
  CHECK(scene.closed(2) == "open 3");  // the last one: looks again
  scene.proven(3);
  CHECK(scene.pass(1ms) == "lease 3 r1 in company");
}

TEST_CASE("a retry that pauses: its client leaves, or its time in the queue is over meanwhile") {
  config::Pool config = small_pool();
  config.queue.timeout = 50ms;
  Scene scene(config);
  scene.lease_all(1);
  scene.lost(1, CloseReason::reset);
  scene.ask_later("r1");
  SUBCASE("leaves") {
    CHECK(scene.cancel("r1") == "");
    scene.closed(1);
    CHECK(scene.pass(1s).find("r1") == std::string::npos);
  }
  SUBCASE("late") {
    CHECK(scene.pass(100ms - 1ms) == "");
    CHECK(scene.pass(1ms) == "reject r1 timeout");
  }
}

TEST_CASE("taken over by another pool: who waits and who pauses, in order of arrival, with their time") {
  Scene old;
  old.lease_all(2);
  old.pass(1s);
  old.ask("A", true, 7);
  old.pass(1s);
  old.ask_once_only("B");
  old.lost(1, CloseReason::reset);
  old.ask_later("r1");
  const std::vector<Ticket> all = old.pool.take_waiters();
  REQUIRE(all.size() == 3);
  CHECK(all[0].id == old.ticket("r1").id);
  CHECK_FALSE(all[0].repeatable);  // it has failed once
  CHECK(all[1].id == old.ticket("A").id);
  CHECK(all[2].id == old.ticket("B").id);
  CHECK(old.pool.waiting() == 0);
  CHECK(old.pass(1s) == "");

  UpstreamPool next(small_pool(), 2);
  for (const Ticket& each : all) {
    const Ticket adopted = next.adopt(each.id + 100, each, old.now);
    CHECK(adopted.id == each.id + 100);
    CHECK(adopted.arrived == each.arrived);
    CHECK(adopted.address == each.address);
    CHECK(adopted.repeatable == each.repeatable);
  }
  CHECK(next.check() == nullptr);
  CHECK(next.waiting() == 3);
  CHECK(next.oldest_wait(old.now) == old.now - all[0].arrived);
}

TEST_CASE("a full queue does not turn a retry away") {
  config::Pool config = small_pool();
  config.queue.size = 1;
  Scene scene(config);
  scene.lease_all(2);
  CHECK(scene.ask("A") == "");
  scene.lost(1, CloseReason::reset);
  CHECK(scene.ask_again("r1") == "");
  CHECK(scene.pool.waiting() == 2);
}

TEST_CASE("a refused lease: the connection is closed as stale, the waiter stays first") {
  Scene scene;
  scene.lease_all(2);
  scene.ask_once_only("A");
  scene.ask("B");
  CHECK(scene.finish(1) == "lease 1 A reused peek");
  CHECK(scene.refused(1, "A") == "close 1 stale");
  CHECK(scene.finish(2) == "lease 2 A reused peek");
  CHECK(scene.closed(1) == "open 3");
  CHECK(scene.proven(3) == "lease 3 B");
}

TEST_CASE("an unused lease: a new connection is as new, a used one is proven again") {
  Scene scene;
  scene.learn();
  scene.ask("A");
  CHECK(scene.unused(1) == "");
  CHECK(scene.ask("B") == "lease 1 B");
  CHECK(scene.pool.stats().leases == 1);
  scene.finish(1);
  CHECK(scene.ask("C") == "lease 1 C reused");
  CHECK(scene.unused(1) == "barrier 1");
  CHECK(scene.pool.stats().reused == 0);
  CHECK(scene.state(1) == "settling");
}

TEST_CASE("unknown and late ids change nothing") {
  Scene scene;
  scene.lease_all(2);
  scene.lost(2, CloseReason::reset);
  const auto nothing = [&](ConnectionId id) {
    const std::uint32_t before = scene.pool.counts().total();
    CHECK(scene.connected(id) == "");
    CHECK(scene.connect_failed(id) == "");
    CHECK(scene.answered(id) == "");
    CHECK(scene.released(id) == "");
    CHECK(scene.abandoned(id) == "");
    CHECK(scene.unused(id) == "");
    CHECK(scene.lost(id, CloseReason::reset, true) == "");
    CHECK(scene.pool.counts().total() == before);
    CHECK(scene.pool.counts().leased == 1);
  };
  nothing(0);
  nothing(99);
  nothing(2);  // closing
  CHECK(scene.closed(2) == "");
  nothing(2);  // gone
  CHECK(scene.closed(2) == "");
  // Of a connection that is well, but for something it is not about.
  CHECK(scene.connected(1) == "");
  CHECK(scene.connect_failed(1) == "");
  CHECK(scene.answered(1) == "");
  CHECK(scene.closed(1) == "");
  CHECK(scene.state(1) == "leased");
}

TEST_CASE("a report that comes twice counts once") {
  Scene scene;
  CHECK(scene.ask("A") == "open 1");
  CHECK(scene.connected(1) == "barrier 1");
  CHECK(scene.connected(1) == "");
  CHECK(scene.pool.stats().opened == 1);
  scene.answered(1);
  CHECK(scene.answered(1) == "lease 1 A");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.released(1) == "");
  CHECK(scene.answered(1) == "");
  CHECK(scene.answered(1) == "");
  CHECK(scene.lost(1, CloseReason::peer_closed) == "close 1 peer_closed");
  CHECK(scene.lost(1, CloseReason::reset) == "");
  CHECK(scene.pool.stats().closed[static_cast<std::size_t>(CloseReason::reset)] == 0);
}

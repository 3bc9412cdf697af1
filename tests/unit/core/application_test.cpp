// What is learned of an application, and what is not. When a request may skip the barrier is tested through
// the pool as well (upstream_pool_settle_test.cpp).
#include "proxy/core/application.h"

#include <doctest/doctest.h>

using holdfast::core::Application;
using holdfast::core::Duration;
using holdfast::core::Time;
using namespace std::chrono_literals;
using Barriers = Application::Barriers;

namespace {
constexpr Time kNow{1000s};

void prompt(Application& application, int times) {
  for (int i = 0; i < times; ++i) application.barrier_took(1ms, kNow);
}
}  // namespace

TEST_CASE("application: barriers work once a connection was kept after an answer") {
  Application application(true);
  CHECK(application.barriers() == Barriers::unknown);
  CHECK_FALSE(application.known());
  application.no_answer();
  CHECK(application.barriers() == Barriers::silent);
  CHECK_FALSE(application.known());
  application.answered();
  CHECK(application.barriers() == Barriers::unknown);  // one answer is not enough
  application.kept_after_answer();
  CHECK(application.barriers_work());
  application.answered();
  application.closed_after_answer();  // one that ends later is another matter
  CHECK(application.barriers_work());
}

TEST_CASE("application: barriers that are lacking or odd stay so") {
  Application lacking(true);
  lacking.closed_after_answer();
  CHECK(lacking.barriers() == Barriers::lacking);
  CHECK_FALSE(lacking.answered_oddly());
  lacking.answered();
  CHECK(lacking.barriers() == Barriers::lacking);
  for (const bool worked : {false, true}) {
    Application odd(true);
    if (worked) odd.kept_after_answer();
    CHECK(odd.answered_oddly());
    CHECK_FALSE(odd.answered_oddly());
    CHECK(odd.barriers() == Barriers::odd);
    CHECK(odd.barriers_fail());
  }
  Application never_asked(false);
  CHECK(never_asked.barriers_fail());
  CHECK_FALSE(never_asked.answered_oddly());
}

TEST_CASE("application: the barrier is skipped after 16 prompt ones, 15 times in a row") {
  Application application(true);
  application.kept_after_answer();
  prompt(application, 15);
  CHECK_FALSE(application.may_skip_barrier(kNow));
  prompt(application, 1);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 15; ++i) CHECK(application.may_skip_barrier(kNow));
    CHECK_FALSE(application.may_skip_barrier(kNow));
  }
  application.barrier_took(26ms, kNow);  // a suspicion
  CHECK_FALSE(application.scripts_run_on(kNow));
  CHECK_FALSE(application.may_skip_barrier(kNow));
  application.barrier_took(26ms, kNow);  // confirmed
  CHECK(application.scripts_run_on(kNow + 60s - 1us));
  CHECK_FALSE(application.scripts_run_on(kNow + 60s));
}

TEST_CASE("application: where there is no barrier it is skipped, but for scripts seen to run on") {
  Application application(false);
  for (int i = 0; i < 100; ++i) CHECK(application.may_skip_barrier(kNow));
  application.saw_run_on(kNow);
  CHECK_FALSE(application.may_skip_barrier(kNow));
  CHECK(application.may_skip_barrier(kNow + 60s));
}

TEST_CASE("application: refusals in a row; those that came up together are one, and service ends them") {
  Application application(true);
  application.turned_away(kNow, kNow + 1ms);
  application.turned_away(kNow, kNow + 2ms);        // opened before that
  application.turned_away(kNow + 1ms, kNow + 2ms);  // at the same moment
  CHECK(application.refusals() == 1);
  application.turned_away(kNow + 2ms, kNow + 3ms);
  CHECK(application.refusals() == 2);
  application.served();
  CHECK(application.refusals() == 0);
}

TEST_CASE("application: crowded for 1 s, twice as long each time, 10 min at most, until a worker is found") {
  Application application(true);
  CHECK(application.workers_found() == 0);
  CHECK_FALSE(application.crowded_until(kNow));
  Time now = kNow;
  Duration expected = 1s;
  for (int i = 0; i < 14; ++i) {
    CAPTURE(i);
    application.no_worker(3, now);
    REQUIRE(application.crowded_until(now) == now + expected);
    application.no_worker(2, now + expected - 1us);  // given up together with the first
    CHECK(application.crowded_until(now) == now + expected);
    CHECK(application.workers_found() == 2);
    now += expected;
    CHECK_FALSE(application.crowded_until(now));
    CHECK(application.workers_found() == 2);  // still all that is known
    expected = std::min<Duration>(2 * expected, 10min);
  }
  application.worker_found();
  CHECK(application.workers_found() == 0);
  application.no_worker(1, now);
  CHECK(application.crowded_until(now) == now + 1s);
}

TEST_CASE("application: changes() grows with what an operator is told of, and with nothing else") {
  Application application(true);
  std::uint32_t seen = application.changes();
  const auto changed = [&] {
    const bool grown = application.changes() != seen;
    seen = application.changes();
    return grown;
  };
  application.set_reachable(false);
  application.served();
  application.worker_found();
  application.answered();
  application.barrier_took(1ms, kNow);
  application.saw_run_on(kNow);
  CHECK_FALSE(changed());
  application.set_reachable(true);
  CHECK(changed());
  application.no_answer();
  CHECK(changed());
  application.turned_away(kNow, kNow);
  CHECK(changed());
  application.served();
  CHECK(changed());
  application.no_worker(2, kNow);
  CHECK(changed());
  application.worker_found();
  CHECK(changed());
  application.set_reachable(true);
  CHECK_FALSE(changed());
}

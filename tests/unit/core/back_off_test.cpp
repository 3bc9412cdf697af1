// BackOff: the pauses between attempts to connect, and requests that wait a moment before they are repeated.
#include "proxy/core/back_off.h"

#include <doctest/doctest.h>

#include <set>

using namespace holdfast::core;
using namespace std::chrono_literals;

namespace {
constexpr Time kFailed{1000s};

Ticket ticket(WaiterId id) {
  return {.id = id, .address = 1, .place = id, .arrived = kFailed};
}
}  // namespace

TEST_CASE("back-off: 10 ms, doubled up to 500 ms, and up to a quarter more; success ends it") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    BackOff back_off(seed);
    CHECK_FALSE(back_off.until(kFailed));
    CHECK_FALSE(back_off.away());
    Duration least = 10ms;
    for (int failures = 1; failures <= 12; ++failures) {
      CAPTURE(failures);
      back_off.failed(kFailed);
      CHECK(back_off.away());
      REQUIRE(back_off.until(kFailed));
      const Duration pause = *back_off.until(kFailed) - kFailed;
      CHECK(pause >= least);
      CHECK(pause <= least + least / 4);
      CHECK(back_off.until(kFailed + pause - 1ns) == kFailed + pause);
      CHECK_FALSE(back_off.until(kFailed + pause));
      CHECK(back_off.away());  // until one succeeds
      least = std::min<Duration>(2 * least, 500ms);
    }
    back_off.succeeded();
    CHECK_FALSE(back_off.away());
    CHECK_FALSE(back_off.until(kFailed));
    back_off.failed(kFailed);
    CHECK(*back_off.until(kFailed) - kFailed <= 12500us);
  }
}

TEST_CASE("back-off: processes with other seeds do not knock together") {
  std::set<Time> moments;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    BackOff back_off(seed);
    back_off.failed(kFailed);
    moments.insert(*back_off.until(kFailed));
  }
  CHECK(moments.size() > 15);
}

TEST_CASE("parked: due after 100 ms and not before, in order") {
  BackOff back_off(1);
  CHECK_FALSE(back_off.next_due());
  back_off.park(ticket(1), kFailed);
  back_off.park(ticket(2), kFailed + 1ms);
  CHECK(back_off.next_due() == kFailed + 100ms);
  CHECK_FALSE(back_off.take_due(kFailed + 100ms - 1ns));
  CHECK(back_off.take_due(kFailed + 100ms)->id == 1);
  CHECK_FALSE(back_off.take_due(kFailed + 100ms));
  CHECK(back_off.next_due() == kFailed + 101ms);
  CHECK(back_off.take_due(kFailed + 5s)->id == 2);
  CHECK_FALSE(back_off.next_due());
}

TEST_CASE("parked: in company when another connection broke within 100 ms, before or after") {
  struct Row {
    Duration other;
    bool company;
  };
  for (const Row& row :
       {Row{-100ms, true}, Row{-101ms, false}, Row{0ms, true}, Row{100ms, true}, Row{101ms, false}}) {
    CAPTURE(row.other.count());
    BackOff back_off(1);
    if (row.other < 0ms) back_off.broke(kFailed + row.other);
    back_off.broke(kFailed);  // its own
    back_off.park(ticket(1), kFailed);
    if (row.other >= 0ms) back_off.broke(kFailed + row.other);
    CHECK(back_off.take_due(kFailed + 200ms)->in_company == row.company);
  }
  BackOff alone(1);
  alone.broke(kFailed);
  alone.park(ticket(1), kFailed);
  CHECK_FALSE(alone.take_due(kFailed + 100ms)->in_company);
}

TEST_CASE("parked: who leaves, and all at once") {
  BackOff back_off(1);
  for (const WaiterId id : {1U, 2U, 3U}) back_off.park(ticket(id), kFailed);
  CHECK(back_off.unpark(2));
  CHECK_FALSE(back_off.unpark(2));
  CHECK_FALSE(back_off.unpark(9));
  const std::vector<Ticket> all = back_off.take_parked();
  REQUIRE(all.size() == 2);
  CHECK(all[0].id == 1);
  CHECK(all[1].id == 3);
  CHECK_FALSE(back_off.next_due());
}

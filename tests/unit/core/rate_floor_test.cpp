// Too slow, or not: bodies and answers that drip, and clients that hold a worker.
#include "proxy/core/rate_floor.h"

#include <doctest/doctest.h>

#include "proxy/core/held_worker.h"

using namespace holdfast::core;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kRate = 1024;
const Time kFirstByte{1000s};

// When bytes that come in pieces, one each `every`, are found too slow; 0s: not within five minutes.
Duration found_slow(std::uint64_t piece, Duration every, Duration look_every = 100ms) {
  RateFloor floor;
  floor.restart(7);
  std::uint64_t total = 7;
  Time next = kFirstByte + every;
  for (Time now = kFirstByte; now < kFirstByte + 300s; now += look_every) {
    for (; next <= now; next += every) total += piece;
    if (!floor.look(now, total, kRate)) return now - kFirstByte;
  }
  return 0s;
}

}  // namespace

TEST_CASE("rate floor: a drip is found after ten seconds, whatever its rhythm") {
  CHECK(found_slow(1, 1s) == 11s);
  CHECK(found_slow(100, 100ms) == 10100ms);
  CHECK(found_slow(1, 9900ms) == 19900ms);
  CHECK(found_slow(1, 29s) == 39s);  // a byte just before each timeout
  CHECK(found_slow(10000, 29s) == 39s);
}

TEST_CASE("rate floor: at the rate, one below, one above") {
  CHECK(found_slow(1024, 1s) == 0s);
  CHECK(found_slow(10240, 10s) == 0s);
  CHECK(found_slow(925, 1s) == 11s);  // eleven pieces in a stretch: 10175
  CHECK(found_slow(931, 1s) == 0s);   // 10241
}

TEST_CASE("rate floor: a pause of any length between bursts is not slow") {
  CHECK(found_slow(20000, 25s) == 0s);
  CHECK(found_slow(20000, 9s) == 0s);
}

TEST_CASE("rate floor: nothing at all is not its business, and neither is a rate of 0") {
  RateFloor floor;
  for (int second = 0; second < 100; ++second) CHECK(floor.look(kFirstByte + second * 1s, 0, kRate));
  CHECK_FALSE(floor.due());
  for (std::uint64_t second = 0; second < 100; ++second)
    CHECK(floor.look(kFirstByte + second * 1s, second, 0));
}

TEST_CASE("rate floor: due() is when a look would find it, and a restart forgets") {
  RateFloor floor;
  CHECK(floor.look(kFirstByte, 5, kRate));
  REQUIRE(floor.due() == kFirstByte + 10s);
  CHECK(floor.look(*floor.due() - 1ms, 5, kRate));
  CHECK_FALSE(floor.look(*floor.due(), 5, kRate));
  CHECK(floor.look(kFirstByte + 20s, 6, kRate));
  floor.restart(6);
  CHECK(floor.look(kFirstByte + 40s, 6, kRate));
  CHECK_FALSE(floor.due());
}

TEST_CASE("a held worker: who reads nothing is cut after 2 s while others wait, after 5 s otherwise") {
  for (const bool others : {true, false}) {
    HeldWorker worker;
    worker.hold(kFirstByte, 100);
    worker.hold(kFirstByte + 1s, 100);  // held already: the time goes on
    const Duration limit = others ? 2s : 5s;
    CHECK(worker.look(kFirstByte + limit - 1ms, 100, others, false));
    CHECK_FALSE(worker.look(kFirstByte + limit, 100, others, false));
  }
}

TEST_CASE("a held worker: 16 KiB a second are enough, one byte less is not") {
  for (const std::uint64_t less : {0, 1}) {
    HeldWorker worker;
    worker.hold(kFirstByte, 0);
    std::uint64_t delivered = 0;
    for (int round = 1; round <= 5; ++round) {
      delivered += 2 * 16384 - less;
      CHECK(worker.look(kFirstByte + round * 2s, delivered, true, false) == (less == 0));
    }
  }
}

TEST_CASE("a held worker: others come while it is held") {
  HeldWorker worker;
  worker.hold(kFirstByte, 0);
  CHECK(worker.look(kFirstByte + 4s, 0, false, false));
  CHECK_FALSE(worker.look(kFirstByte + 4s, 0, true, false));
}

TEST_CASE(
    "a held worker: a stream has its client's pace, but not for one that stands still while others wait") {
  HeldWorker worker;
  worker.hold(kFirstByte, 0);
  CHECK(worker.look(kFirstByte + 60s, 0, false, true));
  CHECK(worker.look(kFirstByte + 62s, 1, true, true));
  CHECK_FALSE(worker.look(kFirstByte + 64s, 1, true, true));
  worker.let_go();
  CHECK_FALSE(worker.held());
}

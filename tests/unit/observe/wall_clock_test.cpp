// The time of day is never behind the clock that everybody else reads, not even just after a full second.
#include "proxy/observe/wall_clock.h"

#include <doctest/doctest.h>

#include <chrono>

using namespace holdfast;

TEST_CASE("a second is over for wall_seconds when it is over for the log") {
  using Clock = std::chrono::system_clock;
  const auto start = std::chrono::floor<std::chrono::seconds>(Clock::now());
  auto before = start;
  while (before == start) {  // to the next full second
    before = std::chrono::floor<std::chrono::seconds>(Clock::now());
    const std::time_t seconds = wall_seconds();
    const auto after = std::chrono::floor<std::chrono::seconds>(Clock::now());
    REQUIRE(seconds >= Clock::to_time_t(before));
    REQUIRE(seconds <= Clock::to_time_t(after));
  }
}

// How often a reader that is behind is tried.
#include "proxy/observe/log_pace.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;

TEST_CASE("a reader that takes some is tried again soon, one that takes nothing at growing pauses") {
  core::Time now{};
  LogPace pace;
  pace.on_flush(0, false, now);
  CHECK_FALSE(pace.next());

  pace.on_flush(100, true, now);
  CHECK(pace.next() == now + 10ms);
  // Turns that come before do not put it off.
  pace.on_flush(0, true, now + 5ms);
  CHECK(pace.next() == now + 10ms);

  int tries = 0;
  for (core::Duration waited{}; waited < 10s; ++tries) {
    const core::Time before = now;
    now = *pace.next();
    waited += now - before;
    pace.on_flush(0, true, now);
  }
  CHECK(pace.next() == now + 1s);
  CHECK(tries < 20);

  now += 1s;
  pace.on_flush(65536, true, now);
  CHECK(pace.next() == now + 10ms);
  pace.on_flush(1, false, now + 10ms);
  CHECK_FALSE(pace.next());
}

// Ghosts: the arithmetic of workers that may be busy for nobody, apart from the pool.
#include <doctest/doctest.h>

#include "proxy/core/ghosts.h"

using namespace holdfast::core;
using namespace std::chrono_literals;

namespace {
constexpr Time kStart{1000s};
}

TEST_CASE("ghosts: room for as many connections as there are workers left") {
  Ghosts ghosts(3);
  CHECK(ghosts.leave_room(3, kStart));
  ghosts.add(kStart);
  CHECK(ghosts.leave_room(2, kStart));
  CHECK_FALSE(ghosts.leave_room(3, kStart));
  for (int i = 0; i < 9; ++i) ghosts.add(kStart);
  CHECK(ghosts.count() == 3);  // more could do no more harm
  CHECK_FALSE(ghosts.leave_room(1, kStart));
}

TEST_CASE("ghosts: each connection held at one same moment leaves a worker less to them") {
  Ghosts ghosts(3);
  Ghosts::Witness a;
  Ghosts::Witness b;
  Ghosts::Witness c;
  for (int i = 0; i < 3; ++i) ghosts.add(kStart);
  ghosts.answered(a, kStart, kStart + 1s);
  ghosts.answered(b, kStart + 1s, kStart + 2s);
  // Known to be taken; that they lived on until now is not known.
  CHECK(ghosts.count() == 3);
  SUBCASE("asked before the other was taken, or in that very moment: says nothing") {
    ghosts.answered(a, kStart + 1s, kStart + 3s);
    ghosts.answered(a, kStart + 2s, kStart + 3s);
    CHECK(ghosts.count() == 3);
  }
  SUBCASE("asked later: says it once") {
    ghosts.answered(a, kStart + 3s, kStart + 4s);
    CHECK(ghosts.count() == 2);
    ghosts.answered(a, kStart + 4s, kStart + 5s);
    CHECK(ghosts.count() == 2);
    ghosts.answered(b, kStart + 4s, kStart + 5s);
    CHECK(ghosts.count() == 1);
    CHECK(ghosts.leave_room(2, kStart + 5s));
    SUBCASE("a third is taken: all have to answer again before it counts as another") {
      ghosts.answered(c, kStart + 5s, kStart + 6s);
      ghosts.answered(c, kStart + 7s, kStart + 7s);
      ghosts.answered(a, kStart + 7s, kStart + 7s);
      CHECK(ghosts.count() == 1);
      ghosts.answered(b, kStart + 7s, kStart + 7s);
      CHECK(ghosts.count() == 0);
    }
    SUBCASE("a new ghost: what was seen before it does not speak of it") {
      ghosts.add(kStart + 5s);
      ghosts.answered(a, kStart + 5s, kStart + 6s);
      CHECK(ghosts.count() == 2);
      ghosts.answered(a, kStart + 6s, kStart + 7s);
      ghosts.answered(b, kStart + 6s, kStart + 7s);
      CHECK(ghosts.count() == 1);
    }
  }
}

TEST_CASE("ghosts: each is forgotten after its own 10 minutes") {
  Ghosts ghosts(2);
  ghosts.add(kStart);
  ghosts.add(kStart + 1min);
  CHECK_FALSE(ghosts.leave_room(1, kStart + 10min - 1us));
  CHECK(ghosts.leave_room(1, kStart + 10min));
  CHECK_FALSE(ghosts.leave_room(2, kStart + 11min - 1us));
  CHECK(ghosts.leave_room(2, kStart + 11min));
}

TEST_CASE("ghosts: no free worker means that all but ours are taken, for another 10 minutes") {
  Ghosts ghosts(3);
  ghosts.add(kStart);
  ghosts.crowded(2, kStart + 1min);
  CHECK(ghosts.count() == 1);
  CHECK_FALSE(ghosts.leave_room(3, kStart + 11min - 1us));
  ghosts.crowded(1, kStart + 1min);
  CHECK(ghosts.count() == 2);
  ghosts.crowded(3, kStart + 1min);  // says no more than what is known
  CHECK(ghosts.count() == 2);
  CHECK(ghosts.leave_room(3, kStart + 11min));
  ghosts.crowded(9, kStart + 11min);
  CHECK(ghosts.count() == 0);
}

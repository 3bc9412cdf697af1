// Bytes in, bytes out, in order; and the memory follows.
#include "proxy/core/input_queue.h"

#include <doctest/doctest.h>

#include <random>

using namespace holdfast::core;

TEST_CASE("input queue: random appends and drops keep the order, 20 seeds") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random(seed);
    InputQueue queue;
    std::string model;
    for (int step = 0; step < 2000; ++step) {
      if (random() % 2 == 0) {
        const std::string piece(random() % 50, static_cast<char>('a' + step % 26));
        queue.append(piece);
        model += piece;
      } else {
        const std::size_t bytes = random() % 60;  // more than there is, now and then
        queue.drop(bytes);
        model.erase(0, bytes);
      }
      REQUIRE(queue.front() == model);
      REQUIRE(queue.size() == model.size());
      REQUIRE(queue.empty() == model.empty());
    }
    queue.clear();
    CHECK(queue.empty());
  }
}

TEST_CASE("input queue: a view stays good while bytes before its end are dropped") {
  InputQueue queue;
  queue.append("first second");
  const std::string_view view = queue.front();
  queue.drop(6);
  CHECK(view == "first second");
  CHECK(queue.front() == "second");
}

// Draws that scenarios have in common.
#pragma once

#include <cstddef>
#include <initializer_list>

#include "random.h"

namespace holdfast::sim {

// A size with as many small ones as large ones.
inline std::size_t size_up_to(Random& random, std::size_t most) {
  std::size_t limit = 1;
  while (limit < most && !random.chance(12)) limit *= 2;
  return random.below(std::min(limit, most) + 1);
}

template <typename T>
T one_of(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}

}  // namespace holdfast::sim

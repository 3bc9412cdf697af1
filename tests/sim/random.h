// The one source of chance in a simulated run: the same seed gives the same run. Splitmix64: tiny, and the
// same on every machine, which std::uniform_int_distribution is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "proxy/core/time.h"

namespace holdfast::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x1234567) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // [0, n); 0 for n = 0.
  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(next() % n); }
  // [low, high], both included.
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  bool chance(unsigned percent) { return below(100) < percent; }
  core::Duration time(core::Duration low, core::Duration high) {
    const auto span = static_cast<std::size_t>((high - low).count());
    return low + core::Duration(static_cast<core::Duration::rep>(below(span + 1)));
  }
  // An index by weight; weights may be 0, but not all.
  std::size_t weighted(const std::vector<unsigned>& weights) {
    std::size_t total = 0;
    for (const unsigned weight : weights) total += weight;
    std::size_t at = below(total);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (at < weights[i]) return i;
      at -= weights[i];
    }
    return 0;
  }
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace holdfast::sim

// What every part of a simulated run shares: the clock, the chance, the trace, and the first thing that went
// wrong. Nothing throws: a failure is noted where it is seen, deep inside a callback perhaps, and the run
// stops at the end of that step.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "random.h"

namespace holdfast::sim {

using core::Duration;
using core::Time;

struct Universe {
  explicit Universe(std::uint64_t seed) : random(seed) {}

  Random random;
  Time now{std::chrono::hours(1)};
  bool verbose = false;
  std::string failure;  // empty: all is well

  void trace(std::string_view who, std::string_view what) const {
    if (!verbose) return;
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()) - std::chrono::hours(1);
    std::fprintf(stderr, "%12.6f %-12.*s %.*s\n", static_cast<double>(micros.count()) / 1e6,
                 static_cast<int>(who.size()), who.data(), static_cast<int>(what.size()), what.data());
  }
  void fail(std::string_view what) {
    trace("FAILURE", what);
    if (failure.empty()) failure = what;
  }
  void require(bool holds, std::string_view what) {
    if (!holds) fail(what);
  }
};

// Somebody outside of the proxy: a client, a php worker. Acts when its time has come.
class Actor {
 public:
  virtual ~Actor() = default;
  virtual void step() = 0;
  Time due() const { return due_; }
  // Something has changed that it may be waiting for.
  void poke(Time when) { due_ = std::min(due_, when); }

 protected:
  Time due_ = Time::max();
};

}  // namespace holdfast::sim

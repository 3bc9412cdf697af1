// The slowest that bytes may move: a body that drips in, an answer that is sipped. Looked at now and then. A
// stretch of ten seconds begins with bytes and must have moved enough by its end; where nothing moves at all
// there is no stretch, that is the business of client.timeouts. So neither a byte now and then nor a pause
// between full-speed bursts is taken for the other. Pure: times and counts in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "proxy/core/time.h"

namespace holdfast::core {

class RateFloor {
 public:
  static constexpr std::chrono::seconds kStretch{10};

  // Nothing to move, or something else: `total` bytes have moved before.
  void restart(std::uint64_t total) {
    stretch_.reset();
    seen_ = total;
  }
  // `total` never falls. `rate`: bytes a second, 0: any. False: too slow.
  [[nodiscard]] bool look(Time now, std::uint64_t total, std::uint64_t rate) {
    if (total > seen_ && !stretch_) stretch_ = Stretch{.begun = now, .before = seen_};
    seen_ = total;
    if (!stretch_ || now - stretch_->begun < kStretch) return true;
    const bool enough = seen_ - stretch_->before >= rate * static_cast<std::uint64_t>(kStretch.count());
    stretch_.reset();
    return enough;
  }
  // When a look could find it too slow.
  std::optional<Time> due() const {
    return stretch_ ? std::optional<Time>(stretch_->begun + kStretch) : std::nullopt;
  }

 private:
  struct Stretch {
    Time begun{};
    std::uint64_t before = 0;  // it began
  };
  std::optional<Stretch> stretch_;
  std::uint64_t seen_ = 0;
};

}  // namespace holdfast::core

// When a log whose reader is behind is written to again: soon after it took some (a pipe holds 64 KB of the
// 4 MB that may wait), else after pauses that grow.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

#include "proxy/core/time.h"

namespace holdfast {

class LogPace {
 public:
  static constexpr core::Duration kPauseLeast = std::chrono::milliseconds(10);
  static constexpr core::Duration kPauseMost = std::chrono::seconds(1);

  // After each try: how many bytes were taken, and whether some are left.
  void on_flush(std::size_t taken, bool pending, core::Time now) {
    if (!pending) {
      next_.reset();
    } else if (taken > 0 || !next_) {
      pause_ = kPauseLeast;
      next_ = now + pause_;
    } else if (*next_ <= now) {
      pause_ = std::min(pause_ * 2, kPauseMost);
      next_ = now + pause_;
    }
  }
  // When to try at the latest. Nothing: nobody is behind.
  std::optional<core::Time> next() const { return next_; }

 private:
  std::optional<core::Time> next_;
  core::Duration pause_ = kPauseLeast;
};

}  // namespace holdfast

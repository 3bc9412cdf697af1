// Which texts were logged lately: a fault in every answer of a busy script is one line a minute, not
// thousands. Bounded; time is an argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "proxy/core/time.h"

namespace holdfast::core {

class RecentTexts {
 public:
  static constexpr Duration kWindow = std::chrono::minutes(1);
  // Different texts in a window; more are held back too, for a client may choose what is in them.
  static constexpr std::size_t kTextsMost = 100;

  // True when `text` is to be logged: it was not within this window, and the window has room.
  bool is_new(std::string_view text, Time now);
  // How many were held back since the last call.
  std::uint64_t take_held_back();

 private:
  std::unordered_set<std::size_t> seen_;  // hashes
  Time window_start_{};
  std::uint64_t held_back_ = 0;
};

}  // namespace holdfast::core

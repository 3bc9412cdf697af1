// A line of the log that hostile clients could cause at will: written at most every ten seconds. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "proxy/core/time.h"

namespace holdfast::core {

class RareLine {
 public:
  static constexpr Duration kEvery = std::chrono::seconds(10);

  // Nothing: not now. Else what to add to the line: how many were left out since the last one.
  std::optional<std::string> due(Time now) {
    if (now < next_) {
      ++left_out_;
      return std::nullopt;
    }
    next_ = now + kEvery;
    const std::uint64_t left_out = std::exchange(left_out_, 0);
    return left_out == 0 ? std::string()
                         : " (" + std::to_string(left_out) + " more since the last such line)";
  }

 private:
  Time next_ = Time::min();
  std::uint64_t left_out_ = 0;
};

}  // namespace holdfast::core

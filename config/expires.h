// How long an answer may be kept.
#pragma once

#include <cstdint>

#include "config/duration.h"

namespace holdfast::config {

// Cache-Control and Expires of what is answered.
struct Expires {
  enum class Kind : std::uint8_t { off, max, after };  // max: ten years, as nginx's
  Kind kind = Kind::off;
  Duration after = Duration::zero();  // whole seconds
  bool operator==(const Expires&) const = default;
};

}  // namespace holdfast::config

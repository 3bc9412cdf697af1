// How long an end may take.
#pragma once

#include <chrono>

#include "config/duration.h"

namespace holdfast::config {

struct Shutdown {
  Duration grace = std::chrono::seconds(25);
  Duration delay = Duration::zero();  // listeners stay open so long after SIGTERM
  bool operator==(const Shutdown&) const = default;
};

}  // namespace holdfast::config

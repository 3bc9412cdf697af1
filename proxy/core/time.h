// The monotonic clock as core/ sees it: a value that the caller hands in. Nothing in core/ reads a clock.
#pragma once

#include <chrono>

namespace holdfast::core {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

}  // namespace holdfast::core

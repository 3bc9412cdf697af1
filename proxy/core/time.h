// The one clock of core/: a point in time is an argument, never asked for.
#pragma once

#include <chrono>

namespace holdfast::core {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

}  // namespace holdfast::core

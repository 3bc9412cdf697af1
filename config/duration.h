// The unit of every time in the configuration.
#pragma once

#include <chrono>

namespace holdfast::config {

using Duration = std::chrono::milliseconds;  // zero means off where a key allows it

}  // namespace holdfast::config

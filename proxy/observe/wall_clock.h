// The time of day, for what people and scrapers read.
#pragma once

#include <chrono>
#include <ctime>

namespace holdfast {

// Seconds since 1970. Not time(): on Linux it reads the coarse clock, which is up to 10 ms behind that of the
// log and of everybody else, so that what happens just after a full second would be stamped with the second
// before.
inline std::time_t wall_seconds() {
  return std::chrono::system_clock::to_time_t(
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

}  // namespace holdfast

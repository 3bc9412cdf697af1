// Text to numbers with units and back: counts, durations, sizes. Pure; each refusal says what was expected
// and what to write instead. The ways YAML itself would read numbers (012 is octal, 1_000, 0x10, 1e3) are
// refused on purpose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/duration.h"

namespace holdfast::config {

// A value, or why there is none. (std::expected comes with C++23.)
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string error;
  std::string hint;  // what to write instead; may be empty
};

constexpr Duration kDurationMax = std::chrono::hours(24 * 365);
constexpr std::uint64_t kSizeMax = std::uint64_t{1}
                                   << 50;  // beyond any disk: a slip, and sums cannot overflow

Parsed<std::uint64_t> parse_count(std::string_view text);
Parsed<Duration> parse_duration(std::string_view text);   // 500ms, 30s, 5m, 2h
Parsed<std::uint64_t> parse_size(std::string_view text);  // bytes, 64k, 8m, 1g: powers of 1024

std::string duration_text(Duration duration);  // parse_duration() reads it back
std::string size_text(std::uint64_t bytes);    // parse_size() reads it back

}  // namespace holdfast::config

// Regular expressions, targets and times of nginx in our words, where they have the usual shapes. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/routes.h"

namespace holdfast::config {

// `\.(js|css)$` is "*.{js,css}"; `^/(conf|bin)/` is "/{conf,bin}/"; `/uploads/.*\.php$` is "uploads/**.php".
// Where it matches more than the expression does (`.+` is any text), it matches more, never less. `groups`:
// for each group of the expression the number of the star or brace that takes it; 0 where that is not the
// same text.
struct PatternOfRegex {
  std::string pattern;
  std::vector<std::size_t> groups;
  bool widened = false;  // a class as `\d+` has become a star
  bool rooted = false;   // $1 begins with the '/' in front of its star
};
std::optional<PatternOfRegex> pattern_of_regex(std::string_view regex);

// `/index.php?q=$uri&$args` is "/index.php?q=$path". `groups`: as above, for $1. Nothing where a variable has
// no counterpart. `rooted`: of the pattern.
std::optional<std::string> target_of(std::string_view text, const std::vector<std::size_t>& groups,
                                     const std::string& server_name, bool redirect, bool rooted = false);

std::optional<Expires> expires_of(std::string_view text);     // 30d, 1y, +1M, max, off
std::optional<Duration> time_of(std::string_view text);       // 30, 30s, 5m
std::optional<std::uint64_t> size_of(std::string_view text);  // 8m, 64k, bytes

}  // namespace holdfast::config

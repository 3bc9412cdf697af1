// Patterns for a whole value: `*` stands for any bytes but "/", `**` for any bytes; none, too. All else is
// itself, case included.
#pragma once

#include <string_view>

namespace holdfast::config {

bool glob_matches(std::string_view pattern, std::string_view value);

}  // namespace holdfast::config

// Patterns for one name (a segment of a path): `*` stands for any bytes, none too; ASCII case is ignored.
#pragma once

#include <string_view>

namespace holdfast::config {

bool name_matches(std::string_view pattern, std::string_view name);

}  // namespace holdfast::config

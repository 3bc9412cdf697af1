// Names that are never sent as files (config/withheld.h), and those of them that a site sends all the same. Pure:
// judges one name (a segment of a path), ASCII case ignored.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::core {

// Of the last segment of a path. False for an empty name.
bool is_withheld(std::string_view name);

// True when the site publishes the name all the same.
bool is_published(std::string_view name, const std::vector<std::string>& publish);

}  // namespace holdfast::core

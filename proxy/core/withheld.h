// Names that are never sent as files: source that php would run under another name, copies that editors and
// people leave behind, dumps, and what tells of the dependencies. The list is config/README.md's "Never
// sent"; `publish` of a site takes names out of it. Pure: judges one name (a segment of a path), ASCII case
// ignored.
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

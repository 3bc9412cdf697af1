// Locations whose expression is several of the usual shapes. Private to the import.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/import/nginx_syntax.h"

namespace holdfast::config {

constexpr std::size_t kAlternativesMax = 64;  // of one location
constexpr std::size_t kRegexMax = 1024;       // bytes of an expression; longer ones are not said

// `location ~ (\.php$|\.git)` becomes a location for each alternative, in their order, where that is what
// lets them be said; those that match no path at all (`^Entries`) go. Blocks within too.
void split_alternatives(std::vector<NginxDirective>& block);

// Behind the group that begins at `at`, or the end where it is never closed.
std::size_t behind_group(std::string_view regex, std::size_t at);
// The alternatives of an expression that stand in no group.
std::vector<std::string> branches_of(std::string_view regex);

}  // namespace holdfast::config

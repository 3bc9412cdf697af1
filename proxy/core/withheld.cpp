// See withheld.h.
#include "proxy/core/withheld.h"

#include <algorithm>

#include "config/name_pattern.h"
#include "config/withheld.h"

namespace holdfast::core {

bool is_withheld(std::string_view name) {
  return config::withheld_as(name) != config::Withheld::no;
}

bool is_published(std::string_view name, const std::vector<std::string>& publish) {
  return std::any_of(publish.begin(), publish.end(),
                     [&](const std::string& pattern) { return config::name_matches(pattern, name); });
}

}  // namespace holdfast::core

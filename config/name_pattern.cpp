// See name_pattern.h.
#include "config/name_pattern.h"

#include <cstddef>

#include "config/ascii.h"

namespace holdfast::config {

// Only the last star is ever tried again: an earlier one has taken the least it can, which leaves the later
// the most.
bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // behind it
  std::size_t taken = 0;                      // of the name, by that star
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      taken = n;
    } else if (p < pattern.size() && to_lower(pattern[p]) == to_lower(name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star;
      n = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace holdfast::config

// See path_glob.h.
#include "config/path_glob.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace holdfast::config {

// Walks the pattern once, with all places of the value that it may have come to: pattern times value at most,
// whatever stars there are.
bool glob_matches(std::string_view pattern, std::string_view value) {
  std::vector<char> reached(value.size() + 1, 0);
  reached[0] = 1;
  for (std::size_t p = 0; p < pattern.size();) {
    if (pattern[p] != '*') {
      for (std::size_t v = value.size(); v > 0; --v) {
        reached[v] = static_cast<char>(reached[v - 1] != 0 && value[v - 1] == pattern[p]);
      }
      reached[0] = 0;
      ++p;
      continue;
    }
    const std::size_t end = std::min(pattern.find_first_not_of('*', p), pattern.size());
    const bool crosses = end - p > 1;
    for (std::size_t v = 1; v <= value.size(); ++v) {
      if (reached[v - 1] != 0 && (crosses || value[v - 1] != '/')) reached[v] = 1;
    }
    p = end;
  }
  return reached[value.size()] != 0;
}

}  // namespace holdfast::config

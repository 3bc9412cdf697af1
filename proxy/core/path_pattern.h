// A path pattern of the configuration (config/path_pattern.h), compiled: simple shapes are comparisons of a
// prefix or a suffix, the rest is a matcher whose work is bounded by the length of the path times that of the
// pattern, whatever the path. Immutable; pure.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/path_pattern.h"

namespace holdfast::core {

// What the stars and braces of a pattern took, from left to right: $1 is the first. Views into the path.
struct Captures {
  std::array<std::string_view, config::kCapturesMax> texts;
  std::size_t count = 0;
};

class PathPattern {
 public:
  enum class Case : std::uint8_t { counts, ignored };  // of the letters A to Z

  // `pattern`: as config::parse_path_pattern() gives it.
  explicit PathPattern(config::PathPattern pattern, Case letters = Case::counts);

  // `path`: percent-decoded and normalised: begins with '/', no "//", no "." and "..".
  bool matches(std::string_view path) const;

  // The same, and what was taken: from left to right each as much as it can (a brace: its first word that
  // fits), as regular expressions do. A pattern for any depth begins as near to the top as it can.
  bool matches(std::string_view path, Captures& captures) const;

  // What no path that matches is without: bytes that it may end with, and bytes that may stand behind its first
  // slash (0: it is "/" alone).
  const std::bitset<256>& last_bytes() const { return last_; }
  std::bitset<256> second_last_bytes() const;  // 0: it is one byte long
  std::bitset<256> first_bytes() const;

 private:
  enum class Shape : std::uint8_t {
    exact,   // the path is one of `starts_`
    tree,    // one of `starts_`, and all below
    ending,  // the path ends with one of `endings_`, which says it all
    within,  // one of `endings_` is in it, up to a '/' or its end
    around,  // begins with one of `starts_` and ends with one of `endings_`
    general,
  };

  void find_shape();
  // The bytes at `place` of each of `texts`, counted from their end or their beginning; all bytes where one is
  // too short, or there are none.
  std::bitset<256> bytes_of(const std::vector<std::string>& texts, std::size_t place, bool from_end) const;
  // The same of a path whose letters are as the pattern has them.
  bool fits(std::string_view path) const;
  bool find(std::string_view path, Captures* captures) const;

  config::PathPattern pattern_;  // in small letters where case is ignored
  Case letters_;
  Shape shape_ = Shape::general;
  std::string prefix_;  // general: what each path that matches begins with
  std::vector<std::string> starts_;
  std::vector<std::string> endings_;
  std::string needle_;        // general: what each path that matches holds somewhere
  std::bitset<256> last_;     // which bytes may be its last
  std::size_t shortest_ = 0;  // bytes; no shorter path matches
};

}  // namespace holdfast::core

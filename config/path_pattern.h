// Patterns for paths, as .gitignore has them: a leading `/` is the beginning of the site, else the pattern
// may begin at any depth; a trailing `/` is the folder and all below; `*` stands for any bytes of one
// segment,
// `**` for any bytes across segments (`**/`: any number of folders, none too), `{a,b}` for one of the words.
// A star that is a whole segment takes at least one byte. `/` alone is the top folder itself. Case counts,
// unless a route says `ignore_case`.
// Syntax only: what matches is core's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"

namespace holdfast::config {

constexpr std::size_t kPatternMax = 1024;    // bytes of a pattern
constexpr std::size_t kCapturesMax = 9;      // stars and braces of a pattern: $1 to $9
constexpr std::size_t kChoiceWordsMax = 64;  // words between braces

struct PathPattern {
  struct Piece {
    enum class Kind : std::uint8_t {
      literal,
      star,     // any bytes but '/', none too
      segment,  // a whole segment: at least one byte
      across,   // any bytes, none too
      folders,  // `**/`: nothing, or segments each with its '/'; takes them without the last '/'
      choice,   // the first of `words` with which the rest matches
    };
    Kind kind = Kind::literal;
    std::string text;                // literal
    std::vector<std::string> words;  // choice, in the order written
    bool operator==(const Piece&) const = default;
  };
  bool any_depth = false;     // the pieces begin behind any '/' of a path; else at its first byte, a '/'
  bool folder = false;        // what they match may be followed by '/' and anything
  std::vector<Piece> pieces;  // never empty

  std::size_t captures() const;  // pieces that are no literal
  bool operator==(const PathPattern&) const = default;
};

// Whether `text` holds one, such as %2e: paths are held against patterns decoded.
bool has_percent_code(std::string_view text);

Parsed<PathPattern> parse_path_pattern(std::string_view text);

}  // namespace holdfast::config

// What `redirect`, `to` and `fallback` name: a URL or a path with variables in it. Syntax only: core fills
// them in.
//   $1 .. $9  what the stars and braces of the pattern took       $path   the path, below the site's `path`
//   $uri      the whole path            $query  the client's query            $host  the client's host
// The client's query is added, unless the target ends in `?` or holds `$query`. `$$` is a dollar sign.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"

namespace holdfast::config {

constexpr std::size_t kTargetMax = 2048;  // bytes

struct TargetTemplate {
  struct Part {
    enum class Kind : std::uint8_t { text, capture, path, uri, query, host };
    Kind kind = Kind::text;
    std::string text;        // text
    std::size_t number = 0;  // capture: 1 to 9
    bool in_query = false;   // stands behind the first '?'; text holds that '?' itself at its beginning
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;
  bool adds_query = true;
  std::size_t captures = 0;  // the highest number used
  bool operator==(const TargetTemplate&) const = default;
};

// For `redirect`: "/path" on the same host, or http(s)://HOST/path; no variable but $host can be part of the
// host.
Parsed<TargetTemplate> parse_redirect_target(std::string_view text);
// For `to` and `fallback`: a path of this site, decoded, perhaps with a query.
Parsed<TargetTemplate> parse_internal_target(std::string_view text);

}  // namespace holdfast::config

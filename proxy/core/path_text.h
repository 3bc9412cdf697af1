// What the text of a normalised path says of itself: where a script ends in it, and where it is hidden.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::core {

inline constexpr std::string_view kScriptSuffix = ".php";

// End of the first ".php" at or after `from` that ends a segment; npos when there is none. Compares bytes:
// what Unicode calls equal is another file name (a Caddy advisory of 2026 was a split on folded text).
std::size_t script_end(std::string_view path, std::size_t from);

// Where the first segment begins (its slash) that begins with a dot; npos where none does. Not counted: names
// of `publish` (see withheld.h), and /.well-known at the top (RFC 8615). No "." and ".." are in `path`.
std::size_t hidden_at(std::string_view path, const std::vector<std::string>& publish);

// The same of a path that links led to. Names that begin with two dots do not count either: Kubernetes mounts volumes
// with links to ..data/NAME, and ..data to ..2024_11_27_10_00_00.123.
std::size_t hidden_behind_link_at(std::string_view path, const std::vector<std::string>& publish);

// Whether `path` is the folder `folder` (it ends with '/') or lies in it.
bool is_below(std::string_view path, std::string_view folder);

}  // namespace holdfast::core

// The page that `list: true` shows of a folder. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::core {

// Of a larger folder the first so many are shown, and the page says so.
constexpr std::size_t kListedNamesMost = 10000;

struct ListedName {
  std::string name;  // any bytes
  bool folder = false;
  std::uint64_t size = 0;
  std::int64_t modified_seconds = 0;  // since 1970
};

// HTML: folders first, by name; a way up unless `path` is "/". `path`: whole, decoded, ends with '/'. `cut`:
// there are more names.
std::string folder_page(std::string_view path, std::vector<ListedName> names, bool cut);

}  // namespace holdfast::core

// The page that `list: true` shows of a folder. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::core {

// Of a larger folder the first so many that it gives are looked at, and the page says so: each costs a stat()
// and a search of the routes, and they are all of one turn of the loop (1,000: some 3 ms).
constexpr std::size_t kListedNamesMost = 1000;

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

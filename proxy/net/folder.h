// The names in a folder, for a listing. Blocks for as long as the disk does; no event loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::net {

struct FolderEntry {
  std::string name;  // as it is there: any bytes but '/' and NUL
  bool folder = false;
  std::uint64_t size = 0;             // of a file
  std::int64_t modified_seconds = 0;  // since 1970
};

struct FolderEntries {
  std::vector<FolderEntry> entries;
  bool more = false;  // names are left that were not looked at
};

// Files and folders among the first `most` names in `path`, links followed, without "." and "..", in no order.
// Nothing when it cannot be read.
std::optional<FolderEntries> list_folder(const std::string& path, std::size_t most);

}  // namespace holdfast::net

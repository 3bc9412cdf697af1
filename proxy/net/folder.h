// The names in a folder, for a listing. Blocks for as long as the disk does; no event loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/static_file.h"

namespace holdfast::net {

struct FolderEntry {
  std::string name;  // as it is there: any bytes but '/' and NUL
  bool folder = false;
  std::uint64_t size = 0;             // of a file
  std::int64_t modified_seconds = 0;  // since 1970
  std::string linked_path;            // of a link: see SafeOpen; else empty
};

struct FolderEntries {
  FileKind kind = FileKind::directory;  // else why it was not read: missing, forbidden, link_refused, failed
  Error error;
  std::string linked_path;  // of the folder: see SafeOpen
  std::vector<FolderEntry> entries;
  bool more = false;  // names are left that were not looked at
};

// Files and folders among the first `most` names in the folder `path` below `root`, without "." and "..", in no
// order. `path` begins and ends with '/'. Links, on the way to it and in it, are followed as by StaticFile: what is
// behind one that would be refused is left out.
FolderEntries list_folder(std::string_view root, std::string_view path, std::size_t most, LinkRule links);

}  // namespace holdfast::net

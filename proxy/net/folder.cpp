// See folder.h.
#include "proxy/net/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string_view>

namespace holdfast::net {

std::optional<std::vector<FolderEntry>> list_folder(const std::string& path, std::size_t most) {
  const auto close = [](DIR* folder) { ::closedir(folder); };
  const std::unique_ptr<DIR, decltype(close)> folder(::opendir(path.c_str()), close);
  if (folder == nullptr) return std::nullopt;
  std::vector<FolderEntry> out;
  while (out.size() < most) {
    const dirent* entry = ::readdir(folder.get());  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    struct stat info {};
    if (name == "." || name == ".." || ::fstatat(::dirfd(folder.get()), entry->d_name, &info, 0) != 0)
      continue;
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) continue;
    out.push_back({.name = std::string(name),
                   .folder = S_ISDIR(info.st_mode),
                   .size = static_cast<std::uint64_t>(info.st_size),
                   .modified_seconds = info.st_mtim.tv_sec});
  }
  return out;
}

}  // namespace holdfast::net

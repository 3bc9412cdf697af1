// See folder.h.
#include "proxy/net/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string_view>

namespace holdfast::net {

std::optional<FolderEntries> list_folder(const std::string& path, std::size_t most) {
  const auto close = [](DIR* folder) { ::closedir(folder); };
  const std::unique_ptr<DIR, decltype(close)> folder(::opendir(path.c_str()), close);
  if (folder == nullptr) return std::nullopt;
  FolderEntries out;
  for (std::size_t seen = 0;;) {
    const dirent* entry = ::readdir(folder.get());  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (seen++ == most) {  // what is no file counts too: it costs as much
      out.more = true;
      break;
    }
    struct stat info {};
    if (::fstatat(::dirfd(folder.get()), entry->d_name, &info, 0) != 0) continue;
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) continue;
    out.entries.push_back({.name = std::string(name),
                           .folder = S_ISDIR(info.st_mode),
                           .size = static_cast<std::uint64_t>(info.st_size),
                           .modified_seconds = info.st_mtim.tv_sec});
  }
  return out;
}

}  // namespace holdfast::net

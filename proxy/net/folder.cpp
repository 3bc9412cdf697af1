// See folder.h.
#include "proxy/net/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "proxy/net/safe_open.h"

namespace holdfast::net {

namespace {

FolderEntry entry_of(std::string_view name, const struct stat& status) {
  FolderEntry entry;
  entry.name = name;
  entry.folder = S_ISDIR(status.st_mode);
  entry.size = static_cast<std::uint64_t>(status.st_size);
  entry.modified_seconds = status.st_mtim.tv_sec;
  return entry;
}

// `link`: its path below `root`. Leaves `entries` as they are where it leads to nothing that would be sent.
void add_link(std::string_view root, const std::string& link, const std::string& name, LinkRule links,
              std::vector<FolderEntry>& entries) {
  const StaticFile behind(root, link, links);
  const FileInfo& info = behind.info();
  if (info.kind != FileKind::regular && info.kind != FileKind::directory) return;
  const FileInfo folder = info.kind == FileKind::directory ? file_info(root, link) : info;
  entries.push_back({.name = name,
                     .folder = info.kind == FileKind::directory,
                     .size = folder.size,
                     .modified_seconds = folder.modified_seconds,
                     .linked_path = behind.linked_path()});
}

}  // namespace

FolderEntries list_folder(std::string_view root, std::string_view path, std::size_t most, LinkRule links) {
  FolderEntries out;
  SafeOpen opened = open_folder_below(root, path, links);
  out.linked_path = std::move(opened.linked_path);
  struct stat info {};
  if (opened.fd < 0 || ::fstat(opened.fd, &info) != 0 || is_private(info)) {
    out.error = Error{opened.fd < 0 ? opened.error : EACCES};
    out.kind = opened.link_refused ? FileKind::link_refused : kind_of_error(out.error.code);
    if (opened.fd >= 0) ::close(opened.fd);
    return out;
  }
  const auto close = [](DIR* folder) { ::closedir(folder); };
  const std::unique_ptr<DIR, decltype(close)> folder(::fdopendir(opened.fd), close);
  if (folder == nullptr) {
    out.error = Error{errno};
    out.kind = FileKind::failed;
    ::close(opened.fd);
    return out;
  }
  for (std::size_t seen = 0;;) {
    const dirent* entry = ::readdir(folder.get());  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (entry == nullptr) break;
    const std::string name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (seen++ == most) {  // what is no file counts too: it costs as much
      out.more = true;
      break;
    }
    if (::fstatat(opened.fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISLNK(info.st_mode)) add_link(root, std::string(path) + name, name, links, out.entries);
    if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) out.entries.push_back(entry_of(name, info));
  }
  return out;
}

}  // namespace holdfast::net

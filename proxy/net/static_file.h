// A file of a site's root, opened for reading: what it is, and its bytes by piece. Symbolic links are
// followed within the rule of safe_open.h: deployments link `public/storage` to places outside of the root.
// URL paths arrive normalised; a ".." component or a NUL byte is refused here all the same. No event loop, no
// caching, no HTTP.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/net/safe_open.h"
#include "proxy/net/stream.h"

namespace holdfast::net {

enum class FileKind {
  regular,
  directory,
  other,         // socket, device, pipe
  missing,       // or its name cannot exist: too long, a file used as folder, a loop of links
  forbidden,     // no permission; running as root: for a file that not everybody may read
  link_refused,  // opening only: a symbolic link of another owner
  failed,        // out of descriptors or memory, disk error: see FileInfo::error
};

struct FileInfo {
  FileKind kind = FileKind::missing;
  Error error;  // the reason of missing, forbidden and failed; none where the path itself is refused
  std::uint64_t size = 0;
  std::int64_t modified_seconds = 0;  // since 1970
  std::uint32_t modified_nanoseconds = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
};

// What an errno of stat(2) or open(2) makes of a name.
FileKind kind_of_error(int code);

// Running as root, true for what not everybody may read: root may open everything; what he serves is what he could
// serve as nobody in particular.
bool is_private(const struct stat& status);

// Looks without opening, through all links. `path` begins with '/' and is put behind `root` as it is.
FileInfo file_info(std::string_view root, std::string_view path);

// `path` without symbolic links and "..", as realpath(3); empty when there is nothing.
std::string real_path(const std::string& path);

class StaticFile {
 public:
  // Never blocks on a pipe or a device. Only a regular file stays open.
  StaticFile(std::string_view root, std::string_view path, LinkRule links = LinkRule::owner);
  ~StaticFile();
  StaticFile(StaticFile&& other) noexcept;
  StaticFile& operator=(StaticFile&& other) noexcept;

  const FileInfo& info() const { return info_; }
  bool is_open() const { return fd_ >= 0; }
  // Where links led to it (to a folder, too): see SafeOpen. Else empty.
  const std::string& linked_path() const { return linked_path_; }
  // Appends up to `bytes_max` bytes from `offset` to `out`: fewer only where the file ends (it may have
  // shrunk since). False on a read error, or when it is not open.
  [[nodiscard]] bool read(std::uint64_t offset, std::size_t bytes_max, std::string& out) const;

 private:
  int fd_ = -1;
  FileInfo info_;
  std::string linked_path_;
};

}  // namespace holdfast::net

// stat(2), open(2) and pread(2) for static files, their errors sorted into FileKind.
#include "proxy/net/static_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <utility>

namespace holdfast::net {

namespace {

bool is_refused(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return true;  // the kernel would see a shorter name
  for (std::size_t at = path.find(".."); at != std::string_view::npos; at = path.find("..", at + 1)) {
    const bool begins = at == 0 || path[at - 1] == '/';
    const bool ends = at + 2 == path.size() || path[at + 2] == '/';
    if (begins && ends) return true;
  }
  return false;
}

std::string_view without_slash(std::string_view root) {
  while (root.ends_with('/')) root.remove_suffix(1);
  return root;
}

// A path for the kernel, on the stack: looking at files takes no memory.
class JoinedPath {
 public:
  JoinedPath(std::string_view root, std::string_view path) {
    root = without_slash(root);
    const bool slash = !path.empty() && !path.starts_with('/');
    const std::size_t bytes = root.size() + (slash ? 1 : 0) + path.size();
    fits_ = bytes < text_.size();
    if (!fits_) return;
    char* const end = std::copy(root.begin(), root.end(), text_.begin());
    if (slash) *end = '/';
    *std::copy(path.begin(), path.end(), end + (slash ? 1 : 0)) = '\0';
  }
  // nullptr: longer than any path may be.
  const char* c_str() const { return fits_ ? text_.data() : nullptr; }

 private:
  std::array<char, PATH_MAX> text_;  // not initialised: most of it is never looked at
  bool fits_ = false;
};

FileInfo info_of_error(int code) {
  FileInfo info;
  info.kind = kind_of_error(code);
  info.error = Error{code};
  return info;
}

FileInfo info_of(const struct stat& status) {
  FileInfo info;
  info.kind = S_ISREG(status.st_mode)   ? FileKind::regular
              : S_ISDIR(status.st_mode) ? FileKind::directory
                                        : FileKind::other;
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.modified_seconds = status.st_mtim.tv_sec;
  info.modified_nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
  info.inode = status.st_ino;
  info.device = status.st_dev;
  return info;
}

}  // namespace

FileKind kind_of_error(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP: return FileKind::missing;
    case EACCES:
    case EPERM: return FileKind::forbidden;
    case EISDIR: return FileKind::directory;
    case ENXIO:  // open(2) of a socket file, or of a device without a driver
    case ENODEV: return FileKind::other;
    default: return FileKind::failed;
  }
}

bool is_private(const struct stat& status) {
  return (status.st_mode & S_IROTH) == 0 && ::geteuid() == 0;
}

FileInfo file_info(std::string_view root, std::string_view path) {
  if (is_refused(path)) return {};
  const JoinedPath joined(root, path);
  if (joined.c_str() == nullptr) return info_of_error(ENAMETOOLONG);
  struct stat status {};
  if (::stat(joined.c_str(), &status) != 0) return info_of_error(errno);
  return info_of(status);
}

std::string real_path(const std::string& path) {
  std::array<char, PATH_MAX> out{};
  return ::realpath(path.c_str(), out.data()) == nullptr ? std::string() : std::string(out.data());
}

StaticFile::StaticFile(std::string_view root, std::string_view path, LinkRule links) {
  if (is_refused(path)) return;
  SafeOpen opened = open_below(without_slash(root), path, links);
  fd_ = opened.fd;
  linked_path_ = std::move(opened.linked_path);
  if (fd_ < 0) {
    info_ = info_of_error(opened.error);
    if (opened.link_refused) info_.kind = FileKind::link_refused;
    return;
  }
  struct stat status {};
  info_ = ::fstat(fd_, &status) == 0 ? info_of(status) : info_of_error(errno);
  if (info_.kind == FileKind::regular && is_private(status)) info_.kind = FileKind::forbidden;
  if (info_.kind != FileKind::regular) {
    ::close(fd_);
    fd_ = -1;
  }
}

StaticFile::~StaticFile() {
  if (fd_ >= 0) ::close(fd_);
}

StaticFile::StaticFile(StaticFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      info_(std::exchange(other.info_, {})),
      linked_path_(std::move(other.linked_path_)) {}

StaticFile& StaticFile::operator=(StaticFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(info_, other.info_);
  std::swap(linked_path_, other.linked_path_);
  return *this;
}

bool StaticFile::read(std::uint64_t offset, std::size_t bytes_max, std::string& out) const {
  if (fd_ < 0) return false;
  const std::size_t before = out.size();
  out.resize(before + bytes_max);
  std::size_t got = 0;
  while (got < bytes_max) {
    const ssize_t n = ::pread(fd_, &out[before + got], bytes_max - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      out.resize(before);
      return false;
    }
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(before + got);
  return true;
}

}  // namespace holdfast::net

// See file_bytes.h.
#include "config/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "config/descriptor.h"

namespace holdfast::config {
namespace {

FileBytes failed(int error) {
  return {.text = {}, .reason = "cannot be read: " + std::generic_category().message(error), .error = error};
}

// Linux' numbers (Documentation/admin-guide/devices.txt). A link to it masks a file, as systemd does it: it is
// empty, and keeps nobody waiting.
bool is_dev_null(const struct stat& status) {
  return S_ISCHR(status.st_mode) && major(status.st_rdev) == 1 && minor(status.st_rdev) == 3;
}

// What it is, that is no file; "" for a file.
std::string other_kind(const struct stat& status) {
  const mode_t mode = status.st_mode;
  if (S_ISREG(mode) || is_dev_null(status)) return {};
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

FileBytes read_file(const std::string& path, std::size_t bytes_most, Sources sources) {
  const int waits = sources == Sources::files ? O_NONBLOCK : 0;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | waits));
  if (!file) return failed(errno);
  if (sources == Sources::files) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return failed(errno);
    if (const std::string kind = other_kind(status); !kind.empty())
      return {.text = {}, .reason = "is " + kind + ", not a file", .error = 0};
  }
  FileBytes out;
  std::array<char, 16384> buffer{};
  while (out.text.size() <= bytes_most) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(errno);
    if (count == 0) break;
    out.text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return out;
}

}  // namespace holdfast::config

// What lies at a path, asked by the router, answered by whoever may look at the file system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::core {

enum class FileKind : std::uint8_t {
  missing,  // also below a file (ENOTDIR), or a name too long
  file,
  directory,
  other,      // socket, device, pipe: never opened
  forbidden,  // no permission to look or to read
};

class FileProbe {
 public:
  // What `path` is, put behind `root` as it is; symbolic links are followed.
  virtual FileKind kind(std::string_view root, std::string_view path) = 0;
  // The path without symbolic links; empty when there is nothing.
  virtual std::string real_path(const std::string& path) = 0;

 protected:
  ~FileProbe() = default;
};

}  // namespace holdfast::core

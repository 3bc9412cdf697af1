// See unix_address.h.
#include "proxy/posix/unix_address.h"

#include <cstddef>
#include <cstring>

namespace holdfast::posix {

std::optional<UnixAddress> unix_address(std::string_view path) {
  if (path.empty() || path.size() > kUnixPathMost || path.find('\0') != std::string_view::npos)
    return std::nullopt;
  UnixAddress out;
  out.address.sun_family = AF_UNIX;
  std::memcpy(out.address.sun_path, path.data(), path.size());
  out.length = sizeof out.address;
  return out;
}

std::optional<UnixAddress> abstract_unix_address(std::string_view name) {
  if (name.empty() || name.size() > kUnixPathMost) return std::nullopt;
  UnixAddress out;
  out.address.sun_family = AF_UNIX;
  std::memcpy(out.address.sun_path + 1, name.data(), name.size());
  // The name ends with the length, not with a zero byte.
  out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return out;
}

}  // namespace holdfast::posix

// The kernel's form of a Unix socket's address, made in one place: sun_path is easily cut short or overrun.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <string_view>

namespace holdfast::posix {

inline constexpr std::size_t kUnixPathMost = sizeof(sockaddr_un::sun_path) - 1;  // 107 on Linux

struct UnixAddress {
  sockaddr_un address{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// Of a path in the file system. Nothing where that cannot name a socket: empty, longer than kUnixPathMost, or
// with a zero byte, behind which the kernel would not look.
std::optional<UnixAddress> unix_address(std::string_view path);
// Of a name in the abstract namespace (unix(7)), without the zero byte before it.
std::optional<UnixAddress> abstract_unix_address(std::string_view name);

}  // namespace holdfast::posix

// See blocking_connect.h.
#include "proxy/posix/blocking_connect.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proxy/posix/unix_address.h"

namespace holdfast::posix {

namespace {

using Clock = std::chrono::steady_clock;

int poll_limit(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left <= 0 ? 0 : static_cast<int>(std::min<long long>(left, 60'000));
}

// 0, or errno.
int finish(int fd, const sockaddr* target, socklen_t bytes, Clock::time_point deadline) {
  if (::connect(fd, target, bytes) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (wait_for(fd, POLLOUT, deadline) != Waited::ready) return ETIMEDOUT;
  int number = 0;
  socklen_t length = sizeof number;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0 ? number : errno;
}

int connect_one(const sockaddr* target, socklen_t bytes, Clock::time_point deadline,
                ConnectFailure& failure) {
  const int fd = ::socket(target->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int number = fd < 0 ? errno : finish(fd, target, bytes, deadline);
  if (number == 0) return fd;
  if (fd >= 0) ::close(fd);
  failure = {.number = number, .name_unknown = false, .text = std::strerror(number)};
  return -1;
}

}  // namespace

int connect_within(const config::Address& address, std::chrono::milliseconds limit, ConnectFailure& failure) {
  if (address.kind == config::Address::Kind::unix_socket) {
    if (const auto target = unix_address(address.path))
      return connect_one(target->get(), target->length, Clock::now() + limit, failure);
    failure = {.number = ENAMETOOLONG,
               .name_unknown = false,
               .text = "a socket's path has 1 to " + std::to_string(kUnixPathMost) + " bytes"};
    return -1;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (code != 0) {
    failure = {.number = EHOSTUNREACH, .name_unknown = true, .text = ::gai_strerror(code)};
    return -1;
  }
  const Clock::time_point deadline = Clock::now() + limit;
  int fd = -1;
  for (const addrinfo* each = found; each != nullptr && fd < 0; each = each->ai_next)
    fd = connect_one(each->ai_addr, each->ai_addrlen, deadline, failure);
  ::freeaddrinfo(found);
  return fd;
}

Waited wait_for(int fd, short events, Clock::time_point deadline) {
  while (true) {
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, poll_limit(deadline));
    if (ready > 0) return Waited::ready;
    if (ready < 0 && errno != EINTR) return Waited::failed;
    if (Clock::now() >= deadline) return Waited::timeout;
  }
}

}  // namespace holdfast::posix

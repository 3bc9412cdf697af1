// See service_manager.h.
#include "proxy/worker/service_manager.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "proxy/posix/unix_address.h"

namespace holdfast {

ServiceManager::ServiceManager() {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr || (name[0] != '/' && name[0] != '@')) return;
  const auto address = name[0] == '@' ? posix::abstract_unix_address(name + 1) : posix::unix_address(name);
  if (!address) return;
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || ::connect(fd_, address->get(), address->length) == 0) return;
  ::close(fd_);
  fd_ = -1;
}

ServiceManager::~ServiceManager() {
  if (fd_ >= 0) ::close(fd_);
}

void ServiceManager::tell(std::string_view state) const {
  if (fd_ < 0) return;
  [[maybe_unused]] const ssize_t sent = ::send(fd_, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace holdfast

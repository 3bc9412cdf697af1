// The service manager (systemd, Type=notify) that started us, if one did.
#pragma once

#include <string_view>

namespace holdfast {

class ServiceManager {
 public:
  // Connects to $NOTIFY_SOCKET, where there is one: while root is still root.
  ServiceManager();
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // sd_notify(3) without its library: one datagram such as "READY=1". Never waits, and cannot fail: who waits
  // for it has a time limit.
  void tell(std::string_view state) const;

 private:
  int fd_ = -1;
};

}  // namespace holdfast

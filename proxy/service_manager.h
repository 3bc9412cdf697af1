// The service manager (systemd, Type=notify) that started us, if one did.
#pragma once

#include <string_view>

namespace holdfast {

// sd_notify(3) without its library: one datagram such as "READY=1" to $NOTIFY_SOCKET. Does nothing where
// there is none, and cannot fail: who waits for it has a time limit.
void tell_service_manager(std::string_view state);

}  // namespace holdfast

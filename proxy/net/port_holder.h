// Who has an address that could not be bound, as far as /proc tells this user. Slow where there are many
// processes: for the message of a failure only.
#pragma once

#include <string>

#include "proxy/net/socket_address.h"

namespace holdfast::net {

// "nginx (pid 123)", "this holdfast itself", "a process of user www-data"; empty: nobody is seen. What a
// process calls itself is made printable.
std::string holder_of_port(const SocketAddress& address);
std::string holder_of_path(const std::string& unix_path);

}  // namespace holdfast::net

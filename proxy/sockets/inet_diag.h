// Dumps sockets through the kernel's sock_diag netlink family (sock_diag(7)): inet_diag for TCP, unix_diag
// for Unix sockets. Owns the netlink conversation; knows nothing of what is counted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proxy/sockets/socket_table.h"

namespace holdfast::net {

// Appends all TCP sockets of both families and all states, TIME_WAIT included, of the calling thread's
// network namespace. With `ports`, only those with one of these at either end: the kernel filters by
// bytecode. An IPv6 socket that carries IPv4 belongs to the IPv6 dump alone, so nothing is counted twice.
// False: `error` says why, and `out` may hold a part.
[[nodiscard]] bool dump_tcp_sockets(std::span<const std::uint16_t> ports, std::vector<TcpSocket>& out,
                                    std::string& error);

// Appends all Unix stream and seqpacket sockets.
[[nodiscard]] bool dump_unix_sockets(std::vector<UnixSocket>& out, std::string& error);

// The filter that inet_diag runs on each socket (net/ipv4/inet_diag.c, inet_diag_bc_run()): true for a socket
// with one of `ports` as local or remote port. For tests; dump_tcp_sockets() uses it.
std::string port_filter_bytecode(std::span<const std::uint16_t> ports);

}  // namespace holdfast::net

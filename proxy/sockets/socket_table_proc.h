// Sockets from the text files /proc/net/tcp, tcp6 and unix: the fallback where netlink is closed to us
// (seccomp, old sandboxes). Slower: the kernel formats 150 bytes a socket, we parse them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/sockets/socket_table.h"

namespace holdfast::net {

// Lines of /proc/net/tcp or tcp6 (proc_net(5)), heading included or not. A line that is not one of these is
// counted in `malformed` and skipped. `text` holds whole lines.
void parse_proc_tcp(std::string_view text, std::vector<TcpSocket>& out, std::uint64_t& malformed);
// The same for /proc/net/unix; datagram sockets are left out.
void parse_proc_unix(std::string_view text, std::vector<UnixSocket>& out, std::uint64_t& malformed);

// Both tcp files below `proc_net`; tcp6 may be missing (ipv6.disable=1). False: `error` says why.
[[nodiscard]] bool read_proc_tcp(const std::string& proc_net, std::vector<TcpSocket>& out,
                                 std::uint64_t& malformed, std::string& error);
// A missing file leaves `out` as it is, with `error` set.
void read_proc_unix(const std::string& proc_net, std::vector<UnixSocket>& out, std::uint64_t& malformed,
                    std::string& error);

}  // namespace holdfast::net

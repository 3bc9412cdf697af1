// Socket addresses as values, and the Peer record made of them. Knows the kernel's structs, so that others
// need not; makes no sockets and resolves no names.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/net/stream.h"

namespace holdfast::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  std::uint16_t port() const;  // 0 for what is neither IPv4 nor IPv6
  bool is_wildcard() const;    // 0.0.0.0 or ::
};

// "192.0.2.1", "::1", "fe80::1%eth0". nullopt for what is not a literal: a name.
std::optional<SocketAddress> address_of_literal(const std::string& host, std::uint16_t port);
SocketAddress address_of(const sockaddr* address, socklen_t length);

// IPv4 over IPv6 (::ffff:192.0.2.1) is told as "192.0.2.1": the same client has one name however it came.
Peer peer_of(const SocketAddress& address);
// The two ends of a connected socket; an empty Peer for Unix sockets and on errors.
Peer peer_of(int fd);
Peer local_of(int fd);
// Where a socket is bound; length 0 on errors.
SocketAddress bound_address(int fd);

}  // namespace holdfast::net

// Conversions between the kernel's address structs, text and Peer. All reads of sockaddr_storage are copies.
#include "proxy/net/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace holdfast::net {

namespace {

// The storage is read through memcpy: it was written by the kernel as another type.
template <typename T>
T as(const SocketAddress& address) {
  T out;
  std::memcpy(&out, &address.storage, sizeof out);
  return out;
}

template <typename T>
SocketAddress from(const T& address) {
  return address_of(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// RFC 4007 11: "%zone" is an interface name, or its number.
std::uint32_t scope_of_zone(const std::string& zone) {
  if (const unsigned index = if_nametoindex(zone.c_str()); index != 0) return index;
  return static_cast<std::uint32_t>(std::strtoul(zone.c_str(), nullptr, 10));
}

}  // namespace

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(as<sockaddr_in>(*this).sin_port);
  if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(*this).sin6_port);
  return 0;
}

bool SocketAddress::is_wildcard() const {
  if (family() == AF_INET) return as<sockaddr_in>(*this).sin_addr.s_addr == htonl(INADDR_ANY);
  if (family() != AF_INET6) return false;
  const auto v6 = as<sockaddr_in6>(*this);
  return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

std::optional<SocketAddress> address_of_literal(const std::string& host, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) return from(v4);

  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const std::size_t percent = host.find('%');
  if (inet_pton(AF_INET6, host.substr(0, percent).c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  if (percent != std::string::npos) v6.sin6_scope_id = scope_of_zone(host.substr(percent + 1));
  return from(v6);
}

SocketAddress address_of(const sockaddr* address, socklen_t length) {
  SocketAddress out;
  out.length = std::min<socklen_t>(length, sizeof out.storage);
  std::memcpy(&out.storage, address, out.length);
  return out;
}

Peer peer_of(const SocketAddress& address) {
  Peer peer;
  if (address.family() == AF_INET) {
    const auto v4 = as<sockaddr_in>(address);
    peer.bytes[10] = peer.bytes[11] = 0xff;
    std::memcpy(&peer.bytes[12], &v4.sin_addr, 4);
  } else if (address.family() == AF_INET6) {
    const auto v6 = as<sockaddr_in6>(address);
    std::memcpy(peer.bytes.data(), &v6.sin6_addr, 16);
  } else {
    return peer;
  }
  peer.port = address.port();
  static constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool mapped = std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), peer.bytes.begin());
  char text[INET6_ADDRSTRLEN];
  if (inet_ntop(mapped ? AF_INET : AF_INET6, &peer.bytes[mapped ? 12 : 0], text, sizeof text) != nullptr) {
    peer.address = text;
  }
  return peer;
}

Peer peer_of(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getpeername(fd, address.get(), &address.length) != 0) return {};
  return peer_of(address);
}

Peer local_of(int fd) {
  return peer_of(bound_address(fd));
}

SocketAddress bound_address(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getsockname(fd, address.get(), &address.length) != 0) return {};
  return address;
}

}  // namespace holdfast::net

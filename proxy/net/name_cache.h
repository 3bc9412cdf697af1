// Private to proxy/net: addresses of names, kept for a second. A pool that opens thousands of connections a
// second to `tcp:php:9000` (keep_alive: false) must not ask the name server each time: where names are
// containers that is a program, not a file. A second is short enough for a name that moves; one whose
// addresses do not answer is forgotten at once.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/net/network.h"
#include "proxy/net/socket_address.h"

namespace holdfast::net {

class NameCache {
 public:
  static constexpr Time::duration kLifetime = std::chrono::seconds(1);
  // Names come from the configuration, so there are few; a reload may bring others.
  static constexpr std::size_t kNamesMost = 256;

  // Nothing when the name is not known, or no longer. Valid until the next call of another function.
  const std::vector<SocketAddress>* find(const std::string& host, std::uint16_t port, Time now) const;
  // `addresses`: in the order to be tried; an empty list is not kept.
  void store(const std::string& host, std::uint16_t port, std::vector<SocketAddress> addresses, Time now);
  void forget(const std::string& host, std::uint16_t port);

 private:
  struct Entry {
    std::vector<SocketAddress> addresses;
    Time until;
  };
  static std::string key_of(const std::string& host, std::uint16_t port) {
    return host + ':' + std::to_string(port);
  }

  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace holdfast::net

// See name_cache.h.
#include "proxy/net/name_cache.h"

#include <utility>

namespace holdfast::net {

const std::vector<SocketAddress>* NameCache::find(const std::string& host, std::uint16_t port,
                                                  Time now) const {
  const auto found = entries_.find(key_of(host, port));
  return found == entries_.end() || now >= found->second.until ? nullptr : &found->second.addresses;
}

void NameCache::store(const std::string& host, std::uint16_t port, std::vector<SocketAddress> addresses,
                      Time now) {
  if (addresses.empty()) return;
  if (entries_.size() >= kNamesMost) entries_.clear();
  entries_[key_of(host, port)] = {.addresses = std::move(addresses), .until = now + kLifetime};
}

void NameCache::forget(const std::string& host, std::uint16_t port) {
  entries_.erase(key_of(host, port));
}

}  // namespace holdfast::net

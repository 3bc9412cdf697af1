// Who a client is where places and shares are counted: its IPv4 address, or the /64 network of its IPv6
// address, because that is the least a single customer gets (RFC 6177). Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "proxy/core/address_bytes.h"

namespace holdfast::core {

struct ClientKey {
  AddressBytes bytes{};
  bool operator==(const ClientKey&) const = default;
};

// `address`: 16 bytes, IPv4 mapped.
inline ClientKey client_key(const AddressBytes& address) {
  ClientKey key{address};
  if (!is_ipv4(address)) {
    std::fill(key.bytes.begin() + 8, key.bytes.end(), std::uint8_t{0});
  }
  return key;
}

// Of one without an address (a Unix socket): a client for itself. No address has this form: its second half
// is zero in an IPv6 key and begins otherwise in an IPv4 key.
inline ClientKey client_key_of_connection(std::uint64_t id) {
  ClientKey key;
  std::memcpy(key.bytes.data() + 8, &id, sizeof id);
  key.bytes[0] = 0xff;
  return key;
}

struct ClientKeyHash {
  std::size_t operator()(const ClientKey& key) const {
    std::array<std::uint64_t, 2> halves;
    std::memcpy(halves.data(), key.bytes.data(), sizeof halves);
    return static_cast<std::size_t>((halves[0] * 0x9e3779b97f4a7c15U) ^ (halves[1] * 0xc2b2ae3d27d4eb4fU));
  }
};

}  // namespace holdfast::core

// IP addresses as 16 bytes, IPv4 mapped (RFC 4291, 2.5.5.2), as in config::Network.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace holdfast::core {

using AddressBytes = std::array<std::uint8_t, 16>;

// ::ffff:a.b.c.d
constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

constexpr bool is_ipv4(const AddressBytes& bytes) {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

}  // namespace holdfast::core

// A block of network addresses.
#pragma once

#include <array>
#include <cstdint>

namespace holdfast::config {

// A CIDR block. Addresses are 16 bytes, IPv4 mapped (::ffff:a.b.c.d), and `prefix` counts bits of those.
struct Network {
  std::array<std::uint8_t, 16> address{};
  std::uint8_t prefix = 0;
  bool operator==(const Network&) const = default;
};

}  // namespace holdfast::config

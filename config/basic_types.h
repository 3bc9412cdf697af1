// The smallest types that sections of the configuration share.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace holdfast::config {

using Duration = std::chrono::milliseconds;  // zero means off where a key allows it

// A CIDR block. Addresses are 16 bytes, IPv4 mapped (::ffff:a.b.c.d), and `prefix` counts bits of those.
struct Network {
  std::array<std::uint8_t, 16> address{};
  std::uint8_t prefix = 0;
  bool operator==(const Network&) const = default;
};

}  // namespace holdfast::config

// What the limit of open files allows. Every client may need two: its connection, and a file that is sent to
// it or spooled for it. What else there is comes first: the process's own, the admin endpoint, and php. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace holdfast::core {

struct DescriptorNeeds {
  std::uint64_t listeners = 0;
  std::uint64_t upstream_connections = 0;  // of all pools, php-fpm's status included
};

// Logs, the loop, signals, a reload's second set of logs, name look-ups, the socket table.
inline constexpr std::uint64_t kOwnDescriptors = 32;
inline constexpr std::uint64_t kAdminConnectionsMost = 32;

// The admin endpoint's clients: fewer where there is little to share.
inline std::uint64_t admin_connections_most(std::uint64_t limit) {
  return std::clamp<std::uint64_t>(limit / 16, 2, kAdminConnectionsMost);
}

// What so many clients need, where there is much.
inline std::uint64_t descriptors_for(std::uint64_t clients, const DescriptorNeeds& needs) {
  return kOwnDescriptors + kAdminConnectionsMost + 2 * needs.listeners + needs.upstream_connections +
         2 * clients;
}

// How many clients of the sites are sure of what they need. At least one: whoever gives less gets what he
// asked for.
inline std::uint64_t clients_by_descriptors(std::uint64_t limit, const DescriptorNeeds& needs) {
  const std::uint64_t kept = std::min(kOwnDescriptors, limit / 4) + admin_connections_most(limit) +
                             2 * needs.listeners + needs.upstream_connections;
  return limit > kept + 2 ? (limit - kept) / 2 : 1;
}

}  // namespace holdfast::core

// What one client may take: time, connections, head.
#pragma once

#include <chrono>
#include <cstdint>

#include "config/duration.h"

namespace holdfast::config {

struct Client {
  struct Timeouts {
    Duration header = std::chrono::seconds(10);
    Duration body = std::chrono::seconds(30);
    Duration write = std::chrono::seconds(30);
    Duration keep_alive = std::chrono::seconds(75);  // 0s: close after each response
    bool operator==(const Timeouts&) const = default;
  };
  Timeouts timeouts;
  std::uint64_t max_header = std::uint64_t{32} << 10;
  std::uint32_t max_header_fields = 200;
  std::uint32_t max_connections = 10000;
  std::uint32_t max_per_address = 2000;             // 0: no limit
  std::uint64_t min_rate = std::uint64_t{1} << 10;  // bytes a second, over 10 s; 0: off
  std::uint64_t requests_per_connection = 0;        // 0: no limit
  bool operator==(const Client&) const = default;
};

}  // namespace holdfast::config

// What a pool has counted since it began.
#pragma once

#include <array>
#include <cstdint>

#include "proxy/core/close_reason.h"
#include "proxy/core/histogram.h"

namespace holdfast::core {

struct PoolStats {
  std::uint64_t opened = 0;  // connections that came up
  std::uint64_t leases = 0;
  std::uint64_t reused = 0;       // leases of a connection that had carried a request
  std::uint64_t handed_over = 0;  // leases without a barrier since the last request
  std::uint64_t barriers = 0;
  std::uint64_t queue_full = 0;
  std::uint64_t queue_timeout = 0;
  std::uint64_t abandoned = 0;  // waiters that left before a lease
  std::uint64_t connect_errors = 0;
  std::array<std::uint64_t, kCloseReasons> closed{};
  Histogram settle;  // from END_REQUEST to the barrier's answer: how long scripts run on
};

}  // namespace holdfast::core

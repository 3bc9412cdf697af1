// Counters of one worker beyond those the pools keep themselves: clients, requests, times. Plain data, one
// thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/core/client_close_reason.h"
#include "proxy/core/fastcgi_counts.h"
#include "proxy/core/histogram.h"

namespace holdfast {

struct PoolTimes {
  core::Histogram queue_wait;
  core::Histogram connect;
  core::Histogram first_byte;
  core::Histogram total;
};

// Of the configuration; the start counts as the first that succeeded.
struct Reloads {
  bool last_ok = true;
  std::time_t last_success = 0;
  std::string error;  // why the last one was refused
};

struct Metrics {
  std::uint64_t clients_accepted = 0;
  std::uint64_t clients_made_way = 0;        // idle ones that were closed for others
  std::uint64_t clients_over_address = 0;    // refused by client.max_per_address
  core::ClientCloseCounts clients_closed{};  // of the sites
  std::uint64_t requests = 0;
  core::FastcgiCounts fastcgi;      // of web servers
  std::uint64_t admin_refused = 0;  // requests to the admin endpoint with a foreign Host
  // By the first digit of the status. php may answer with any of three digits.
  static constexpr std::array<std::string_view, 7> kClasses = {"",    "1xx", "2xx",  "3xx",
                                                               "4xx", "5xx", "other"};
  std::array<std::uint64_t, kClasses.size()> responses_by_class{};
  void count_response(int status) {
    if (status >= 100)
      ++responses_by_class[std::min(static_cast<std::size_t>(status / 100), kClasses.size() - 1)];
  }
  std::uint64_t client_left = 0;
  std::uint64_t memory_refused = 0;  // requests answered 503 at buffers.memory_max
  std::uint64_t slow_uploads = 0;    // below client.min_rate
  std::uint64_t slow_answers = 0;
  std::uint64_t cut_answers = 0;             // php had to wait for clients that did not read
  std::uint64_t bytes_sent = 0;              // response bodies
  std::uint64_t internal_checks_failed = 0;  // of our own books, once a second: mistakes of ours
  std::unordered_map<std::string, PoolTimes> pool_times;
  Reloads reloads;
};

}  // namespace holdfast

// What php-fpm says of itself on its status page, and the names under which this is passed on: those of the
// hipages/php-fpm_exporter, so that dashboards made for it work. Pure: text in, numbers out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast {

struct FpmNumbers {
  std::uint64_t start_since = 0;
  std::uint64_t accepted_connections = 0;
  std::uint64_t listen_queue = 0;
  std::uint64_t max_listen_queue = 0;
  std::uint64_t listen_queue_length = 0;
  std::uint64_t idle_processes = 0;
  std::uint64_t active_processes = 0;
  std::uint64_t total_processes = 0;
  std::uint64_t max_active_processes = 0;
  std::uint64_t max_children_reached = 0;
  std::uint64_t slow_requests = 0;
  bool operator==(const FpmNumbers&) const = default;
};

struct FpmField {
  std::string_view key;   // in php-fpm's JSON (sapi/fpm/fpm/fpm_status.c)
  std::string_view name;  // in ours; of the metric, with "phpfpm_" before it
  std::string_view help;
  bool counts_up;
  std::uint64_t FpmNumbers::*number;
};

inline constexpr std::array<FpmField, 11> kFpmFields = {{
    {"start since", "start_since", "Seconds since php-fpm was started.", true, &FpmNumbers::start_since},
    {"accepted conn", "accepted_connections",
     "Connections accepted, as php-fpm counts: each wait for a request on a kept connection is one more.",
     true, &FpmNumbers::accepted_connections},
    {"listen queue", "listen_queue", "Connections in the backlog of php-fpm.", false,
     &FpmNumbers::listen_queue},
    {"max listen queue", "max_listen_queue", "Most connections seen in the backlog since the start.", false,
     &FpmNumbers::max_listen_queue},
    {"listen queue len", "listen_queue_length", "Size of the backlog.", false,
     &FpmNumbers::listen_queue_length},
    {"idle processes", "idle_processes", "Workers without a connection.", false, &FpmNumbers::idle_processes},
    {"active processes", "active_processes",
     "Workers with a connection, one that is kept and idle included; may exceed the total for a second.",
     false, &FpmNumbers::active_processes},
    {"total processes", "total_processes", "Workers.", false, &FpmNumbers::total_processes},
    {"max active processes", "max_active_processes",
     "Most active workers since the start; drifts upwards with kept connections.", false,
     &FpmNumbers::max_active_processes},
    {"max children reached", "max_children_reached", "Times that pm.max_children was reached.", true,
     &FpmNumbers::max_children_reached},
    {"slow requests", "slow_requests", "Requests over request_slowlog_timeout.", true,
     &FpmNumbers::slow_requests},
}};

// The answer to `status_path?json`. Nothing when it is something else; a number that this php-fpm does not
// know is 0.
std::optional<FpmNumbers> parse_fpm_status(std::string_view json);

}  // namespace holdfast

// What a simulation of so many seeds must have met. One that no longer gets near the trouble would pass as
// well, and so would a kind of request that nobody draws any more.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace holdfast::sim {

// What is met in fewer of the seeds is demanded of longer runs only, so that it is missed by bad luck in one
// of 10^5 runs or less, wherever they begin: e^-12, with the share of the seeds as counted over 20000 of
// them.
struct Demand {
  std::string_view what;
  std::uint64_t seeds;  // from so many on
};

constexpr std::uint64_t kDemandLeast = 200;  // seeds; of all that is not in the list

constexpr auto kRarer = std::to_array<Demand>({
    {"closed bad_head", 200000},
    {"closed not_reusable", 10000},
    {"closed ping_timeout", 10000},
    {"closed drain_limit", 5000},
    {"closed send_timeout", 5000},
    {"closed stale", 2000},
    {"gzip cut", 2000},
    {"spool refused upload", 2000},
    {"408 slow body", 1000},
    {"closed protocol_error", 1000},
    {"closed settle_timeout", 1000},
    {"cut slow answer", 1000},
    {"retried not_sent", 1000},
    {"status 500", 1000},
    {"theme crumbs", 1000},
    {"closed connect_timeout", 500},
    {"closed eof_in_request", 500},
    {"closed no_get_values", 500},
    {"closed probe_timeout", 500},
    {"closed request_done", 500},
    {"cut holds worker", 500},
    {"file if changed", 500},
    {"gzip answered, file", 500},
    {"idle made way", 500},
    {"reload: a pool comes", 500},
    {"retried half_closed", 500},
    {"spool refused answer", 500},
    {"status 408", 500},
    {"status 413", 500},
    {"status 503", 500},
    {"theme crowded", 500},
    {"theme generic", 500},
    {"theme ghosts", 500},
    {"theme old_php", 500},
    {"theme one_each", 500},
    {"theme overload", 500},
    {"theme reloads", 500},
    {"theme restarts", 500},
    {"theme spill_fails", 500},
    {"theme swizzle", 500},
    {"theme terminated", 500},
    {"wish pause", 500},
    {"wish resume", 500},
});

constexpr std::uint64_t demanded_from(std::string_view what) {
  for (const Demand& demand : kRarer) {
    if (demand.what == what) return demand.seeds;
  }
  return kDemandLeast;
}

}  // namespace holdfast::sim

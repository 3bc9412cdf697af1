// What waits before it is tried again at one address: the next connection after one that failed, and requests
// that a dying worker took along. Pure: times in, times out; the jitter is from a seed that differs from
// process to process, so that several proxies do not knock together.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "proxy/core/time.h"
#include "proxy/core/wait_queue.h"

namespace holdfast::core {

class BackOff {
 public:
  // Between the end of a worker and the second try of the request it took along. A reload or stop ends all
  // workers within a few milliseconds; the second try is the last, so it must not meet the next one that is
  // about to go.
  static constexpr Duration kRetryPause = std::chrono::milliseconds(100);

  explicit BackOff(std::uint64_t seed) : random_(static_cast<std::minstd_rand::result_type>(seed)) {}

  // --- connecting: 10 ms, doubled with each failure up to 500 ms, and up to a quarter more
  void failed(Time now);
  void succeeded();
  // It seems to be away: the last attempt failed.
  bool away() const { return failures_ > 0; }
  // When the next may be opened; nothing: now.
  std::optional<Time> until(Time now) const;

  // --- requests that are tried again a moment later
  // A connection broke in a request: its worker died.
  void broke(Time now);
  void park(const Ticket& ticket, Time now);
  // False: it was not parked.
  bool unpark(WaiterId id);
  // The next one whose pause is over; `in_company` when another connection broke within kRetryPause.
  std::optional<Ticket> take_due(Time now);
  std::optional<Time> next_due() const;
  std::vector<Ticket> take_parked();

 private:
  struct Parked {
    Ticket ticket;
    Time failed;
  };
  bool in_company(Time moment) const;

  std::minstd_rand random_;
  std::uint32_t failures_ = 0;
  Time until_{};
  std::vector<Parked> parked_;  // all have the same pause, so the front is due first
  std::vector<Time> breaks_;    // lately
};

}  // namespace holdfast::core

// Rule R4 of the design: a request is tried again only when it is proven not to have run, or may be repeated
// and has shown no byte of a response; once, and within the queue's deadline. Pure decision; the table of
// php-fpm.md 8.4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/core/time.h"

namespace holdfast::core {

// How a request ended on an upstream connection without END_REQUEST.
struct FailureFacts {
  bool end_of_params_sent = false;  // the 8 bytes that let the script start may be with the kernel
  bool response_seen = false;       // any byte of this request's records has come
  // php-fpm shut its sending side after the request before and did not reset: it never reads on (8.4). Only
  // where this one was sent without proof that the worker reads again: at any other time an end of stream is of
  // somebody between, and tells nothing of what php has done.
  bool half_closed_only = false;
  bool timed_out = false;   // nothing came in time: php may still be running it
  bool repeatable = false;  // GET, HEAD, OPTIONS, PUT, DELETE
  unsigned retries = 0;     // so far
  // Of these, the ones after which it was alone in failing: the request may be what kills its worker.
  unsigned blamed = 0;
  bool deadline_passed = false;  // of the queue
  // A worker was known to have taken the connection, so it has had the request for so long.
  bool proven = false;
  Duration had_for{};
};

enum class RetryReason : std::uint8_t { not_sent, half_closed, repeatable, count_ };
inline constexpr std::size_t kRetryReasons = static_cast<std::size_t>(RetryReason::count_);
constexpr std::string_view retry_reason_name(RetryReason reason) {
  constexpr std::array<std::string_view, kRetryReasons> kNames = {"not_sent", "half_closed", "repeatable"};
  return kNames[static_cast<std::size_t>(reason)];
}

struct RetryDecision {
  bool retry = false;
  RetryReason reason = RetryReason::not_sent;  // when retry
};

// A request that was proven not to have run may be tried again within the deadline (a worker that ends by
// pm.max_requests loses nothing); one that may have run only once, where failures that came in company (a
// restart of the application ends all workers) do not count. Either way a handful of times at the most. One
// that php has had for a second is not run again: what killed it (request_terminate_timeout, memory, a crash)
// would do so again, at double the load, when it hurts most.
RetryDecision decide_retry(const FailureFacts& facts);

}  // namespace holdfast::core

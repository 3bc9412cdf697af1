// The retry rule as a short list of cases, surest first.
#include "proxy/core/retry_rule.h"

namespace holdfast::core {

namespace {
// Proven not to have run, and yet failing each time: something else is wrong.
constexpr unsigned kProvenRetriesMost = 5;
constexpr Duration kRanMost = std::chrono::seconds(1);
}  // namespace

RetryDecision decide_retry(const FailureFacts& facts) {
  if (facts.response_seen || facts.timed_out || facts.deadline_passed) return {};
  if (facts.retries >= kProvenRetriesMost) return {};
  if (!facts.end_of_params_sent) return {true, RetryReason::not_sent};
  if (facts.half_closed_only) return {true, RetryReason::half_closed};
  if (facts.proven && facts.had_for >= kRanMost) return {};
  if (facts.repeatable && facts.blamed == 0) return {true, RetryReason::repeatable};
  return {};
}

}  // namespace holdfast::core

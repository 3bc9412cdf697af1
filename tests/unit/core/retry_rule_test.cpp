// The retry rule against the rows of php-fpm.md 8.4, over every combination of the facts.
#include "proxy/core/retry_rule.h"

#include <doctest/doctest.h>

#include <string>

using holdfast::core::decide_retry;
using holdfast::core::FailureFacts;
using holdfast::core::RetryDecision;

namespace {

constexpr unsigned kProvenRetriesMost = 5;

std::string verdict(const FailureFacts& facts) {
  const RetryDecision decision = decide_retry(facts);
  return decision.retry ? std::string(retry_reason_name(decision.reason)) : "no";
}

// The table of php-fpm.md 8.4 by hand, top row first, with the two limits (deadline, number) before it.
std::string by_the_table(const FailureFacts& facts) {
  const bool within_limits = !facts.deadline_passed && facts.retries < kProvenRetriesMost;
  // "any record with our request id | it ran | yes"; "END_REQUEST without headers/body | do not retry"
  if (facts.response_seen) return "no";
  // "timeout, nothing read | running, or in the backlog | unknown"
  if (facts.timed_out) return "no";
  // "write fails / EOF seen before the last PARAMS byte was handed to the kernel | safe for every method"
  if (!facts.end_of_params_sent) return within_limits ? "not_sent" : "no";
  // "EOF, and peer only half-closed | no [executed]"
  if (facts.half_closed_only) return within_limits ? "half_closed" : "no";
  // "ECONNRESET, or EOF with POLLHUP | unknown - only idempotent requests may be retried", once,
  // where those do not count that failed in company
  return facts.repeatable && within_limits && facts.blamed == 0 ? "repeatable" : "no";
}

}  // namespace

TEST_CASE("every combination of the facts agrees with the table") {
  int retried = 0;
  for (unsigned bits = 0; bits < 64; ++bits) {
    for (unsigned number = 0; number <= 2 * (kProvenRetriesMost + 1) + 1; ++number) {
      const unsigned retries = number / 2;
      const FailureFacts facts{.end_of_params_sent = (bits & 1) != 0,
                               .response_seen = (bits & 2) != 0,
                               .half_closed_only = (bits & 4) != 0,
                               .timed_out = (bits & 8) != 0,
                               .repeatable = (bits & 16) != 0,
                               .retries = retries,
                               .blamed = number % 2,
                               .deadline_passed = (bits & 32) != 0};
      CAPTURE(bits);
      CAPTURE(retries);
      CHECK(verdict(facts) == by_the_table(facts));
      retried += decide_retry(facts).retry ? 1 : 0;
    }
  }
  // not sent: 4 combinations of the facts that do not matter, 5 numbers, blamed or not; half-closed: 2, 5, 2;
  // repeatable: 1, 5, only when not blamed.
  CHECK(retried == 4 * 5 * 2 + 2 * 5 * 2 + 5);
}

TEST_CASE("the rows of the table by name") {
  // Written to the last byte, nothing has come, the first try.
  const FailureFacts reset{.end_of_params_sent = true};
  CHECK(verdict(reset) == "no");  // a POST

  FailureFacts facts = reset;
  facts.repeatable = true;
  CHECK(verdict(facts) == "repeatable");
  facts.retries = facts.blamed = 1;
  CHECK(verdict(facts) == "no");  // once: it may have run
  facts.blamed = 0;
  CHECK(verdict(facts) == "repeatable");  // the last failure was a restart's

  facts = reset;
  facts.half_closed_only = true;
  CHECK(verdict(facts) == "half_closed");  // a POST too: never executed
  facts.response_seen = true;
  CHECK(verdict(facts) == "no");

  facts = FailureFacts{};
  CHECK(verdict(facts) == "not_sent");
  facts.retries = kProvenRetriesMost - 1;
  CHECK(verdict(facts) == "not_sent");
  facts.retries = kProvenRetriesMost;
  CHECK(verdict(facts) == "no");
  facts.retries = 0;
  facts.deadline_passed = true;
  CHECK(verdict(facts) == "no");

  facts = reset;
  facts.repeatable = true;
  facts.timed_out = true;
  CHECK(verdict(facts) == "no");  // it may be running at this moment
}

// request_terminate_timeout killed a GET, and its second try as well: double the load, when it hurts most.
TEST_CASE("what php has had for a second on a proven connection is not run again") {
  FailureFacts facts{.end_of_params_sent = true, .repeatable = true, .proven = true};
  facts.had_for = std::chrono::milliseconds(999);
  CHECK(decide_retry(facts).retry);
  facts.had_for = std::chrono::seconds(1);
  CHECK_FALSE(decide_retry(facts).retry);
  // It may have waited in the backlog, or is known not to have run.
  facts.proven = false;
  CHECK(decide_retry(facts).retry);
  facts.proven = true;
  facts.half_closed_only = true;
  CHECK(decide_retry(facts).retry);
}

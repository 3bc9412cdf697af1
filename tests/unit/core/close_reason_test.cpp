// close_reason_name(): one word for each reason, none twice.
#include "proxy/core/close_reason.h"

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace holdfast::core;

TEST_CASE("each close reason has a name of its own, fit for a metric's label") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kCloseReasons; ++i) {
    const std::string_view name = close_reason_name(static_cast<CloseReason>(i));
    CAPTURE(i);
    CHECK_FALSE(name.empty());
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
    CHECK(names.insert(name).second);
  }
}

// A reason put into the enum but not into the names would shift all behind it.
TEST_CASE("names stand in the order of the enum") {
  CHECK(close_reason_name(CloseReason::none) == "none");
  CHECK(close_reason_name(CloseReason::request_done) == "request_done");
  CHECK(close_reason_name(CloseReason::drain_limit) == "drain_limit");
  CHECK(close_reason_name(CloseReason::eof_in_request) == "eof_in_request");
  CHECK(close_reason_name(CloseReason::not_reusable) == "not_reusable");
  CHECK(close_reason_name(CloseReason::no_get_values) == "no_get_values");
  CHECK(close_reason_name(CloseReason::response_timeout) == "response_timeout");
}

// Answers of our own: the table from outcome to status, and the pages.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "proxy/core/error_page.h"
#include "proxy/core/exchange.h"

using namespace holdfast::core;
namespace http = holdfast::http;

namespace {

bool has(const ErrorPage& page, std::string_view name, std::string_view value) {
  const auto& fields = page.head().fields;
  return std::any_of(fields.begin(), fields.end(),
                     [&](const http::Field& field) { return field.name == name && field.value == value; });
}

}  // namespace

TEST_CASE("each outcome has a name and a status") {
  struct Row {
    Outcome outcome;
    std::string_view name;
    int status;
  };
  constexpr std::array kRows = {
      Row{Outcome::queue_full, "queue_full", 503},
      Row{Outcome::queue_timeout, "queue_timeout", 503},
      Row{Outcome::spool_failed, "spool_failed", 500},
      Row{Outcome::upstream_timeout, "upstream_timeout", 504},
      Row{Outcome::upstream_reset, "upstream_reset", 502},
      Row{Outcome::upstream_bad_head, "upstream_bad_head", 502},
      Row{Outcome::upstream_no_head, "upstream_no_head", 502},
      Row{Outcome::upstream_poisoned, "upstream_poisoned", 502},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    CHECK(outcome_name(row.outcome) == row.name);
    CHECK(status_of(row.outcome) == row.status);
    const ErrorPage page(row.status);
    CHECK(has(page, "Retry-After", "1") == (row.status == 503));
    CHECK(has(page, "Cache-Control", "no-store"));
  }
  CHECK(outcome_name(Outcome::none) == "none");
  CHECK(outcome_name(Outcome::ok) == "ok");
  CHECK(outcome_name(Outcome::client_left) == "client_left");
}

TEST_CASE("error pages: redirects say where, 405 what is allowed, 304 has no body and no length") {
  const ErrorPage moved(301, "/dir/");
  CHECK(moved.head().fields.back().name == "Location");
  CHECK(moved.head().fields.back().value == "/dir/");
  const ErrorPage refused(405, {}, "GET, HEAD");
  CHECK(refused.head().fields.back().name == "Allow");
  CHECK(refused.body().find("405 Method Not Allowed") != std::string::npos);
  CHECK(refused.head().content_length == refused.body().size());
  const ErrorPage unchanged(304);
  CHECK(unchanged.body().empty());
  CHECK_FALSE(unchanged.head().content_length);
}

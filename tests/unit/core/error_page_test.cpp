// Error pages: what they say and what they promise.
#include <doctest/doctest.h>

#include "proxy/core/error_page.h"

using holdfast::core::ErrorPage;

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

// HTTP dates: all three forms, both ways.
#include "proxy/http/http_date.h"

#include <doctest/doctest.h>

using namespace holdfast::http;

namespace {
constexpr std::time_t kToday = 1767225600;  // 2026-01-01
}

TEST_CASE("the example of RFC 9110, in its three forms") {
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    CAPTURE(text);
    CHECK(parse_http_date(text, kToday) == 784111777);
  }
  CHECK(format_http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("known days") {
  CHECK(format_http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(format_http_date(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(format_http_date(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(format_http_date(4107542400) == "Mon, 01 Mar 2100 00:00:00 GMT");
  CHECK(format_http_date(253402300799) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(format_http_date(253402300800) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(format_http_date(-62167219200) == "Sat, 01 Jan 0000 00:00:00 GMT");
  CHECK(format_http_date(-62167219201) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST_CASE("round trip over four centuries") {
  for (std::time_t time = -12219292800; time < 253402300799; time += 86400 * 13 + 3607) {
    const std::string text = format_http_date(time);
    REQUIRE(parse_http_date(text, kToday) == time);
  }
}

TEST_CASE("two-digit years are at most 50 years ahead") {
  CHECK(parse_http_date("Thursday, 01-Jan-26 00:00:00 GMT", kToday) == kToday);
  CHECK(parse_http_date("Wednesday, 01-Jan-76 00:00:00 GMT", kToday) ==
        parse_http_date("Wed, 01 Jan 2076 00:00:00 GMT", kToday));
  CHECK(parse_http_date("Saturday, 01-Jan-77 00:00:00 GMT", kToday) ==
        parse_http_date("Sat, 01 Jan 1977 00:00:00 GMT", kToday));
}

TEST_CASE("asctime with a two-digit day") {
  CHECK(parse_http_date("Wed Nov 16 08:49:37 1994", kToday) ==
        parse_http_date("Wed, 16 Nov 1994 08:49:37 GMT", kToday));
}

TEST_CASE("limits of the parts") {
  CHECK(parse_http_date("Thu, 29 Feb 2024 23:59:60 GMT", kToday));
  for (const char* bad : {"",
                          "0",
                          "784111777",
                          "Sun, 06 Nov 1994 08:49:37",
                          "Sun, 06 Nov 1994 08:49:37 UTC",
                          "Sun, 06 Nov 1994 08:49:37 GMT ",
                          " Sun, 06 Nov 1994 08:49:37 GMT",
                          "Sun, 6 Nov 1994 08:49:37 GMT",
                          "Sun 06 Nov 1994 08:49:37 GMT",
                          "Sux, 06 Nov 1994 08:49:37 GMT",
                          "sun, 06 nov 1994 08:49:37 gmt",
                          "Sun, 06 Nox 1994 08:49:37 GMT",
                          "Sun, 00 Nov 1994 08:49:37 GMT",
                          "Sun, 31 Nov 1994 08:49:37 GMT",
                          "Sun, 29 Feb 2023 08:49:37 GMT",
                          "Sun, 29 Feb 2100 08:49:37 GMT",
                          "Sun, 06 Nov 1994 24:00:00 GMT",
                          "Sun, 06 Nov 1994 08:60:00 GMT",
                          "Sun, 06 Nov 1994 08:49:61 GMT",
                          "Sun, 06 Nov 1994 8:49:37 GMT",
                          "Sun, 06 Nov 94 08:49:37 GMT",
                          "Sun, 06-Nov-94 08:49:37 GMT",
                          "Sunday, 06 Nov 1994 08:49:37 GMT",
                          "Sunday, 06-Nov-1994 08:49:37 GMT",
                          "Sun Nov 6 08:49:37 1994",
                          "Sun Nov  6 08:49:37 94",
                          "Sun Nov  6 08:49:37 1994 GMT",
                          "Sun, 06 Nov 1994 08:49:37 +0000",
                          "Sun, +6 Nov 1994 08:49:37 GMT"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad, kToday));
  }
}

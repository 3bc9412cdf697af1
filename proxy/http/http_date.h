// HTTP dates (RFC 9110 5.6.7). Pure: no clock, no locale, no time zone data.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::http {

// "Sun, 06 Nov 1994 08:49:37 GMT". Years 0 to 9999; a time outside is clamped to that range.
std::string format_http_date(std::time_t time);

// Takes the three forms: IMF-fixdate, RFC 850 ("Sunday, 06-Nov-94 08:49:37 GMT") and asctime
// ("Sun Nov  6 08:49:37 1994"). `now` gives the century of a two-digit year: one that seems more than 50
// years ahead is in the past. The day of the week must be a day of the week, but is not compared with the
// date.
std::optional<std::time_t> parse_http_date(std::string_view text, std::time_t now);

}  // namespace holdfast::http

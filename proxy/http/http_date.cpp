// Calendar arithmetic on the proleptic Gregorian calendar, and a small cursor over the date's text.
#include "proxy/http/http_date.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kYearZero = -62167219200;  // 0000-01-01 00:00:00
constexpr std::int64_t kYearEnd = 253402300799;   // 9999-12-31 23:59:59

struct Date {
  std::int64_t year = 0;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
};

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(std::int64_t year, int month) {
  constexpr std::array<int, 12> kDaysInMonth = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDaysInMonth[static_cast<std::size_t>(month - 1)];
}

// Days since 1970-01-01. Years run from March, so that the leap day is the last of its year; eras have 400
// years or 146097 days, the period of the calendar.
std::int64_t days_of(const Date& date) {
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

Date date_of_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;  // 0 is March
  Date date;
  date.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  date.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

// Reads pieces from the front; one that does not fit makes everything after it fail.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool literal(std::string_view wanted) {
    if (text_.substr(0, wanted.size()) != wanted) return false;
    text_.remove_prefix(wanted.size());
    return true;
  }
  bool number(std::size_t digits, int& value) {
    if (text_.size() < digits) return false;
    value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_digit(text_[i])) return false;
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return true;
  }
  bool month(int& value) {
    const auto found = std::find(kMonths.begin(), kMonths.end(), text_.substr(0, 3));
    if (found == kMonths.end()) return false;
    value = static_cast<int>(found - kMonths.begin()) + 1;
    text_.remove_prefix(3);
    return true;
  }
  // "Sun" or "Sunday".
  bool day_name(bool whole) {
    for (const std::string_view day : kDays)
      if (literal(whole ? day : day.substr(0, 3))) return true;
    return false;
  }
  bool time(Date& date) {
    return number(2, date.hour) && literal(":") && number(2, date.minute) && literal(":") &&
           number(2, date.second);
  }
  bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

bool read_imf_fixdate(Cursor in, Date& date) {
  int year = 0;
  const bool read = in.day_name(false) && in.literal(", ") && in.number(2, date.day) && in.literal(" ") &&
                    in.month(date.month) && in.literal(" ") && in.number(4, year) && in.literal(" ") &&
                    in.time(date) && in.literal(" GMT") && in.at_end();
  date.year = year;
  return read;
}

bool read_rfc850(Cursor in, std::time_t now, Date& date) {
  int year = 0;
  const bool read = in.day_name(true) && in.literal(", ") && in.number(2, date.day) && in.literal("-") &&
                    in.month(date.month) && in.literal("-") && in.number(2, year) && in.literal(" ") &&
                    in.time(date) && in.literal(" GMT") && in.at_end();
  const std::int64_t this_year = date_of_days(static_cast<std::int64_t>(now) / kSecondsPerDay).year;
  date.year = this_year - this_year % 100 + year;
  if (date.year > this_year + 50) date.year -= 100;
  return read;
}

bool read_asctime(Cursor in, Date& date) {
  int year = 0;
  const bool read = in.day_name(false) && in.literal(" ") && in.month(date.month) && in.literal(" ") &&
                    (in.literal(" ") ? in.number(1, date.day) : in.number(2, date.day)) && in.literal(" ") &&
                    in.time(date) && in.literal(" ") && in.number(4, year) && in.at_end();
  date.year = year;
  return read;
}

void put(char* at, int value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string format_http_date(std::time_t time) {
  const std::int64_t seconds = std::clamp<std::int64_t>(time, kYearZero, kYearEnd);
  std::int64_t days = seconds / kSecondsPerDay;
  std::int64_t rest = seconds % kSecondsPerDay;
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  const Date date = date_of_days(days);
  const auto weekday = static_cast<std::size_t>(((days + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday

  std::string out = "Sun, 06 Nov 1994 08:49:37 GMT";
  std::copy_n(kDays[weekday].begin(), 3, out.begin());
  put(&out[5], date.day, 2);
  std::copy_n(kMonths[static_cast<std::size_t>(date.month - 1)].begin(), 3, out.begin() + 8);
  put(&out[12], static_cast<int>(date.year), 4);
  put(&out[17], static_cast<int>(rest / 3600), 2);
  put(&out[20], static_cast<int>(rest / 60 % 60), 2);
  put(&out[23], static_cast<int>(rest % 60), 2);
  return out;
}

std::optional<std::time_t> parse_http_date(std::string_view text, std::time_t now) {
  Date date;
  const Cursor in(text);
  if (!read_imf_fixdate(in, date) && !read_rfc850(in, now, date) && !read_asctime(in, date))
    return std::nullopt;
  if (date.day < 1 || date.day > days_in_month(date.year, date.month)) return std::nullopt;
  // RFC 9110 5.6.7 takes ABNF of RFC 5322, with its leap second 60.
  if (date.hour > 23 || date.minute > 59 || date.second > 60) return std::nullopt;
  return static_cast<std::time_t>(days_of(date) * kSecondsPerDay + date.hour * 3600 + date.minute * 60 +
                                  date.second);
}

}  // namespace holdfast::http

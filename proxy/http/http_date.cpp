// The calendar is std::chrono's; here is a small cursor over the date's text.
#include "proxy/http/http_date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t kYearZero = -62167219200;  // 0000-01-01 00:00:00
constexpr std::int64_t kYearEnd = 253402300799;   // 9999-12-31 23:59:59

struct Date {
  int year = 0;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
};

std::chrono::year_month_day day_of(const Date& date) {
  return std::chrono::year(date.year) / date.month / date.day;
}

int year_of(std::time_t time) {
  const std::chrono::sys_seconds at{std::chrono::seconds(time)};
  return static_cast<int>(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(at)).year());
}

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
  const int this_year = year_of(now);
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
  const std::chrono::sys_seconds at{std::chrono::seconds(seconds)};
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(at - midnight);
  const unsigned month = static_cast<unsigned>(date.month());

  std::string out = "Sun, 06 Nov 1994 08:49:37 GMT";
  std::copy_n(kDays[std::chrono::weekday(midnight).c_encoding()].begin(), 3, out.begin());
  put(&out[5], static_cast<int>(static_cast<unsigned>(date.day())), 2);
  std::copy_n(kMonths[month - 1].begin(), 3, out.begin() + 8);
  put(&out[12], static_cast<int>(date.year()), 4);
  put(&out[17], static_cast<int>(clock.hours().count()), 2);
  put(&out[20], static_cast<int>(clock.minutes().count()), 2);
  put(&out[23], static_cast<int>(clock.seconds().count()), 2);
  return out;
}

std::optional<std::time_t> parse_http_date(std::string_view text, std::time_t now) {
  Date date;
  const Cursor in(text);
  if (!read_imf_fixdate(in, date) && !read_rfc850(in, now, date) && !read_asctime(in, date))
    return std::nullopt;
  if (!day_of(date).ok()) return std::nullopt;
  // RFC 9110 5.6.7 takes ABNF of RFC 5322, with its leap second 60.
  if (date.hour > 23 || date.minute > 59 || date.second > 60) return std::nullopt;
  const std::chrono::seconds in_day(date.hour * 3600 + date.minute * 60 + date.second);
  return (std::chrono::sys_days(day_of(date)) + in_day).time_since_epoch().count();
}

}  // namespace holdfast::http

// See units.h.
#include "config/units.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "config/ascii.h"
#include "config/diagnostics.h"

namespace holdfast::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kTimeUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr Unit kSizeUnits[] = {{"k", 1U << 10}, {"m", 1U << 20}, {"g", 1U << 30}};

// How else people write units: mapped to ours for the hint only, never accepted.
struct Habit {
  std::string_view written;
  std::string_view ours;
};
constexpr Habit kTimeHabits[] = {
    {"sec", "s"},     {"secs", "s"},    {"second", "s"}, {"seconds", "s"}, {"min", "m"}, {"mins", "m"},
    {"minute", "m"},  {"minutes", "m"}, {"hour", "h"},   {"hours", "h"},   {"hr", "h"},  {"msec", "ms"},
    {"millis", "ms"}, {"", "s"},        {"s", "s"},      {"m", "m"},       {"h", "h"},   {"ms", "ms"}};
constexpr Habit kSizeHabits[] = {{"kb", "k"},  {"kib", "k"}, {"mb", "m"}, {"mib", "m"}, {"gb", "g"},
                                 {"gib", "g"}, {"k", "k"},   {"m", "m"},  {"g", "g"},   {"b", ""}};

// "30s" is "30" and "s"; a sign or a dot is no digit, so that it ends up in `rest` and is refused.
struct Split {
  std::string_view digits;
  std::string_view rest;
};

Split split_number(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto length = static_cast<std::size_t>(end - text.begin());
  return {text.substr(0, length), text.substr(length)};
}

// Digits to a number; empty when it does not fit.
std::optional<std::uint64_t> to_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return number;
}

std::string without_zeros(std::string_view digits) {
  const auto first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  return std::string(digits.substr(first));
}

template <std::size_t N>
std::optional<std::string> translated(std::string_view unit, const Habit (&habits)[N]) {
  std::string low;
  for (const char c : unit) {
    if (c != ' ') {
      low += to_lower(c);
    }
  }
  for (const Habit& habit : habits) {
    if (habit.written == low) {
      return std::string(habit.ours);
    }
  }
  return std::nullopt;
}

// `012` is refused rather than read as 12: YAML 1.1 would have read 10.
template <class T>
bool refuse_leading_zero(const Split& split, Parsed<T>& out) {
  if (split.digits.size() < 2 || split.digits[0] != '0') {
    return false;
  }
  out.error = "a number must not begin with 0";
  out.hint = "write " + without_zeros(split.digits) + std::string(split.rest);
  return true;
}

template <std::size_t N>
const Unit* find_unit(std::string_view name, const Unit (&units)[N]) {
  const auto* found =
      std::find_if(std::begin(units), std::end(units), [&](const Unit& u) { return u.name == name; });
  return found == std::end(units) ? nullptr : found;
}

}  // namespace

Parsed<std::uint64_t> parse_count(std::string_view text) {
  Parsed<std::uint64_t> out;
  const Split split = split_number(text);
  if (split.digits.empty() || !split.rest.empty()) {
    out.error = "expected a whole number, got " + quote(text);
    std::string digits;
    for (const char c : text) {
      if (c != '_' && c != ',' && c != '\'') {
        digits += c;
      }
    }
    if (digits.size() < text.size() && to_number(digits)) {
      out.hint = "write " + digits;
    }
    return out;
  }
  if (refuse_leading_zero(split, out)) {
    return out;
  }
  out.value = to_number(split.digits);
  if (!out.value) {
    out.error = quote(text) + " is too large";
  }
  return out;
}

Parsed<Duration> parse_duration(std::string_view text) {
  Parsed<Duration> out;
  const Split split = split_number(text);
  const Unit* unit = find_unit(split.rest, kTimeUnits);
  if (split.digits.empty() || unit == nullptr) {
    out.error = !split.digits.empty() && split.rest.empty()
                    ? "a duration needs a unit (ms, s, m, h), got " + quote(text)
                    : "expected a duration such as 500ms, 30s, 5m or 2h, got " + quote(text);
    if (const auto ours = translated(split.rest, kTimeHabits); ours && !split.digits.empty()) {
      out.hint = "write " + without_zeros(split.digits) + *ours;
    }
    return out;
  }
  if (refuse_leading_zero(split, out)) {
    return out;
  }
  const auto number = to_number(split.digits);
  if (!number || *number > static_cast<std::uint64_t>(kDurationMax.count()) / unit->factor) {
    out.error = quote(text) + " is too long, the most is " + duration_text(kDurationMax);
    return out;
  }
  out.value = Duration(static_cast<Duration::rep>(*number * unit->factor));
  return out;
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  Parsed<std::uint64_t> out;
  const Split split = split_number(text);
  const Unit* unit = find_unit(split.rest, kSizeUnits);
  if (split.digits.empty() || (unit == nullptr && !split.rest.empty())) {
    out.error = "expected a size such as 512, 64k, 8m or 1g, got " + quote(text);
    if (const auto ours = translated(split.rest, kSizeHabits); ours && !split.digits.empty()) {
      out.hint = "write " + without_zeros(split.digits) + *ours;
    }
    return out;
  }
  if (refuse_leading_zero(split, out)) {
    return out;
  }
  const std::uint64_t factor = unit == nullptr ? 1 : unit->factor;
  const auto number = to_number(split.digits);
  if (!number || *number > kSizeMax / factor) {
    out.error = quote(text) + " is too large, the most is " + size_text(kSizeMax);
    return out;
  }
  out.value = *number * factor;
  return out;
}

// The largest unit of which there are at least two: 60s rather than 1m, but 5m rather than 300s.
std::string duration_text(Duration duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0 || count % 1000 != 0) {
    return std::to_string(count) + (count == 0 ? "s" : "ms");
  }
  for (const Unit& unit : {kTimeUnits[3], kTimeUnits[2]}) {
    if (count % unit.factor == 0 && count / unit.factor >= 2) {
      return std::to_string(count / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(count / 1000) + "s";
}

std::string size_text(std::uint64_t bytes) {
  for (const Unit& unit : {kSizeUnits[2], kSizeUnits[1], kSizeUnits[0]}) {
    if (bytes != 0 && bytes % unit.factor == 0) {
      return std::to_string(bytes / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

}  // namespace holdfast::config

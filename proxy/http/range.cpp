// bytes=0-499, bytes=500-, bytes=-500, and lists of them.
#include "proxy/http/range.h"

#include <algorithm>
#include <optional>

#include "proxy/http/message.h"
#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

// Positions beyond 64 bits are valid and simply past the end, so this saturates.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
  }
  return value;
}

// False when `spec` is malformed. A range that lies past the end is well-formed and comes out with 0 bytes.
bool parse_spec(std::string_view spec, std::uint64_t size, ByteRange& range) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return false;
  const std::string_view first_text = spec.substr(0, dash);
  const std::string_view last_text = spec.substr(dash + 1);
  if (first_text.empty()) {
    const auto suffix = parse_position(last_text);
    if (!suffix) return false;
    const std::uint64_t bytes = std::min(*suffix, size);
    range = {size - bytes, bytes};
    return true;
  }
  const auto first = parse_position(first_text);
  const auto last = last_text.empty() ? std::optional(UINT64_MAX) : parse_position(last_text);
  if (!first || !last || *last < *first) return false;
  range = {*first, 0};
  if (*first < size) range.bytes = std::min(*last, size - 1) - *first + 1;
  return true;
}

// Joins overlapping and touching ranges; the joined one stands where its first part stood.
void coalesce(std::vector<ByteRange>& ranges) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    for (std::size_t j = i + 1; j < ranges.size();) {
      ByteRange& a = ranges[i];
      const ByteRange b = ranges[j];
      if (b.offset > a.offset + a.bytes || a.offset > b.offset + b.bytes) {
        ++j;
        continue;
      }
      const std::uint64_t end = std::max(a.offset + a.bytes, b.offset + b.bytes);
      a.offset = std::min(a.offset, b.offset);
      a.bytes = end - a.offset;
      ranges.erase(ranges.begin() + static_cast<std::ptrdiff_t>(j));
      j = i + 1;  // the grown range may now reach one that it did not reach before
    }
  }
}

}  // namespace

RangeResult parse_range(std::string_view value, std::uint64_t size) {
  const std::size_t equals = value.find('=');
  if (equals == std::string_view::npos || !equals_ignore_case(value.substr(0, equals), "bytes")) return {};
  if (size == 0) return {};  // no Content-Range can describe a part of nothing
  std::string_view list = value.substr(equals + 1);

  RangeResult result;
  std::size_t specs = 0;
  std::uint64_t asked_bytes = 0;
  std::string_view member;
  while (next_member(list, member)) {
    if (member.empty()) continue;  // RFC 9110 5.6.1.2: empty list members are ignored
    ByteRange range;
    if (++specs > kRangesMax || !parse_spec(member, size, range)) return {};
    if (range.bytes == 0) continue;
    // No overflow: each adds at most `size`, and the sum is held at or below it.
    if (range.bytes > size - asked_bytes) return {};
    asked_bytes += range.bytes;
    result.ranges.push_back(range);
  }
  if (specs == 0) return {};
  if (result.ranges.empty()) {
    result.kind = RangeResult::Kind::unsatisfiable;
    return result;
  }
  coalesce(result.ranges);
  result.kind = RangeResult::Kind::partial;
  return result;
}

}  // namespace holdfast::http

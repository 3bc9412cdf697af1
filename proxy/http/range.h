// Range requests on a representation of known size (RFC 9110 section 14).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace holdfast::http {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // at least 1; offset + bytes <= size
  bool operator==(const ByteRange&) const = default;
};

struct RangeResult {
  enum class Kind : std::uint8_t {
    whole,          // no usable Range: answer 200 with everything
    partial,        // 206 with `ranges`: one as such, several as multipart/byteranges
    unsatisfiable,  // 416 with Content-Range: bytes */size
  };
  Kind kind = Kind::whole;
  std::vector<ByteRange> ranges;  // overlapping and touching ones joined; otherwise in the order asked for
};

inline constexpr std::size_t kRangesMax = 16;

// `value` is the Range field. Units other than bytes, malformed lists, more than kRangesMax ranges, and lists
// that ask for more bytes than there are (overlaps, CVE-2011-3192) give `whole`, as RFC 9110 14.2 permits; so
// does any Range of an empty representation.
RangeResult parse_range(std::string_view value, std::uint64_t size);

}  // namespace holdfast::http

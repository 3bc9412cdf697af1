// UTF-8, code point by code point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::text {

// The code point at the start of `text`, and the bytes it takes. bytes == 0: not valid UTF-8 there (RFC 3629:
// no overlong forms, no surrogates, nothing above U+10FFFF), or `text` is empty.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;
};
CodePoint decode_utf8(std::string_view text);

// U+2028, U+2029 and the bidirectional overrides and isolates: they break or turn round a line where it is
// shown.
bool is_deceptive(std::uint32_t code_point);

}  // namespace holdfast::text

// ASCII and UTF-8 helpers at their limits.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "proxy/text/ascii.h"
#include "proxy/text/utf8.h"

using holdfast::text::decode_utf8;
using holdfast::text::hex_value;
using holdfast::text::is_alpha;
using holdfast::text::to_lower;
using holdfast::text::trim;
using holdfast::text::trim_line;

TEST_CASE("every byte: letters, lower case, hexadecimal digits") {
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const char c = static_cast<char>(byte);
    const bool upper = byte >= 'A' && byte <= 'Z';
    CHECK(is_alpha(c) == (upper || (byte >= 'a' && byte <= 'z')));
    CHECK(to_lower(c) == (upper ? static_cast<char>(byte + 32) : c));
    const std::size_t digit = std::string_view("0123456789abcdef").find(to_lower(c));
    CHECK(hex_value(c) == (digit == std::string_view::npos ? -1 : static_cast<int>(digit)));
  }
}

TEST_CASE("blanks at both ends") {
  CHECK(trim(" \t a b\t ") == "a b");
  CHECK(trim("") == "");
  CHECK(trim(" \t") == "");
  CHECK(trim(" a\r") == "a\r");
  CHECK(trim_line(" a\r\n") == "a");
}

TEST_CASE("decode_utf8 at the limits of RFC 3629") {
  const auto bytes = [](std::string_view text) { return decode_utf8(text).bytes; };
  CHECK(bytes("") == 0);
  CHECK(bytes("\x7f") == 1);
  CHECK(bytes("\x80") == 0);
  CHECK(bytes("\xc1\xbf") == 0);  // overlong
  CHECK(bytes("\xc2\x80") == 2);
  CHECK(bytes("\xdf\xbf!") == 2);
  CHECK(bytes("\xe0\x9f\xbf") == 0);  // overlong
  CHECK(bytes("\xe0\xa0\x80") == 3);
  CHECK(bytes("\xed\x9f\xbf") == 3);
  CHECK(bytes("\xed\xa0\x80") == 0);  // surrogate
  CHECK(bytes("\xee\x80\x80") == 3);
  CHECK(bytes("\xf0\x8f\xbf\xbf") == 0);  // overlong
  CHECK(bytes("\xf0\x90\x80\x80") == 4);
  CHECK(bytes("\xf4\x8f\xbf\xbf") == 4);
  CHECK(decode_utf8("\xf4\x8f\xbf\xbf").value == 0x10ffff);
  CHECK(bytes("\xf4\x90\x80\x80") == 0);
  CHECK(bytes("\xf5\x80\x80\x80") == 0);
  CHECK(bytes("\xe2\x82") == 0);  // cut
  CHECK(bytes("\xe2\x82(") == 0);
}

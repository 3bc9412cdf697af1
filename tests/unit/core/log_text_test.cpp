// Escaping of outside text for the log.
#include "proxy/core/log_text.h"

#include <doctest/doctest.h>

using holdfast::core::decode_utf8;
using holdfast::core::escape_for_log;

TEST_CASE("one line stays one line, and terminals stay still") {
  CHECK(escape_for_log("") == "");
  CHECK(escape_for_log("plain \"text\" ~") == "plain \"text\" ~");
  CHECK(escape_for_log("a\r\nb\tc\x1b[31m\x7f\\n") == "a\\r\\nb\\tc\\x1b[31m\\x7f\\\\n");
  CHECK(escape_for_log(std::string_view("a\0b", 3)) == "a\\x00b");
}

TEST_CASE("UTF-8 stays readable; C1 controls, overrides and broken sequences do not pass") {
  CHECK(escape_for_log("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(escape_for_log("\xc2\x9b"
                       "2J") == "\\xc2\\x9b2J");
  CHECK(escape_for_log("\xc2\xa0") == "\xc2\xa0");
  CHECK(escape_for_log("a\xe2\x80\xae"
                       "b\xe2\x80\xa8") == "a\\u{202e}b\\u{2028}");
  CHECK(escape_for_log("\xff\xc3(\xe2\x82") == "\\xff\\xc3(\\xe2\\x82");
  CHECK(escape_for_log("\x9b") == "\\x9b");
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

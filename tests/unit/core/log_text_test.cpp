// Escaping of outside text for the log.
#include "proxy/core/log_text.h"

#include <doctest/doctest.h>

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

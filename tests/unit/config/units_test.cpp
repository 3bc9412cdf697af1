// Counts, durations and sizes: what is taken, what is refused, and what is said instead.
#include "config/units.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast::config;
using std::chrono::milliseconds;

TEST_CASE("durations need a unit") {
  CHECK(parse_duration("500ms").value == milliseconds(500));
  CHECK(parse_duration("30s").value == milliseconds(30'000));
  CHECK(parse_duration("5m").value == milliseconds(300'000));
  CHECK(parse_duration("2h").value == milliseconds(7'200'000));
  CHECK(parse_duration("0s").value == milliseconds(0));
  CHECK(parse_duration("0ms").value == milliseconds(0));
  struct {
    const char* text;
    const char* hint;
  } const refused[] = {{"30", "write 30s"},
                       {"0", "write 0s"},
                       {"30 s", "write 30s"},
                       {"30S", "write 30s"},
                       {"5min", "write 5m"},
                       {"1 hour", "write 1h"},
                       {"010s", "write 10s"},
                       {"00s", "write 0s"},
                       {"1.5s", ""},
                       {"-1s", ""},
                       {"+1s", ""},
                       {"s", ""},
                       {"", ""},
                       {"1m30s", ""},
                       {"1d", ""},
                       {"0x1s", ""},
                       {"1s ", "write 1s"},
                       {" 1s", ""}};
  for (const auto& row : refused) {
    const auto parsed = parse_duration(row.text);
    CAPTURE(row.text);
    CHECK_FALSE(parsed.value);
    CHECK_FALSE(parsed.error.empty());
    CHECK(parsed.hint == row.hint);
  }
}

TEST_CASE("durations at their limit") {
  CHECK(parse_duration("8760h").value == kDurationMax);
  CHECK_FALSE(parse_duration("8761h").value);
  CHECK(parse_duration("31536000000ms").value == kDurationMax);
  CHECK_FALSE(parse_duration("31536000001ms").value);
  CHECK_FALSE(parse_duration("18446744073709551616ms").value);
  CHECK_FALSE(parse_duration("99999999999999999999999999h").value);
}

TEST_CASE("sizes are powers of 1024") {
  CHECK(parse_size("0").value == 0);
  CHECK(parse_size("512").value == 512);
  CHECK(parse_size("64k").value == 65536);
  CHECK(parse_size("8m").value == 8U * 1024 * 1024);
  CHECK(parse_size("1g").value == 1024U * 1024 * 1024);
  CHECK(parse_size("64K").hint == "write 64k");
  CHECK(parse_size("64KiB").hint == "write 64k");
  CHECK(parse_size("64 MB").hint == "write 64m");
  CHECK(parse_size("100b").hint == "write 100");
  for (const char* text : {"", "k", "1.5m", "-1", "1t", "0x10", "012", "1e3", "64kk"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).value);
  }
  CHECK(parse_size("1048576g").value == kSizeMax);
  CHECK_FALSE(parse_size("1048577g").value);
  CHECK_FALSE(parse_size("18446744073709551615").value);
  CHECK_FALSE(parse_size("17179869184g").value);  // 2^64: must not wrap round to 0
}

TEST_CASE("counts are decimal digits, and 012 is not 10") {
  CHECK(parse_count("0").value == 0);
  CHECK(parse_count("18446744073709551615").value == UINT64_MAX);
  CHECK_FALSE(parse_count("18446744073709551616").value);
  CHECK(parse_count("012").hint == "write 12");
  CHECK(parse_count("1_000").hint == "write 1000");
  CHECK(parse_count("10,000").hint == "write 10000");
  for (const char* text : {"", "four", "-1", "+1", "1.0", "0x10", "0o17", "1e3", " 1", "1 "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_count(text).value);
  }
}

TEST_CASE("printed numbers read back") {
  CHECK(duration_text(milliseconds(0)) == "0s");
  CHECK(duration_text(milliseconds(1500)) == "1500ms");
  CHECK(duration_text(milliseconds(60'000)) == "60s");
  CHECK(duration_text(milliseconds(75'000)) == "75s");
  CHECK(duration_text(milliseconds(300'000)) == "5m");
  CHECK(duration_text(milliseconds(7'200'000)) == "2h");
  CHECK(size_text(0) == "0");
  CHECK(size_text(1023) == "1023");
  CHECK(size_text(65536) == "64k");
  CHECK(size_text(1U << 30) == "1g");
  for (std::int64_t n : {0, 1, 999, 1000, 1001, 59'999, 60'000, 120'000, 3'600'000, 7'199'999, 86'400'000}) {
    CHECK(parse_duration(duration_text(milliseconds(n))).value == milliseconds(n));
    const auto size = static_cast<std::uint64_t>(n);
    CHECK(parse_size(size_text(size)).value == size);
    CHECK(parse_size(size_text(size * 1024)).value == size * 1024);
  }
}

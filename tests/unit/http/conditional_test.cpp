// Entity tags, conditional requests and ranges.
#include "proxy/http/conditional.h"

#include <doctest/doctest.h>

#include "proxy/http/etag_list.h"
#include "proxy/http/range.h"

using namespace holdfast::http;

namespace {

constexpr std::time_t kModified = 784111777;
constexpr std::time_t kNow = 1767225600;
constexpr const char* kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr const char* kSame = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";
const Validators kStrong = {"\"v1\"", kModified};
const Validators kWeak = {"W/\"v1\"", kModified};
const Validators kNone = {};

Precondition evaluate(std::vector<Field> fields, const Validators& validators = kStrong,
                      Method method = Method::get, std::time_t now = kNow) {
  RequestHead head;
  head.method = method;
  head.fields = std::move(fields);
  return evaluate_conditions(head, validators, now);
}

constexpr auto kProceed = Precondition::proceed;
constexpr auto kNotModified = Precondition::not_modified;
constexpr auto kFailed = Precondition::precondition_failed;
constexpr auto kIgnoreRange = Precondition::ignore_range;

}  // namespace

TEST_CASE("entity tags") {
  for (const char* good : {"\"\"", "\"a\"", "W/\"a\"", "\"a,b\\\"", "\"\xc3\xa4\"", "\"!#[]\""})
    CHECK(is_etag(good));
  for (const char* bad : {"", "a", "\"", "\"a", "a\"", "w/\"a\"", "W/", "W/a", "\"a b\"", "\"a\"b\"",
                          "\"a\" ", "\"a\x7f\"", "W/W/\"a\"", "*"})
    CHECK_FALSE(is_etag(bad));

  // The table of RFC 9110 8.8.3.2.
  CHECK_FALSE(strong_match("W/\"1\"", "W/\"1\""));
  CHECK(weak_match("W/\"1\"", "W/\"1\""));
  CHECK_FALSE(weak_match("W/\"1\"", "W/\"2\""));
  CHECK_FALSE(strong_match("W/\"1\"", "\"1\""));
  CHECK(weak_match("W/\"1\"", "\"1\""));
  CHECK(strong_match("\"1\"", "\"1\""));
  CHECK(weak_match("\"1\"", "\"1\""));
  CHECK_FALSE(strong_match("", ""));
  CHECK_FALSE(weak_match("", ""));
}

TEST_CASE("lists of entity tags") {
  for (const char* list : {"\"v\"", "\"a\", \"v\"", "\"a\",\"v\"", ",, \"a\" ,\t,\"v\" ,", "W/\"a\", \"v\"",
                           "\"a,b\", \"v\"", "\"v\" garbage-after-is-cut, x"}) {
    CAPTURE(list);
    const bool garbage = std::string_view(list).find("garbage") != std::string_view::npos;
    CHECK(etag_list_matches(list, "\"v\"", false) == !garbage);
    CHECK(etag_list_matches(list, "W/\"v\"", true) == !garbage);
    CHECK_FALSE(etag_list_matches(list, "W/\"v\"", false));
  }
  for (const char* list :
       {"", ",", "v", "\"a\" \"v\"", "\"a\"\"v\"", "\"a, \"v\"", "x, \"v\"", "\"V\"", "\"v", "*"}) {
    CAPTURE(list);
    CHECK_FALSE(etag_list_matches(list, "\"v\"", true));
  }
  CHECK_FALSE(etag_list_matches("\"\"", "", true));
}

TEST_CASE("If-None-Match") {
  CHECK(evaluate({}) == kProceed);
  CHECK(evaluate({{"If-None-Match", "\"v1\""}}) == kNotModified);
  CHECK(evaluate({{"if-none-match", "W/\"v1\""}}) == kNotModified);
  CHECK(evaluate({{"If-None-Match", "\"v1\""}}, kWeak) == kNotModified);
  CHECK(evaluate({{"If-None-Match", "\"v0\", \"v1\""}}) == kNotModified);
  CHECK(evaluate({{"If-None-Match", "\"v0\""}, {"If-None-Match", "\"v1\""}}) == kNotModified);
  CHECK(evaluate({{"If-None-Match", "*"}}) == kNotModified);
  CHECK(evaluate({{"If-None-Match", "*"}}, kNone) == kNotModified);
  CHECK(evaluate({{"If-None-Match", "\"v0\""}}) == kProceed);
  CHECK(evaluate({{"If-None-Match", ""}}) == kProceed);
  CHECK(evaluate({{"If-None-Match", "\"v1\""}}, kNone) == kProceed);
  CHECK(evaluate({{"If-None-Match", "\"v1\""}}, kStrong, Method::head) == kNotModified);
  CHECK(evaluate({{"If-None-Match", "\"v1\""}}, kStrong, Method::put) == kFailed);
  CHECK(evaluate({{"If-None-Match", "*"}}, kStrong, Method::put) == kFailed);
}

TEST_CASE("If-Modified-Since") {
  CHECK(evaluate({{"If-Modified-Since", kBefore}}) == kProceed);
  CHECK(evaluate({{"If-Modified-Since", kSame}}) == kNotModified);
  CHECK(evaluate({{"If-Modified-Since", kAfter}}) == kNotModified);
  CHECK(evaluate({{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}) == kNotModified);
  CHECK(evaluate({{"If-Modified-Since", kSame}}, kStrong, Method::head) == kNotModified);
  CHECK(evaluate({{"If-Modified-Since", kSame}}, kStrong, Method::post) == kProceed);
  CHECK(evaluate({{"If-Modified-Since", kSame}}, kNone) == kProceed);
  CHECK(evaluate({{"If-Modified-Since", "yesterday"}}) == kProceed);
  CHECK(evaluate({{"If-Modified-Since", kSame}, {"If-Modified-Since", kSame}}) == kProceed);
  // If-None-Match makes it void, either way.
  CHECK(evaluate({{"If-None-Match", "\"v0\""}, {"If-Modified-Since", kSame}}) == kProceed);
  CHECK(evaluate({{"If-Modified-Since", kBefore}, {"If-None-Match", "\"v1\""}}) == kNotModified);
}

TEST_CASE("If-Match and If-Unmodified-Since") {
  CHECK(evaluate({{"If-Match", "\"v1\""}}) == kProceed);
  CHECK(evaluate({{"If-Match", "*"}}) == kProceed);
  CHECK(evaluate({{"If-Match", "\"v0\", \"v1\""}}) == kProceed);
  CHECK(evaluate({{"If-Match", "\"v0\""}}) == kFailed);
  CHECK(evaluate({{"If-Match", "\"v0\""}}, kStrong, Method::put) == kFailed);
  CHECK(evaluate({{"If-Match", "W/\"v1\""}}) == kFailed);  // strong comparison
  CHECK(evaluate({{"If-Match", "W/\"v1\""}}, kWeak) == kFailed);
  CHECK(evaluate({{"If-Match", "\"v1\""}}, kNone) == kFailed);
  CHECK(evaluate({{"If-Unmodified-Since", kBefore}}) == kFailed);
  CHECK(evaluate({{"If-Unmodified-Since", kBefore}}, kStrong, Method::post) == kFailed);
  CHECK(evaluate({{"If-Unmodified-Since", kSame}}) == kProceed);
  CHECK(evaluate({{"If-Unmodified-Since", kAfter}}) == kProceed);
  CHECK(evaluate({{"If-Unmodified-Since", "x"}}) == kProceed);
  CHECK(evaluate({{"If-Unmodified-Since", kBefore}}, kNone) == kProceed);
  // If-Match makes it void; after it, If-None-Match still counts.
  CHECK(evaluate({{"If-Match", "\"v1\""}, {"If-Unmodified-Since", kBefore}}) == kProceed);
  CHECK(evaluate({{"If-Match", "\"v1\""}, {"If-None-Match", "\"v1\""}}) == kNotModified);
  CHECK(evaluate({{"If-None-Match", "\"v1\""}, {"If-Match", "\"v0\""}}) == kFailed);
}

TEST_CASE("If-Range") {
  const Field range = {"Range", "bytes=0-1"};
  CHECK(evaluate({range}) == kProceed);
  CHECK(evaluate({range, {"If-Range", "\"v1\""}}) == kProceed);
  CHECK(evaluate({range, {"If-Range", "\"v0\""}}) == kIgnoreRange);
  CHECK(evaluate({range, {"If-Range", "W/\"v1\""}}, kWeak) == kIgnoreRange);
  CHECK(evaluate({range, {"If-Range", "\"v1\", \"v1\""}}) == kIgnoreRange);
  CHECK(evaluate({range, {"If-Range", "*"}}) == kIgnoreRange);
  CHECK(evaluate({range, {"If-Range", kSame}}) == kProceed);
  CHECK(evaluate({range, {"If-Range", kSame}}, kStrong, Method::get, kModified + 1) == kProceed);
  CHECK(evaluate({range, {"If-Range", kSame}}, kStrong, Method::get, kModified) == kIgnoreRange);
  CHECK(evaluate({range, {"If-Range", kAfter}}) == kIgnoreRange);  // exact match only
  CHECK(evaluate({range, {"If-Range", kBefore}}) == kIgnoreRange);
  CHECK(evaluate({range, {"If-Range", kSame}}, kNone) == kIgnoreRange);
  CHECK(evaluate({range, {"If-Range", "\"v1\""}, {"If-Range", "\"v1\""}}) == kIgnoreRange);
  CHECK(evaluate({{"If-Range", "\"v0\""}}) == kProceed);  // nothing to ignore
  CHECK(evaluate({range, {"If-Range", "\"v0\""}}, kStrong, Method::head) == kProceed);
  CHECK(evaluate({range, {"If-Range", "\"v1\""}, {"If-None-Match", "\"v1\""}}) == kNotModified);
}

namespace {

using Kind = RangeResult::Kind;
using Ranges = std::vector<ByteRange>;

void check_partial(std::string_view value, std::uint64_t size, const Ranges& expected) {
  CAPTURE(std::string(value));
  const RangeResult result = parse_range(value, size);
  CHECK(result.kind == Kind::partial);
  CHECK(result.ranges == expected);
}

}  // namespace

TEST_CASE("single ranges") {
  check_partial("bytes=0-0", 10, {{0, 1}});
  check_partial("bytes=0-9", 10, {{0, 10}});
  check_partial("bytes=0-10", 10, {{0, 10}});
  check_partial("bytes=9-9", 10, {{9, 1}});
  check_partial("BYTES=2-", 10, {{2, 8}});
  check_partial("bytes=-3", 10, {{7, 3}});
  check_partial("bytes=-10", 10, {{0, 10}});
  check_partial("bytes=-11", 10, {{0, 10}});
  check_partial("bytes= 1-2", 10, {{1, 2}});
  check_partial("bytes=1-99999999999999999999999", 10, {{1, 9}});
  check_partial("bytes=-99999999999999999999999", 10, {{0, 10}});
  check_partial("bytes=0-", UINT64_MAX, {{0, UINT64_MAX}});
  check_partial("bytes=18446744073709551614-", UINT64_MAX, {{UINT64_MAX - 1, 1}});
}

TEST_CASE("several ranges") {
  check_partial("bytes=0-0,2-3", 10, {{0, 1}, {2, 2}});
  check_partial("bytes=5-6, 0-1 ,-1", 10, {{5, 2}, {0, 2}, {9, 1}});  // in the order asked for
  check_partial("bytes=0-1,,3-4,", 10, {{0, 2}, {3, 2}});
  check_partial("bytes=0-1,20-30", 10, {{0, 2}});  // what cannot be met is left out
  check_partial("bytes=0-1,-0", 10, {{0, 2}});
  check_partial("bytes=0-1,2-3", 10, {{0, 4}});      // touching
  check_partial("bytes=2-3,0-1", 10, {{0, 4}});      // touching, the other way round
  check_partial("bytes=0-3,2-5", 10, {{0, 6}});      // overlapping
  check_partial("bytes=0-1,6-7,1-6", 12, {{0, 8}});  // a joiner that comes late
  check_partial("bytes=8-9,0-1,7-8", 12, {{7, 3}, {0, 2}});
}

TEST_CASE("ranges that cannot be met") {
  for (const char* value : {"bytes=10-", "bytes=10-10", "bytes=11-20", "bytes=-0", "bytes=10-,20-30",
                            "bytes=18446744073709551616-"}) {
    CAPTURE(value);
    const RangeResult result = parse_range(value, 10);
    CHECK(result.kind == Kind::unsatisfiable);
    CHECK(result.ranges.empty());
  }
}

TEST_CASE("a Range that is ignored") {
  for (const char* value : {"",
                            "bytes",
                            "bytes=",
                            "bytes=,",
                            "items=0-1",
                            "bytes =0-1",
                            "bytes=a-b",
                            "bytes=1",
                            "bytes=-",
                            "bytes=2-1",
                            "bytes=1-2-3",
                            "bytes=0-1,x",
                            "bytes=0-1;2-3",
                            "bytes=+0-1",
                            "bytes=0x0-1",
                            "bytes=0 - 1",
                            "bytes=--1",
                            "bytes=20-19",
                            "=0-1",
                            "bytes=0-,0-",
                            "bytes=0-9,0-0",
                            "bytes=0-5,1-5"}) {
    CAPTURE(value);
    const RangeResult result = parse_range(value, 10);
    CHECK(result.kind == Kind::whole);
    CHECK(result.ranges.empty());
  }
  for (const char* value : {"bytes=0-", "bytes=-5", "bytes=0-0"})
    CHECK(parse_range(value, 0).kind == Kind::whole);
}

TEST_CASE("how many ranges") {
  const auto list = [](int count) {
    std::string value = "bytes=";
    for (int i = 0; i < count; ++i) value += std::to_string(i * 10) + "-" + std::to_string(i * 10) + ",";
    return value;
  };
  CHECK(parse_range(list(15), 1000).ranges.size() == 15);
  CHECK(parse_range(list(16), 1000).ranges.size() == 16);
  CHECK(parse_range(list(17), 1000).kind == Kind::whole);
}

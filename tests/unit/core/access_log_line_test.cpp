// Lines of the access log, golden and hostile.
#include "proxy/core/access_log_line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "proxy/core/log_text.h"

using holdfast::config::LogFormat;
using holdfast::core::AccessLogFormatter;
using holdfast::core::AccessRecord;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

AccessRecord sample() {
  AccessRecord record;
  record.client_address = "192.0.2.7";
  record.time = 1767323045;  // 2026-01-02 03:04:05 UTC
  record.milliseconds = 7;
  record.method = "GET";
  record.target = "/a?b=c";
  record.status = 200;
  record.body_bytes = 5120;
  record.referer = "https://example.com/";
  record.user_agent = "curl/8.0";
  record.host = "example.com";
  record.request_time = microseconds(12345);
  record.queue_time = microseconds(0);
  record.first_byte_time = milliseconds(11);
  record.pool = "php";
  record.connection_id = 3;
  record.reused = true;
  record.outcome = "ok";
  return record;
}

std::string line(LogFormat format, const AccessRecord& record) {
  std::string out;
  AccessLogFormatter(format).append(record, out);
  return out;
}

std::string combined(const AccessRecord& record) {
  return line(LogFormat::combined, record);
}
std::string json(const AccessRecord& record) {
  return line(LogFormat::json, record);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("combined, golden") {
  CHECK(combined(sample()) ==
        "192.0.2.7 - - [02/Jan/2026:03:04:05 +0000] \"GET /a?b=c HTTP/1.1\" 200 5120 "
        "\"https://example.com/\" \"curl/8.0\" host=example.com rt=0.012 qt=0.000 ct=- fb=0.011 pool=php "
        "conn=3 "
        "reused=1 retried=0 end=ok\n");
  AccessRecord nothing;
  nothing.status = 400;
  nothing.outcome = "bad_request";
  CHECK(combined(nothing) ==
        "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\" host=- rt=- qt=- ct=- fb=- pool=- conn=- "
        "reused=0 retried=0 end=bad_request\n");
}

TEST_CASE("of a web server's request the line tells the listener and the script") {
  AccessRecord record = sample();
  record.listener = "unix:/run/h.sock";
  record.script = "/srv/a b.php";
  CHECK(has(combined(record), " pool=php listener=unix:/run/h.sock script=/srv/a\\x20b.php conn=3 "));
  CHECK(has(json(record), "\"pool\":\"php\",\"listener\":\"unix:/run/h.sock\",\"script\":\"/srv/a b.php\","));
}

TEST_CASE("json, golden") {
  AccessRecord record = sample();
  record.version_minor = 0;
  record.retried = 1;
  CHECK(
      json(record) ==
      "{\"time\":\"2026-01-02T03:04:05.007Z\",\"client\":\"192.0.2.7\",\"user\":\"\",\"method\":\"GET\","
      "\"target\":\"/a?b=c\",\"protocol\":\"HTTP/1.0\",\"status\":200,\"body_bytes\":5120,"
      "\"referer\":\"https://example.com/\",\"user_agent\":\"curl/8.0\",\"host\":\"example.com\","
      "\"request_time\":0.012345,\"queue_time\":0.000000,\"connect_time\":null,\"first_byte_time\":0.011000,"
      "\"pool\":\"php\",\"connection\":3,\"reused\":true,\"retried\":1,\"outcome\":\"ok\"}\n");
}

TEST_CASE("nothing from outside can end a field or a line") {
  AccessRecord record = sample();
  const std::string_view evil = "x\" 200 \\\r\n\x1b[2J\x7f\xc3\xa9\xff";
  record.method = record.target = record.referer = record.user_agent = record.host = record.user = evil;
  record.client_address = record.pool = record.outcome = evil;
  const std::string text = combined(record);
  CHECK(std::count(text.begin(), text.end(), '"') == 6);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  for (const char c : text.substr(0, text.size() - 1)) CHECK((c >= 0x20 && c < 0x7f));
  CHECK(has(text, "\"x\\x22 200 \\x5c\\x0d\\x0a\\x1b[2J\\x7f\\xc3\\xa9\\xff\" host="));
  CHECK(has(text, " host=x\\x22\\x20200\\x20\\x5c\\x0d\\x0a\\x1b[2J\\x7f\\xc3\\xa9\\xff rt="));

  const std::string object = json(record);
  CHECK(std::count(object.begin(), object.end(), '\n') == 1);
  CHECK(has(object,
            "\"user_agent\":\"x\\\" 200 \\\\\\u000d\\u000a\\u001b[2J\\u007f\xc3\xa9\\ufffd\",\"host\""));
}

TEST_CASE("json: C1 controls and overrides are escaped, other UTF-8 is kept, each bad byte is replaced") {
  AccessRecord record = sample();
  record.user_agent = "\xc2\x9b\xe2\x80\xae\xf0\x9f\x98\x80\xed\xa0\x80";
  CHECK(has(json(record), "\"\\u009b\\u202e\xf0\x9f\x98\x80\\ufffd\\ufffd\\ufffd\""));
}

TEST_CASE("every byte at every place of a long text is escaped as it is alone") {
  for (int c = 0; c < 256; ++c) {
    for (std::size_t place = 0; place < 20; ++place) {
      std::string agent(20, 'a');
      agent[place] = static_cast<char>(c);
      AccessRecord record = sample();
      record.user_agent = agent;
      std::string expected = agent;
      if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
        char escape[5];
        std::snprintf(escape, sizeof escape, "\\x%02x", c);
        expected.replace(place, 1, escape);
      }
      REQUIRE(has(combined(record), "\"" + expected + "\" host="));
    }
  }
}

TEST_CASE("the cached second follows the time, back and forth") {
  AccessLogFormatter formatter(LogFormat::combined);
  AccessRecord record = sample();
  const auto stamp = [&](std::time_t time) {
    record.time = time;
    std::string out;
    formatter.append(record, out);
    return out.substr(out.find('[') + 1, 20);
  };
  CHECK(stamp(0) == "01/Jan/1970:00:00:00");
  CHECK(stamp(951782399) == "28/Feb/2000:23:59:59");
  CHECK(stamp(951782400) == "29/Feb/2000:00:00:00");
  CHECK(stamp(951782400) == "29/Feb/2000:00:00:00");
  CHECK(stamp(951782399) == "28/Feb/2000:23:59:59");
  CHECK(stamp(4107542400) == "01/Mar/2100:00:00:00");  // 2100 is no leap year
  CHECK(stamp(4107542399) == "28/Feb/2100:23:59:59");
  CHECK(stamp(-5) == "01/Jan/1970:00:00:00");
}

TEST_CASE("dates agree with gmtime") {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    AccessRecord record = sample();
    record.time = static_cast<std::time_t>(random()) * 2;
    std::tm parts{};
    gmtime_r(&record.time, &parts);
    char expected[64];
    std::strftime(expected, sizeof expected, "\"%Y-%m-%dT%H:%M:%S.007Z\"", &parts);
    REQUIRE(has(json(record), expected));
  }
}

TEST_CASE("times are cut, not rounded, and long ones are whole") {
  AccessRecord record = sample();
  record.request_time = std::chrono::nanoseconds(999'999'999);
  record.queue_time = std::chrono::seconds(10);
  record.connect_time = std::chrono::hours(2);
  CHECK(has(combined(record), " rt=0.999 qt=10.000 ct=7200.000 "));
  CHECK(
      has(json(record), "\"request_time\":0.999999,\"queue_time\":10.000000,\"connect_time\":7200.000000,"));
}

TEST_CASE("a refused head: its first bytes, escaped, in place of the request line") {
  AccessRecord record = sample();
  record.method = record.target = {};
  record.first_bytes = "\x16\x03\x01 \"x\n";
  CHECK(has(combined(record), "] \"\\x16\\x03\\x01 \\x22x\\x0a\" 200 "));
  CHECK(has(json(record), R"("method":"","target":"","first_bytes":"\u0016\u0003\u0001 \"x\u000a",)"));
  record.first_bytes = {};
  CHECK(has(combined(record), "] \"-\" 200 "));
  CHECK_FALSE(has(json(record), "first_bytes"));
}

TEST_CASE("a line has a length limit: its fields are cut and say so, and JSON stays JSON") {
  for (const char byte : {'x', '"', '\x01', '\xff', ' '}) {
    const std::string huge(1 << 20, byte);
    AccessRecord record = sample();
    record.method = record.user = record.target = record.referer = record.user_agent = record.host = huge;
    for (const LogFormat format : {LogFormat::combined, LogFormat::json}) {
      const std::string text = line(format, record);
      CHECK(text.size() <= holdfast::core::kLogLineMost);
      CHECK(text.size() > 3000);
      const std::string words = format == LogFormat::json ? " more bytes" : "more";
      std::size_t cuts = 0;
      for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++cuts;
      CHECK(cuts == 6);
      CHECK(has(text, format == LogFormat::json ? "\"outcome\":\"ok\"}\n" : " end=ok\n"));
      CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    }
    if (byte == 'x') CHECK(has(json(record), "xx... " + std::to_string((1 << 20) - 2048) + " more bytes\","));
  }
}

TEST_CASE("a long line below the limit is whole") {
  AccessRecord record = sample();
  const std::string target(7000, 't');
  record.target = target;
  CHECK(has(combined(record), target));
  CHECK(has(json(record), target));
}

// One line of the access log from the plain facts of one request: Apache's combined format with a tail of
// key=value timings, or one JSON object. Owns only the text of the current second. Writes nothing anywhere.
//
//   192.0.2.7 - - [02/Jan/2026:03:04:05 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8" host=example.com
//       rt=0.012 qt=0.000 ct=- fb=0.011 pool=php conn=3 reused=1 retried=0 end=ok       (one line)
//
// Times are UTC: the line reads the same on every machine. All that clients or applications chose is escaped,
// so that no quote, space or line break of theirs can be taken for ours.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "config/choices.h"

namespace holdfast::core {

struct AccessRecord {
  using Duration = std::chrono::nanoseconds;
  static constexpr Duration kNone{-1};  // did not happen, or is not known

  std::string_view client_address;  // empty: a Unix socket
  std::string_view user;
  std::time_t time = 0;  // UTC seconds when the request line was read, and
  int milliseconds = 0;
  std::string_view method;  // empty with target: refused before there was a request line
  std::string_view target;
  std::string_view first_bytes;  // in place of method and target: what came instead of a request line
  int version_minor = 1;
  int status = 0;
  std::uint64_t body_bytes = 0;  // sent
  std::string_view referer;
  std::string_view user_agent;
  std::string_view host;
  Duration request_time = kNone;     // first byte of the request to last byte of the answer
  Duration queue_time = kNone;       // waited for a connection
  Duration connect_time = kNone;     // none when a connection was reused
  Duration first_byte_time = kNone;  // request written to first byte of the response
  std::string_view pool;             // empty: not for PHP
  std::string_view listener;         // where a web server spoke FastCGI; empty: HTTP. With it goes
  std::string_view script;           // the script's path as php should see it
  std::uint64_t connection_id = 0;   // 0: none
  bool reused = false;
  unsigned retried = 0;
  std::string_view outcome;  // "ok", or why not
};

class AccessLogFormatter {
 public:
  explicit AccessLogFormatter(config::LogFormat format) : format_(format) {}

  // Appends the line, its "\n" included. One that would be longer than kLogLineMost has its fields cut to
  // "... n more bytes".
  void append(const AccessRecord& record, std::string& out);

 private:
  void append_whole(const AccessRecord& record, std::string& out);
  void append_combined(const AccessRecord& record, std::string& out);
  void append_json(const AccessRecord& record, std::string& out);
  // "02/Jan/2026:03:04:05 +0000" or "2026-01-02T03:04:05", formatted once a second.
  std::string_view second_text(std::time_t time);

  config::LogFormat format_;
  std::time_t second_ = -1;
  std::array<char, 40> second_text_{};
  std::size_t second_bytes_ = 0;
};

}  // namespace holdfast::core

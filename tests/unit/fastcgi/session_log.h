// Runs one Session over an application's bytes and renders what it said as one line: the golden logs of the
// session tests.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "fastcgi/session.h"
#include "reference_codec.h"

namespace session_log {

using namespace holdfast::fastcgi;

// Appends events as they come; neighbouring slices of one stream are joined, since their cut is the
// network's. "out1:text err1:text end1/7/0 answered failed:eof"
class Log {
 public:
  void add(const std::vector<Event>& events) {
    for (const Event& event : events) {
      CHECK(!has_failed_);  // nothing follows `failed`
      switch (event.kind) {
        case Event::Kind::stdout_data: add_bytes("out", event); break;
        case Event::Kind::stderr_data: add_bytes("err", event); break;
        case Event::Kind::request_ended:
          start("end" + std::to_string(event.request_id) + '/' + std::to_string(event.app_status) + '/' +
                std::to_string(static_cast<int>(event.protocol_status)));
          break;
        case Event::Kind::barrier_answered: start("answered"); break;
        case Event::Kind::odd_answer: start("odd"); break;
        case Event::Kind::failed:
          start("failed:" + std::string(fault_name(event.fault)));
          has_failed_ = true;
          break;
      }
    }
  }
  const std::string& text() const { return text_; }

 private:
  void add_bytes(const char* stream, const Event& event) {
    CHECK(!event.bytes.empty());
    const std::string key = stream + std::to_string(event.request_id) + ':';
    if (key != open_stream_) start(key);
    open_stream_ = key;
    text_ += event.bytes;
  }
  void start(const std::string& word) {
    if (!text_.empty()) text_ += ' ';
    text_ += word;
    open_stream_.clear();
  }

  std::string text_;
  std::string open_stream_;
  bool has_failed_ = false;
};

inline std::uint16_t begin(Session& session, std::uint64_t content_length = 0, bool keep = true) {
  std::string out;
  return session.begin_request(Role::responder, keep, ParamList{}, content_length, out);
}
inline void barrier(Session& session) {
  std::string out;
  session.write_barrier(out);
}
// Feeds bytes of the past, which the test does not ask about.
inline void feed(Session& session, std::string_view input) {
  std::vector<Event> events;
  session.feed(input, events);
  for (const Event& event : events) REQUIRE(event.kind != Event::Kind::failed);
}
inline std::string log_of(Session& session, const std::vector<std::string>& pieces) {
  Log log;
  std::vector<Event> events;
  for (const std::string& piece : pieces) {
    events.clear();
    session.feed(piece, events);
    log.add(events);
  }
  return log.text();
}

// Prepares a session with one request.
inline constexpr auto kOneOpen = [](Session& session) { begin(session); };

// The same log for every cut of `input`, each time on a new session that `prepare` brought to its state.
template <class Prepare>
void check_every_cut(std::size_t capacity, Prepare prepare, const std::string& input,
                     const std::string& expected) {
  reference::for_each_cut(input, [&](const std::vector<std::string>& pieces) {
    Session session(capacity);
    prepare(session);
    const std::string log = log_of(session, pieces);
    CAPTURE(pieces.size());
    CAPTURE(pieces[0].size());
    if (expected.size() < 500) {
      CHECK(log == expected);
    } else {
      const bool is_same = log == expected;  // not printed
      CHECK(is_same);
    }
    CHECK((session.fault() != Fault::none) == (log.find("failed:") != std::string::npos));
  });
}

}  // namespace session_log

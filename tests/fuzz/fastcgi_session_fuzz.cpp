// libFuzzer harness for fastcgi::Session: the input is a little program of actions and application bytes, and
// it also decides the cuts. Oracle: one session fed whole chunks and one fed the same chunks in pieces say
// the same, at the end of each chunk. For longer than `./dev fuzz` does:
//
//   build/fuzz/tests/fuzz/fastcgi_session_fuzz -max_total_time=3600 -max_len=2048
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "choices.h"
#include "fastcgi/record_writer.h"
#include "fastcgi/session.h"

using namespace holdfast::fastcgi;

namespace {

// A session and what it said, neighbouring slices of a stream joined.
struct Witness {
  Session session;
  std::string log;
  std::string sent;
  std::string open_stream;
  std::vector<Event> events;

  Witness(std::size_t capacity, std::uint16_t first_id) : session(capacity, first_id) {}

  void feed(std::string_view piece) {
    // At its exact size on the heap, so that the sanitizer sees a read past its end.
    const std::vector<char> exact(piece.begin(), piece.end());
    events.clear();
    session.feed({exact.data(), exact.size()}, events);
    take_events();
  }
  void feed_eof() {
    events.clear();
    session.feed_eof(events);
    take_events();
  }

 private:
  void take_events() {
    for (const Event& event : events) {
      std::string key = std::to_string(static_cast<int>(event.kind)) + '/' + std::to_string(event.request_id);
      const bool is_stream = event.kind == Event::Kind::stdout_data || event.kind == Event::Kind::stderr_data;
      if (!is_stream) {
        key += '/' + std::to_string(event.app_status) + '/' +
               std::to_string(static_cast<int>(event.protocol_status)) + '/' +
               std::string(fault_name(event.fault));
      }
      if (!is_stream || key != open_stream) log += '\n' + key + ':';
      open_stream = is_stream ? key : "";
      log += event.bytes;
    }
  }
};

void expect(bool holds) {
  if (!holds) std::abort();
}

// A stray byte while idle may be the version of a late answer; its second byte, that of the type, tells. Where the cut
// lies between the two, the session waits for the whole header. It is not reusable meanwhile.
bool is_judged_later(const Witness& whole, const Witness& cut) {
  return whole.session.fault() == Fault::bytes_while_idle && cut.session.fault() == Fault::none &&
         cut.session.reuse_verdict() == ReuseVerdict::inside_record;
}

void compare(const Witness& a, const Witness& b) {
  expect(a.log == b.log);
  expect(a.sent == b.sent);
  expect(a.session.fault() == b.session.fault());
  expect(a.session.reuse_verdict() == b.session.reuse_verdict());
  expect(a.session.open_requests() == b.session.open_requests());
  expect(a.session.barrier_pending() == b.session.barrier_pending());
  expect(!a.session.can_begin() || a.session.fault() == Fault::none);
}

// What a web server may do now, done to one session.
void act(Witness& witness, std::size_t choice, std::uint16_t& last_id) {
  Session& session = witness.session;
  const bool keep = (choice & 0x80) == 0;
  const std::uint64_t length = choice >> 2 & 7;
  if (session.can_begin()) {
    ParamList params;
    expect(params.add("NAME", "value"));
    const bool asks_barrier = session.open_requests() == 0 && (choice & 3) == 3;
    if (asks_barrier) {
      session.write_barrier(witness.sent);
    } else {
      last_id = session.begin_request(Role::responder, keep, params, length, witness.sent);
    }
  } else if (session.stdin_bytes_left(last_id) > 0) {
    session.write_stdin(last_id, "x", witness.sent);
  } else if (session.open_requests() == 0 && !session.barrier_pending() && session.fault() == Fault::none) {
    session.write_barrier(witness.sent);
  }
}

// Bytes of an application: sound records for the most part, else the fuzzer's own bytes.
std::string chunk_of(Choices& choices, std::size_t choice) {
  static constexpr RecordType kTypes[] = {RecordType::stdout_data, RecordType::stderr_data,
                                          RecordType::end_request, RecordType::get_values_result};
  std::string chunk;
  for (std::size_t records = choice & 3; records > 0; --records) {
    const std::size_t shape = choices.byte();
    const RecordType type = kTypes[shape & 3];
    const auto id =
        static_cast<std::uint16_t>(type == RecordType::get_values_result ? 0 : choices.byte() & 7);
    const std::size_t padding = (shape & 4) == 0 ? 0 : choices.byte();
    if (type == RecordType::end_request && (shape & 8) == 0) {
      write_record(type, id, std::string_view("\0\0\0\7\0\0\0\0", 8), padding, chunk);
    } else {
      write_record(type, id, choices.text(shape >> 4), padding, chunk);
    }
  }
  if ((choice & 0x60) == 0x60) chunk += choices.text(choices.byte());
  return chunk;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  const std::size_t capacity = choices.byte() % 4;
  const auto first_id = static_cast<std::uint16_t>((choices.byte() & 1) == 0 ? 1 : 65534);
  Witness whole(capacity, first_id);
  Witness cut(capacity, first_id);
  std::uint16_t whole_id = 0;
  std::uint16_t cut_id = 0;
  while (!choices.empty()) {
    const std::size_t choice = choices.byte();
    if ((choice & 0x10) != 0) {
      act(whole, choice, whole_id);
      act(cut, choice, cut_id);
      expect(whole_id == cut_id);
    }
    const std::string chunk = chunk_of(choices, choice);
    whole.feed(chunk);
    std::string_view rest = chunk;
    const std::size_t step_max = choices.byte() % 24 + 1;
    while (!rest.empty()) {
      const std::size_t step = std::min(rest.size(), choices.byte() % step_max + 1);
      cut.feed(rest.substr(0, step));
      rest.remove_prefix(step);
    }
    if (is_judged_later(whole, cut)) return 0;
    compare(whole, cut);
  }
  whole.feed_eof();
  cut.feed_eof();
  compare(whole, cut);
  expect(whole.session.fault() != Fault::none);
  return 0;
}

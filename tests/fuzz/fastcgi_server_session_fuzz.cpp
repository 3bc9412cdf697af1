// libFuzzer harness for fastcgi::ServerSession: the input is a little program of web server's records and of
// a host's acts, and it also decides the cuts. Oracle: one session fed whole chunks and one fed the same
// chunks in pieces say, write and become the same, at the end of each chunk; and what a host relies on: no
// event of a request that is not open, one end each, memory within its limits, STDERR never alone. Not part
// of the build:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I.
//       tests/fuzz/fastcgi_server_session_fuzz.cpp fastcgi/*.cpp -o build/fastcgi_server_session_fuzz  (one
//       line)
//   build/fastcgi_server_session_fuzz -max_total_time=60 -max_len=2048
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choices.h"
#include "fastcgi/record_writer.h"
#include "fastcgi/request_params.h"
#include "fastcgi/server_session.h"

using namespace holdfast::fastcgi;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

ServerLimits small_limits() {
  ServerLimits limits;
  limits.requests_max = 3;
  limits.params_bytes_max = 40;
  limits.params_held_bytes_max = 60;
  limits.stderr_held_bytes_max = 5;
  return limits;
}

// What a host knows of a request that is open.
struct Known {
  bool params_ended = false;
  bool stdin_ended = false;
  bool head_written = false;
  std::uint64_t stdin_bytes = 0;
};

// A session with its host, and what it said, neighbouring slices of a stream joined.
struct Witness {
  ServerSession session{small_limits(), {10, 3, false}};
  std::string log;
  std::string input;
  std::string sent;  // all of it
  std::map<std::uint16_t, Known> open;
  std::string open_stream;
  bool has_failed = false;

  void feed(std::string_view piece) {
    input += piece;
    // At its exact size on the heap, so that the sanitizer sees a read past its end.
    const std::vector<char> exact(input.begin(), input.end());
    std::string_view rest(exact.data(), exact.size());
    pull(rest);
    input = std::string(rest);
  }
  void end_input(ServerSession::InputEnd end) {
    session.end_input(end);
    std::string_view none;
    pull(none);
    expect(session.fault() != ServerFault::none);
  }
  // A host's act, as far as it may be done now: on the connection, or on one request.
  void act(std::size_t choice) {
    switch (choice) {
      case 0xff: session.close_when_done(); break;
      case 0xfe: end_input(ServerSession::InputEnd::half_closed); break;
      case 0xfd: end_input(ServerSession::InputEnd::gone); break;
      default: act_on(choice, static_cast<std::uint16_t>(choice >> 3 & 7)); break;
    }
    session.check();
    const ServerVerdict verdict = session.verdict();
    expect(open.empty() ? verdict != ServerVerdict::finish
                        : verdict == ServerVerdict::finish || verdict == ServerVerdict::keep);
  }
  void act_on(std::size_t choice, std::uint16_t id) {
    const auto found = open.find(id);
    if (found == open.end()) return;
    Known& known = found->second;
    std::string out;
    switch (choice % 8) {
      case 0: session.pause(id); break;
      case 1: session.resume(id); break;
      case 2:
        if (known.params_ended) session.end_stdin(id);
        known.stdin_ended = known.stdin_ended || known.params_ended;
        break;
      case 3: session.hold_stderr(id, "err"); break;
      case 4:
        if (!known.head_written) session.write_head(id, "head", out);
        known.head_written = true;
        break;
      case 5:
        if (known.head_written) session.write_body(id, "body", out);
        break;
      case 6:
        if (known.head_written) end(id, out);
        break;
      case 7:
        if (!known.head_written) break;
        session.break_off(id, out);
        open.erase(id);
        if (session.verdict() == ServerVerdict::reset) {  // alone: what is no record, and nothing else
          expect(open.empty() && out == std::string(8, '\0'));
          sent += std::exchange(out, {});
        }
        break;
    }
    check_write(out);
  }

 private:
  void end(std::uint16_t id, std::string& out) {
    session.write_end(id, 3, out);
    open.erase(id);
    expect(!session.is_open(id));
  }

  void pull(std::string_view& rest) {
    while (true) {
      std::string out;
      const ServerEvent event = session.next(rest, out);
      const bool more = take(event, out);
      check_write(out);
      session.check();
      expect(session.open_requests() == open.size());
      if (!more) return;
    }
  }

  bool take(const ServerEvent& event, std::string& out) {
    const std::uint16_t id = event.request_id;
    switch (event.kind) {
      case ServerEvent::Kind::need_bytes: return false;
      case ServerEvent::Kind::paused: expect(open.count(id) == 1); return false;
      case ServerEvent::Kind::failed:
        for (const auto& [other, known] : open) expect(known.stdin_ended && session.is_complete(other));
        if (!has_failed) say("failed", event);
        has_failed = true;
        return false;
      case ServerEvent::Kind::begun:
        expect(open.emplace(id, Known{}).second);
        say("begun", event);
        return true;
      case ServerEvent::Kind::params_ended: take_params(event, out); return true;
      case ServerEvent::Kind::stdin_data: {
        Known& known = open.at(id);
        expect(known.params_ended && !known.stdin_ended && !event.bytes.empty());
        known.stdin_bytes += event.bytes.size();
        const std::string key = "in" + std::to_string(id);
        if (key != open_stream) log += '\n' + key + ':';
        open_stream = key;
        log += event.bytes;
        return true;
      }
      case ServerEvent::Kind::stdin_ended:
        expect(open.at(id).params_ended && !open.at(id).stdin_ended);
        expect(open.at(id).stdin_bytes == event.stdin_bytes);
        open.at(id).stdin_ended = true;
        say("stdin_ended", event);
        return true;
      case ServerEvent::Kind::aborted:
        expect(open.erase(id) == 1);
        say("aborted", event);
        return true;
      case ServerEvent::Kind::refused:
        say("refused", event);
        if (event.refusal != ServerRefusal::unknown_role) session.write_refusal(id, "no", out);
        open.erase(id);
        return true;
    }
    std::abort();
  }

  void take_params(const ServerEvent& event, std::string& out) {
    const std::uint16_t id = event.request_id;
    Known& known = open.at(id);
    expect(!known.params_ended);
    known.params_ended = true;
    say("params", event);
    ParamList list;
    session.take_params(id, list);
    log += list.encoded();
    std::string_view pairs = list.encoded();
    std::string_view name;
    std::string_view value;
    while (!pairs.empty()) expect(decode_pair(pairs, name, value) && name != "HTTP_PROXY");
    correct_content_length(list, 7);
    expect(find_param(list, "CONTENT_LENGTH").has_value());
    // Answered early, before its body.
    if ((id & 4) == 0 || known.head_written) return;
    session.write_head(id, "early", out);
    end(id, out);
  }

  void say(const char* what, const ServerEvent& event) {
    log += std::string("\n") + what + std::to_string(event.request_id) + (event.keep_connection ? "k" : "") +
           '/' + std::to_string(event.stdin_bytes) + '/' + std::string(refusal_name(event.refusal)) + '/' +
           std::string(fault_name(event.fault)) + ':';
    open_stream.clear();
  }

  // The records of one write: whole, and STDERR with STDOUT of its request behind it.
  void check_write(std::string_view out) {
    sent += out;
    RecordReader reader;
    std::size_t awaited = 0;
    while (true) {
      const RecordReader::Piece piece = reader.next(out);
      if (piece.kind == RecordReader::Kind::need_bytes) break;
      expect(piece.kind != RecordReader::Kind::failed);
      if (piece.kind != RecordReader::Kind::header) continue;
      const RecordHeader& record = reader.record();
      if (record.type == RecordType::stderr_data) awaited = record.request_id;
      if (record.type == RecordType::stdout_data && record.request_id == awaited) awaited = 0;
    }
    expect(reader.at_record_boundary() && awaited == 0);
  }
};

void compare(const Witness& a, const Witness& b) {
  expect(a.log == b.log);
  expect(a.sent == b.sent);
  expect(a.input == b.input);
  expect(a.session.fault() == b.session.fault());
  expect(a.session.verdict() == b.session.verdict());
  expect(a.session.params_held_bytes() == b.session.params_held_bytes());
}

// Records of a web server: sound ones for the most part, else the fuzzer's own bytes.
std::string chunk_of(Choices& choices, std::size_t choice) {
  static constexpr RecordType kTypes[] = {
      RecordType::begin_request, RecordType::params,     RecordType::params,        RecordType::stdin_data,
      RecordType::stdin_data,    RecordType::get_values, RecordType::abort_request, RecordType::data};
  std::string chunk;
  for (std::size_t records = choice & 7; records > 0; --records) {
    const std::size_t shape = choices.byte();
    const RecordType type = kTypes[shape & 7];
    const auto id = static_cast<std::uint16_t>(choices.byte() & 7);
    const std::size_t padding = (shape & 8) == 0 ? 0 : choices.byte();
    if (type == RecordType::begin_request && (shape & 0x30) != 0x30) {
      write_begin_request(id, Role::responder, (shape & 0x40) == 0, chunk);
    } else if (type == RecordType::params && (shape & 0x30) == 0x10) {
      write_record(type, id, (shape & 0x40) == 0 ? "\4\1NAMEv" : "\12\1HTTP_PROXYx\16\1CONTENT_LENGTH1",
                   padding, chunk);
    } else if (type == RecordType::abort_request || (shape & 0x30) == 0x20) {
      write_record(type, id, {}, padding, chunk);
    } else {
      write_record(type, id, choices.text(shape >> 4), padding, chunk);
    }
  }
  if ((choice & 0x60) == 0x60) chunk += choices.text(choices.byte());
  return chunk;
}

// To one whole, to the other in pieces.
void feed_both(Witness& whole, Witness& cut, Choices& choices, std::string_view bytes) {
  whole.feed(bytes);
  const std::size_t step_max = choices.byte() % 24 + 1;
  cut.feed("");  // what a pause held back
  while (!bytes.empty()) {
    const std::size_t step = std::min(bytes.size(), choices.byte() % step_max + 1);
    cut.feed(bytes.substr(0, step));
    bytes.remove_prefix(step);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  Witness whole;
  Witness cut;
  while (!choices.empty()) {
    const std::size_t choice = choices.byte();
    const std::string chunk = chunk_of(choices, choice);
    // The host acts between any two bytes.
    const std::size_t at = (choice & 0x18) == 0 ? 0 : choices.byte() % (chunk.size() + 1);
    feed_both(whole, cut, choices, std::string_view(chunk).substr(0, at));
    if ((choice & 0x18) != 0) {
      const std::size_t act = choices.byte();
      for (Witness* const each : {&whole, &cut}) each->act(act);
      compare(whole, cut);
    }
    feed_both(whole, cut, choices, std::string_view(chunk).substr(at));
    compare(whole, cut);
  }
  whole.end_input(ServerSession::InputEnd::half_closed);
  cut.end_input(ServerSession::InputEnd::half_closed);
  compare(whole, cut);
  whole.end_input(ServerSession::InputEnd::gone);
  cut.end_input(ServerSession::InputEnd::gone);
  compare(whole, cut);
  expect(whole.open.empty() && whole.session.open_requests() == 0 && whole.session.params_held_bytes() == 0);
  expect(whole.session.verdict() == ServerVerdict::close || whole.session.verdict() == ServerVerdict::drain ||
         whole.session.verdict() == ServerVerdict::reset);
  return 0;
}

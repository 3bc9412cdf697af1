// Session, the negative space: for each rule an application that breaks it, in every cut, and EOF at every
// offset of a conversation.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "fastcgi/record_writer.h"
#include "fastcgi/session.h"
#include "session_log.h"

using namespace session_log;
using reference::bytes;
using reference::end_request;
using reference::err;
using reference::out;
using reference::record;

namespace {

constexpr auto kFresh = [](Session&) {};
constexpr auto kTwoOpen = [](Session& session) {
  begin(session);
  begin(session);
};
constexpr auto kEnded = [](Session& session) {
  begin(session);
  feed(session, out(1, "x", 7) + end_request(1));
};
constexpr auto kBarrierAfterRequests = [](Session& session) {
  for (int id = 1; id <= 3; ++id) {
    begin(session);
    feed(session, end_request(id));
  }
  barrier(session);
};

}  // namespace

TEST_CASE("fault: another version") {
  for (const int version : {0, 2, 72}) {
    check_every_cut(1, kOneOpen, out(1, "a", 2) + bytes({version, 6, 0, 1, 0, 0, 0, 0}) + out(1, "b"),
                    "out1:a failed:bad_version");
    check_every_cut(1, barrier, bytes({version}), "failed:bad_version");
  }
}

TEST_CASE("fault: id 0 and foreign ids (haproxy 3ac082b2b)") {
  for (const int id : {0, 2, 7, 256, 257, 65535}) {
    check_every_cut(1, kOneOpen, out(1, "a") + out(id, "stray"), "out1:a failed:foreign_request_id");
    check_every_cut(1, kOneOpen, err(id, ""), "failed:foreign_request_id");
    check_every_cut(1, kOneOpen, end_request(id), "failed:foreign_request_id");
    check_every_cut(2, kTwoOpen, out(1, "a") + out(id == 2 ? 3 : id, ""), "out1:a failed:foreign_request_id");
  }
  check_every_cut(1, barrier, out(0, "x"), "failed:foreign_request_id");
}

TEST_CASE("fault: types that an application never sends, and types unknown") {
  for (const int type : {0, 1, 2, 4, 5, 8, 9, 11, 12, 255}) {
    for (const int id : {0, 1}) {
      check_every_cut(1, kOneOpen, out(1, "a") + record(type, id, "12345678"),
                      "out1:a failed:unexpected_record");
      if (type == 11) continue;  // an answer: see below
      check_every_cut(1, barrier, record(type, id, "12345678"), "failed:unexpected_record");
    }
  }
}

TEST_CASE("fault: a management answer that nobody asked for") {
  check_every_cut(1, kOneOpen, record(10, 0, ""), "failed:unexpected_record");
  check_every_cut(1, kOneOpen, record(10, 1, ""), "failed:unexpected_record");
}

// Such an application used to be closed at each proof, and nobody was served.
TEST_CASE("an odd answer to FCGI_GET_VALUES is told and tolerated") {
  const std::string twice = record(10, 0, "") + record(10, 0, "");  // Go
  check_every_cut(1, barrier, twice, "answered odd");
  check_every_cut(1, barrier, twice + record(10, 0, "", 7), "answered odd odd");
  check_every_cut(1, barrier, record(10, 1, ""), "odd answered");
  check_every_cut(1, barrier, record(11, 0, bytes({9, 0, 0, 0, 0, 0, 0, 0})), "odd answered");
  check_every_cut(1, barrier, record(10, 0, bytes({1, 1, 'a', 'b'})), "answered");
  // The second one may be late, and meet the first request.
  const auto asked_then_open = [](Session& session) {
    barrier(session);
    log_of(session, {record(10, 0, "")});
    kOneOpen(session);
  };
  check_every_cut(1, asked_then_open, record(10, 0, "") + out(1, "a") + end_request(1),
                  "odd out1:a end1/0/0");
}

TEST_CASE("fault: END_REQUEST shorter than eight bytes") {
  for (std::size_t size = 0; size < 8; ++size) {
    check_every_cut(1, kOneOpen, out(1, "a") + record(3, 1, std::string(size, '\0'), 8 - size),
                    "out1:a failed:malformed_record");
  }
}

TEST_CASE("an odd answer: GET_VALUES_RESULT that does not parse, in every cut") {
  for (const std::string& content : {bytes({1}), bytes({1, 1, 'a'}), bytes({0x80, 0, 0}),
                                     bytes({1, 0, 'a', 5}), bytes({255, 255, 255, 255, 0})}) {
    check_every_cut(1, barrier, record(10, 0, content, 3), "odd answered");
  }
}

TEST_CASE("fault: any byte while idle, at its first byte") {
  for (const std::string& stray :
       {out(1, "x"), err(1, ""), end_request(1), record(10, 0, ""), bytes({1}), bytes({0}), bytes({'H'})}) {
    check_every_cut(1, kFresh, stray, "failed:bytes_while_idle");
    check_every_cut(1, kEnded, stray, "failed:bytes_while_idle");
    check_every_cut(1, kOneOpen, out(1, "a") + end_request(1, 0, 0, 5) + stray,
                    "out1:a end1/0/0 failed:bytes_while_idle");
    check_every_cut(1, kOneOpen, end_request(1) + stray, "end1/0/0 failed:bytes_while_idle");
    const bool may_be_answer = stray == bytes({1}) || stray == record(10, 0, "");
    if (!may_be_answer)
      check_every_cut(1, barrier, record(10, 0, "", 2) + stray, "answered failed:bytes_while_idle");
    Session session;
    kEnded(session);
    CHECK(log_of(session, {stray.substr(0, 1)}) == "failed:bytes_while_idle");
  }
}

TEST_CASE("fault: padding of END_REQUEST is not bytes while idle") {
  check_every_cut(1, kOneOpen, end_request(1, 0, 0, 255), "end1/0/0");
}

TEST_CASE("fault: output after END_REQUEST, seen while the barrier is awaited (php GH-18275)") {
  for (const std::string& tail : {out(3, "stray"), err(3, "stray"), out(3, ""), end_request(3)}) {
    check_every_cut(1, kBarrierAfterRequests, tail, "failed:record_after_end");
  }
  check_every_cut(1, kBarrierAfterRequests, out(2, "stray"), "failed:foreign_request_id");
  check_every_cut(1, kBarrierAfterRequests, record(10, 0, ""), "answered");
}

TEST_CASE("fault: output after END_REQUEST while another request is open") {
  check_every_cut(2, kTwoOpen, out(1, "a") + end_request(1) + out(2, "b") + out(1, "stray"),
                  "out1:a end1/0/0 out2:b failed:record_after_end");
  check_every_cut(2, kTwoOpen, end_request(2) + end_request(2), "end2/0/0 failed:record_after_end");
  // And of the request before it, when the next one runs on the connection.
  const auto next_open = [](Session& session) {
    kEnded(session);
    begin(session);
  };
  check_every_cut(1, next_open, out(1, "stray") + out(2, "mine"), "failed:record_after_end");
  check_every_cut(1, next_open, out(2, "mine") + end_request(1), "out2:mine failed:record_after_end");
}

TEST_CASE("fault: the first one stays, and nothing follows it") {
  Session session;
  begin(session);
  CHECK(log_of(session, {out(9, "x"), out(1, "y") + end_request(1), "garbage"}) ==
        "failed:foreign_request_id");
  std::vector<Event> events;
  session.feed_eof(events);
  CHECK(events.empty());
  CHECK(session.fault() == Fault::foreign_request_id);
  CHECK(session.reuse_verdict() == ReuseVerdict::faulted);
  CHECK(!session.can_begin());
}

TEST_CASE("fault: after EOF nothing is read") {
  Session session;
  begin(session);
  std::vector<Event> events;
  session.feed_eof(events);
  session.feed_eof(events);
  session.feed(out(1, "late"), events);
  REQUIRE(events.size() == 1);
  CHECK(events[0].fault == Fault::eof_in_request);
}

TEST_CASE("fault: EOF at every offset of a conversation (haproxy 5f927f603)") {
  // Records of a response, then the barrier's answer; the barrier is written when the request has ended.
  const std::vector<std::string> records = {err(1, "warn", 4),       out(1, "head"),
                                            out(1, "", 3),           out(1, "body", 255),
                                            end_request(1, 0, 0, 8), record(10, 0, "", 2)};
  std::string input;
  std::vector<std::size_t> boundaries{0};
  for (const std::string& one : records) boundaries.push_back((input += one).size());
  const std::size_t response_end = boundaries[5];
  for (std::size_t offset = 0; offset <= input.size(); ++offset) {
    Session session;
    begin(session);
    feed(session, std::string_view(input).substr(0, std::min(offset, response_end)));
    if (offset >= response_end) {
      barrier(session);
      feed(session, std::string_view(input).substr(response_end, offset - response_end));
    }
    std::vector<Event> events;
    session.feed_eof(events);
    const bool at_boundary = std::find(boundaries.begin(), boundaries.end(), offset) != boundaries.end();
    const Fault expected = !at_boundary            ? Fault::eof_in_record
                           : offset < response_end ? Fault::eof_in_request
                                                   : Fault::eof;
    CAPTURE(offset);
    REQUIRE(events.size() == 1);
    CHECK(events[0].kind == Event::Kind::failed);
    CHECK(events[0].fault == expected);
    CHECK(session.fault() == expected);
  }
}

TEST_CASE("fault: EOF on a connection that never carried a request") {
  Session session;
  std::vector<Event> events;
  session.feed_eof(events);
  REQUIRE(events.size() == 1);
  CHECK(events[0].fault == Fault::eof);
}

TEST_CASE("session: whether an answer has begun, by its first byte") {
  const auto began = [](std::string_view input, bool eof) {
    Session session;
    begin(session);
    std::vector<Event> events;
    session.feed(input, events);
    if (eof) session.feed_eof(events);
    return session.answer_began();
  };
  std::string answer;  // an empty STDOUT record, then END_REQUEST
  write_stream_end(RecordType::stdout_data, 1, answer);
  for (const bool eof : {false, true}) {
    CHECK_FALSE(began("", eof));
    for (std::size_t cut = 1; cut <= answer.size(); ++cut) CHECK(began(answer.substr(0, cut), eof));
  }
  // What an earlier script says later is no answer to this request, which may then be tried again.
  std::string stray;
  write_stream_end(RecordType::stdout_data, 7, stray);
  CHECK_FALSE(began(stray, false));
  CHECK_FALSE(began(stray, true));
}

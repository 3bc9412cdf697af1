// Session, the orderly side: what it writes, what sound applications send, ids, interleaved requests, and the
// verdict about reuse at each byte.
#include "fastcgi/session.h"

#include <doctest/doctest.h>

#include <string>

#include "session_log.h"

using namespace session_log;
using reference::bytes;
using reference::end_request;
using reference::err;
using reference::out;
using reference::record;

namespace {

ParamList small_params() {
  ParamList params;
  REQUIRE(params.add("REQUEST_METHOD", "GET"));
  REQUIRE(params.add("SCRIPT_FILENAME", "/srv/index.php"));
  return params;
}

}  // namespace

TEST_CASE("session: begin_request of a GET is BEGIN, PARAMS, empty PARAMS, empty STDIN") {
  Session session;
  std::string wire = reference::poisoned(4);
  CHECK(session.begin_request(Role::responder, true, small_params(), 0, wire) == 1);
  const auto records = reference::decode(wire);
  REQUIRE(records.size() == 4);
  CHECK(records[0] == reference::Record{1, 1, 1, 0, 0, bytes({0, 1, 1, 0, 0, 0, 0, 0})});
  CHECK(records[1].type == 4);
  CHECK(reference::decode_pairs(records[1].content) ==
        reference::Pairs{{"REQUEST_METHOD", "GET"}, {"SCRIPT_FILENAME", "/srv/index.php"}});
  CHECK(records[2] == reference::Record{1, 4, 1, 0, 0, ""});
  CHECK(records[3] == reference::Record{1, 5, 1, 0, 0, ""});
  CHECK(session.open_requests() == 1);
  CHECK(session.stdin_bytes_left(1) == 0);
}

TEST_CASE("session: STDIN is exactly content_length bytes and ends by itself") {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{65528}, std::size_t{200001}}) {
    const std::size_t length = step < 10 ? 50 : 200001;
    const std::string body(length, 'b');
    Session session;
    std::string wire;
    const std::uint16_t id = session.begin_request(Role::responder, false, ParamList{}, length, wire);
    CHECK(reference::decode(wire).size() == 2);  // BEGIN without the keep flag, empty PARAMS; no STDIN yet
    CHECK(reference::decode(wire)[0].content == bytes({0, 1, 0, 0, 0, 0, 0, 0}));
    wire.clear();
    session.write_stdin(id, {}, wire);
    CHECK(wire.empty());  // an empty record would end the stream
    for (std::size_t at = 0; at < length; at += step) {
      CHECK(session.stdin_bytes_left(id) == length - at);
      session.write_stdin(id, std::string_view(body).substr(at, step), wire);
    }
    CHECK(session.stdin_bytes_left(id) == 0);
    std::string sent;
    const auto records = reference::decode(wire);
    for (std::size_t i = 0; i < records.size(); ++i) {
      CHECK(records[i].type == 5);
      CHECK(records[i].id == id);
      CHECK(records[i].padding == 0);
      CHECK(records[i].content.empty() == (i + 1 == records.size()));
      sent += records[i].content;
    }
    const bool is_same = sent == body;
    CHECK(is_same);
    const std::size_t size_before = wire.size();
    session.write_stdin(id, {}, wire);
    CHECK(wire.size() == size_before);
  }
}

TEST_CASE("session: the barrier is eight bytes") {
  Session session;
  std::string wire;
  session.write_barrier(wire);
  CHECK(wire == bytes({1, 9, 0, 0, 0, 0, 0, 0}));
  CHECK(session.barrier_pending());
}

TEST_CASE("session: responses of an application, in every cut") {
  const auto check = [](const std::string& input, const std::string& expected) {
    check_every_cut(1, kOneOpen, input, expected);
  };
  check(out(1, "Content-type: text/html\r\n\r\nhello", 6) + end_request(1),
        "out1:Content-type: text/html\r\n\r\nhello end1/0/0");
  check(end_request(1), "end1/0/0");
  check(end_request(1, 258, 3), "end1/258/3");
  check(record(3, 1, bytes({0xff, 0xff, 0xff, 0xfe, 2, 9, 9, 9})), "end1/4294967294/2");
  check(out(1, "a") + out(1, "b", 255) + err(1, "warn", 4) + out(1, "c", 7) + end_request(1, 0, 0, 8),
        "out1:ab err1:warn out1:c end1/0/0");
  check(out(1, "a") + end_request(1), "out1:a end1/0/0");
  check(out(1, "a"), "out1:a");
}

TEST_CASE("session: empty and padded STDERR and STDOUT at every place (haproxy 7f85433a9, 6c99d3bae)") {
  const std::vector<std::string> sound = {out(1, "head", 4), out(1, "body"), err(1, "e", 3),
                                          end_request(1, 0, 0, 2)};
  for (const std::string& extra : {err(1, ""), err(1, "", 1), err(1, "", 255), out(1, ""), out(1, "", 5)}) {
    for (std::size_t place = 0; place < sound.size(); ++place) {
      std::string input;
      for (std::size_t i = 0; i < sound.size(); ++i) input += (i == place ? extra : "") + sound[i];
      check_every_cut(1, kOneOpen, input, "out1:headbody err1:e end1/0/0");
    }
  }
}

TEST_CASE("session: 40 KB of STDERR before the head, and records of 65535 with padding") {
  const std::string log(40960, 'l');
  const std::string page(65535, 'p');
  std::string input;
  for (std::size_t at = 0; at < log.size(); at += 8184) input += err(1, log.substr(at, 8184), at % 8);
  input += out(1, page, 255) + out(1, page, 1) + out(1, page) + end_request(1);
  check_every_cut(1, kOneOpen, input, "err1:" + log + " out1:" + page + page + page + " end1/0/0");
}

TEST_CASE("session: END_REQUEST longer than eight bytes counts by its first eight") {
  check_every_cut(1, kOneOpen, record(3, 1, bytes({0, 0, 0, 5, 1, 0, 0, 0, 7, 7, 7, 7}), 4), "end1/5/1");
  check_every_cut(
      2,
      [](Session& s) {
        begin(s);
        begin(s);
      },
      record(3, 1, bytes({0, 0, 0, 5, 1, 0, 0, 0}) + std::string(9000, 'x'), 4) + end_request(2),
      "end1/5/1 end2/0/0");
}

TEST_CASE("session: bytes are given out as they come, not at the end of a record") {
  Session session;
  begin(session);
  const std::string input = out(1, "hello", 3);
  std::vector<Event> events;
  session.feed(std::string_view(input).substr(0, 10), events);
  REQUIRE(events.size() == 1);
  CHECK(events[0].bytes == "he");
  CHECK(events[0].bytes.data() == input.data() + 8);  // a slice of the input
  session.feed(std::string_view(input).substr(10, 1), events);
  REQUIRE(events.size() == 2);
  CHECK(events[1].bytes == "l");
}

TEST_CASE("session: CR, LF and ESC in STDERR arrive as they are; escaping is the log's work") {
  const std::string text("a\r\nb\x1b[31m\0c", 11);
  check_every_cut(1, kOneOpen, err(1, text), "err1:" + text);
}

TEST_CASE("session: the barrier's answer, empty, with pairs, with padding") {
  for (const std::string& answer :
       {record(10, 0, ""), record(10, 0, "", 8), record(10, 0, bytes({15, 1}) + "FCGI_MPXS_CONNS0", 6)}) {
    check_every_cut(1, barrier, answer, "answered");
  }
}

TEST_CASE("session: ids rotate over 1..65535, and none is taken twice at once") {
  Session session(1, 65534);
  for (const int id : {65534, 65535, 1, 2}) {
    CHECK(begin(session) == id);
    feed(session, end_request(id));
  }
  Session from_zero(1, 0);
  CHECK(begin(from_zero) == 1);
  Session no_capacity(0);
  CHECK(begin(no_capacity) == 1);

  Session many(3, 65535);
  CHECK(begin(many) == 65535);
  CHECK(begin(many) == 1);
  CHECK(begin(many) == 2);
  feed(many, end_request(65535) + end_request(2));
  for (int i = 3; i <= 65535; ++i) {  // all the way round, with request 1 open
    REQUIRE(begin(many) == i);
    feed(many, end_request(i));
  }
  CHECK(begin(many) == 2);
}

TEST_CASE("session: with capacity, requests are interleaved by id") {
  const auto three = [](Session& s) {
    begin(s);
    begin(s);
    begin(s);
  };
  check_every_cut(3, three,
                  out(2, "b1", 6) + out(1, "a1") + err(3, "c!", 1) + out(2, "b2") + end_request(2, 2) +
                      out(1, "a2", 3) + end_request(1, 1, 0, 8) + out(3, "c1") + end_request(3, 3),
                  "out2:b1 out1:a1 err3:c! out2:b2 end2/2/0 out1:a2 end1/1/0 out3:c1 end3/3/0");

  Session session(2);
  CHECK(begin(session) == 1);
  CHECK(session.can_begin());
  CHECK(begin(session) == 2);
  CHECK(!session.can_begin());
  CHECK(session.reuse_verdict() == ReuseVerdict::request_open);
  feed(session, end_request(1));
  CHECK(session.open_requests() == 1);
  CHECK(session.can_begin());
  CHECK(begin(session) == 3);
  CHECK(log_of(session, {out(2, "x") + out(3, "y")}) == "out2:x out3:y");
}

TEST_CASE("session: with capacity, each request has its own STDIN") {
  Session session(2);
  const auto a = begin(session, 3);
  const auto b = begin(session, 5);
  std::string wire;
  session.write_stdin(b, "12345", wire);
  session.write_stdin(a, "ab", wire);
  CHECK(session.stdin_bytes_left(a) == 1);
  CHECK(session.stdin_bytes_left(b) == 0);
  feed(session, end_request(b));
  CHECK(session.stdin_bytes_left(a) == 1);
  CHECK(session.stdin_bytes_left(b) == 0);
  session.write_stdin(a, "c", wire);
  feed(session, end_request(a));
  CHECK(session.reuse_verdict() == ReuseVerdict::reusable);
}

TEST_CASE("session: verdict at each byte of END_REQUEST and its padding (nginx aad0a1dba)") {
  for (const std::size_t padding : {0U, 1U, 8U, 255U}) {
    Session session;
    begin(session);
    const std::string input = end_request(1, 0, 0, padding);
    for (std::size_t i = 0; i < input.size(); ++i) {
      CAPTURE(i);
      CHECK(session.reuse_verdict() == (i < 16 ? ReuseVerdict::request_open : ReuseVerdict::inside_record));
      CHECK(!session.can_begin());
      feed(session, std::string_view(input).substr(i, 1));
    }
    CHECK(session.reuse_verdict() == ReuseVerdict::reusable);
    CHECK(begin(session) == 2);
    CHECK(log_of(session, {out(2, "x") + end_request(2)}) == "out2:x end2/0/0");
  }
}

TEST_CASE("session: verdict at each byte of the barrier's answer and its padding") {
  Session session;
  begin(session);
  feed(session, end_request(1));
  CHECK(session.reuse_verdict() == ReuseVerdict::reusable);
  barrier(session);
  const std::string input = record(10, 0, "", 4);
  for (std::size_t i = 0; i < input.size(); ++i) {
    CHECK(session.reuse_verdict() == (i < 8 ? ReuseVerdict::barrier_pending : ReuseVerdict::inside_record));
    feed(session, std::string_view(input).substr(i, 1));
  }
  CHECK(session.reuse_verdict() == ReuseVerdict::reusable);
}

TEST_CASE("session: a barrier written while padding of END_REQUEST is still to come") {
  const auto in_padding = [](Session& s) {
    begin(s);
    feed(s, end_request(1, 0, 0, 8).substr(0, 19));
    barrier(s);
  };
  check_every_cut(1, in_padding, "padd!" + record(10, 0, ""), "answered");
}

TEST_CASE("session: END_REQUEST before all of STDIN was written: never reused (nginx fda7d021c)") {
  Session session;
  const auto id = begin(session, 10);
  std::string wire;
  session.write_stdin(id, "123456789", wire);
  feed(session, out(1, "early") + end_request(1));
  CHECK(session.reuse_verdict() == ReuseVerdict::stdin_incomplete);
  CHECK(session.stdin_bytes_left(id) == 0);
  barrier(session);
  feed(session, record(10, 0, ""));
  CHECK(session.reuse_verdict() == ReuseVerdict::stdin_incomplete);
  CHECK(!session.can_begin());

  Session whole;
  begin(whole, 10);
  whole.write_stdin(1, "1234567890", wire);
  feed(whole, end_request(1));
  CHECK(whole.reuse_verdict() == ReuseVerdict::reusable);
}

TEST_CASE("session: one request cut short spoils the connection, whatever ends after it") {
  Session session(2);
  begin(session, 10);
  begin(session);
  feed(session, end_request(1));
  CHECK(session.reuse_verdict() == ReuseVerdict::stdin_incomplete);
  feed(session, end_request(2));
  CHECK(session.reuse_verdict() == ReuseVerdict::stdin_incomplete);
}

TEST_CASE("session: with capacity, a record under way of another request does not block a free slot") {
  Session session(2);
  begin(session);
  for (const char byte : out(1, "ab", 2)) {
    CHECK(session.reuse_verdict() == ReuseVerdict::reusable);
    feed(session, std::string_view(&byte, 1));
  }
  feed(session, out(1, "abc").substr(0, 9));
  CHECK(begin(session) == 2);
  CHECK(log_of(session, {"bc" + out(2, "x")}) == "out1:bc out2:x");
}

TEST_CASE("session: verdicts in their order") {
  Session session;
  CHECK(session.reuse_verdict() == ReuseVerdict::reusable);
  begin(session, 5, false);
  CHECK(session.reuse_verdict() == ReuseVerdict::request_open);
  feed(session, end_request(1, 0, 0, 8).substr(0, 20));  // also stdin_incomplete and inside_record
  CHECK(session.reuse_verdict() == ReuseVerdict::keep_not_asked);
  std::vector<Event> events;
  session.feed_eof(events);
  CHECK(session.reuse_verdict() == ReuseVerdict::faulted);

  Session cut_short;
  begin(cut_short, 5);
  feed(cut_short, end_request(1, 0, 0, 8).substr(0, 20));
  CHECK(cut_short.reuse_verdict() == ReuseVerdict::stdin_incomplete);

  Session pending;
  begin(pending);
  feed(pending, end_request(1, 0, 0, 8).substr(0, 20));
  barrier(pending);
  CHECK(pending.reuse_verdict() == ReuseVerdict::barrier_pending);

  Session multiplexed(2);
  begin(multiplexed, 0, false);
  CHECK(multiplexed.reuse_verdict() == ReuseVerdict::keep_not_asked);  // the application will close
}

TEST_CASE("session: every fault and verdict has a name of its own") {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(Fault::eof); ++i) {
    names.emplace_back(fault_name(static_cast<Fault>(i)));
  }
  for (int i = 0; i <= static_cast<int>(ReuseVerdict::faulted); ++i) {
    names.emplace_back(verdict_name(static_cast<ReuseVerdict>(i)));
  }
  for (std::size_t a = 0; a < names.size(); ++a) {
    CHECK(names[a].find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    for (std::size_t b = 0; b < a; ++b) CHECK(names[a] != names[b]);
  }
}

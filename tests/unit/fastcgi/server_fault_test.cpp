// ServerSession, the negative space: malformed input of many kinds, each closed with its reason in every cut,
// what becomes of the other requests on the connection, and EOF at every byte of a conversation.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "server_log.h"

using namespace server_log;

namespace {

struct Malformed {
  const char* what;
  std::string input;
  const char* fault;
};

// The requests that are open before each: 1 reads PARAMS, 2 STDIN, 3 is complete.
const std::string kBefore =
    begin(1) + params(1, Pairs{{"A", "1"}}) + begin(2) + params(2, "") + in(2, "x") + request(3);
const std::string kBeforeLog = "begin1 begin2 params2{} in2:x " + request_log(3);

std::vector<Malformed> table() {
  const std::string zeros(8, '\0');
  return {
      {"version 0", bytes({0, 4, 0, 1, 0, 0, 0, 0}), "bad_version"},
      {"version 2", bytes({2, 4, 0, 1, 0, 0, 0, 0}), "bad_version"},
      {"HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_version"},
      {"TLS", bytes({22, 3, 1, 2, 0}), "bad_version"},
      {"BEGIN with id 0", begin(0), "null_request_id"},
      {"ABORT with id 0", abort_request(0), "null_request_id"},
      {"PARAMS with id 0", params(0, ""), "null_request_id"},
      {"STDIN with id 0", in(0, "x"), "null_request_id"},
      {"empty STDIN with id 0", in(0, ""), "null_request_id"},
      {"DATA with id 0", record(8, 0, "x"), "null_request_id"},
      {"END_REQUEST", reference::end_request(2), "wrong_direction"},
      {"END_REQUEST of none", reference::end_request(0), "wrong_direction"},
      {"STDOUT", reference::out(2, "x"), "wrong_direction"},
      {"STDERR of none", reference::err(9, "x"), "wrong_direction"},
      {"GET_VALUES_RESULT", record(10, 0, ""), "wrong_direction"},
      {"UNKNOWN_TYPE", record(11, 0, zeros), "wrong_direction"},
      {"BEGIN, empty", record(1, 4, ""), "begin_length"},
      {"BEGIN of 7 bytes", record(1, 4, zeros.substr(1), 1), "begin_length"},
      {"BEGIN of 9 bytes", record(1, 4, zeros + "x"), "begin_length"},
      {"BEGIN of 65535 bytes", record(1, 4, std::string(65535, '\0')), "begin_length"},
      {"BEGIN again in PARAMS", begin(1), "begin_again"},
      {"BEGIN again in STDIN", begin(2), "begin_again"},
      {"BEGIN again of a complete one", begin(3), "begin_again"},
      {"ABORT with content", record(2, 2, "x"), "abort_with_content"},
      {"PARAMS after their end", params(2, Pairs{{"B", "2"}}), "params_after_end"},
      {"empty PARAMS again", params(2, ""), "params_after_end"},
      {"PARAMS end in a length", params(1, bytes({0x80, 0, 0})) + params(1, ""), "params_cut"},
      {"PARAMS end behind one length", params(1, bytes({1})) + params(1, ""), "params_cut"},
      {"PARAMS end in a name", params(1, bytes({2, 0}) + "N") + params(1, ""), "params_cut"},
      {"PARAMS end in a value", params(1, bytes({1, 3}) + "Nvv", 4) + params(1, ""), "params_cut"},
      {"STDIN before the end of PARAMS", in(1, "x"), "stdin_before_params"},
      {"empty STDIN before the end of PARAMS", in(1, ""), "stdin_before_params"},
      {"STDIN after its end", in(3, "x"), "stdin_after_end"},
      {"DATA", record(8, 2, "x"), "data_for_responder"},
      {"empty DATA", record(8, 3, ""), "data_for_responder"},
      {"GET_VALUES cut in a length", record(9, 0, bytes({1})), "malformed_values"},
      {"GET_VALUES cut in a name", record(9, 0, bytes({15, 0}) + "FCGI_MPXS_CONN"), "malformed_values"},
      {"GET_VALUES, long length", record(9, 0, bytes({0xff, 0xff, 0xff, 0xff, 0})), "malformed_values"},
  };
}

}  // namespace

TEST_CASE("server fault: a table of malformed input, alone of its request") {
  std::set<std::string> seen;
  for (const Malformed& row : table()) {
    CAPTURE(row.what);
    seen.insert(row.fault);
    // Requests 1 and 2 were not whole: nobody ran them. 3 was, and may be answered still.
    check_server_cuts(kBefore + row.input + request(5), kBeforeLog + " abort1 abort2 failed:" + row.fault);
  }
  // Every fault but those of EOF has its row, and its own name and text.
  std::set<std::string_view> names;
  std::set<std::string_view> texts;
  for (int i = 0; i < static_cast<int>(ServerFault::count_); ++i) {
    names.insert(fault_name(static_cast<ServerFault>(i)));
    texts.insert(fault_text(static_cast<ServerFault>(i)));
  }
  CHECK(names.size() == static_cast<std::size_t>(ServerFault::count_));
  CHECK(texts.size() == names.size());
  CHECK(seen.size() == names.size() - 4);  // none, eof, eof_in_record, eof_in_request
}

TEST_CASE("server fault: the version is judged at its own byte") {
  for (const char first : {'\0', '\2', 'G', '\x16'}) {
    Server server;
    server.feed(std::string(1, first));
    CHECK(server.log() == "failed:bad_version");
    CHECK(server.session.verdict() == ServerVerdict::close);
  }
}

TEST_CASE("server fault: what is complete is answered before the connection closes") {
  Server server;
  server.feed(kBefore + record(1, 4, ""));
  CHECK(server.session.verdict() == ServerVerdict::finish);
  CHECK(server.session.open_requests() == 1);
  server.session.write_head(3, "head", server.sent);
  server.session.write_end(3, 0, server.sent);
  CHECK(server.words() == "out3:head out3. end3/0/0");
  // Closed at once, input unread would reset the connection and lose the answer.
  CHECK(server.session.verdict() == ServerVerdict::drain);
  server.forget().feed("more");
  CHECK(server.log() == "failed:begin_length");
  server.session.end_input(ServerSession::InputEnd::half_closed);
  CHECK(server.session.fault() == ServerFault::begin_length);
}

TEST_CASE("server fault: EOF at every byte of a conversation") {
  const std::string input =
      begin(1, 1, 1, 3) + params(1, Pairs{{"A", "1"}}, 2) + params(1, "") + in(1, "body", 1) + in(1, "");
  std::set<std::size_t> boundaries = {0};
  for (std::size_t at = 0; at < input.size();) {
    const auto byte = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(input[at + i]));
    };
    at += 8 + byte(4) * 256 + byte(5) + byte(6);
    boundaries.insert(at);
  }
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    CAPTURE(cut);
    Server server;
    server.feed(input.substr(0, cut));
    const bool was_open = server.session.is_open(1);
    const bool is_whole = server.session.is_complete(1);
    server.forget().end();
    std::string fault = "eof_in_record";
    if (boundaries.count(cut) != 0) fault = was_open && !is_whole ? "eof_in_request" : "eof";
    CHECK(server.log() == (was_open && !is_whole ? "abort1 failed:" : "failed:") + fault);
    CHECK(server.session.open_requests() == (is_whole ? 1 : 0));
    CHECK(server.session.verdict() == (is_whole ? ServerVerdict::finish : ServerVerdict::close));
    CHECK(server.sent.empty());
  }
}

TEST_CASE("server fault: a half-closed connection gets the answers of its whole requests") {
  Server server;
  server.feed(request(1) + request(2) + begin(3)).forget();
  server.end();
  CHECK(server.log() == "abort3 failed:eof_in_request");
  server.session.write_head(2, "h", server.sent);
  server.session.write_end(2, 0, server.sent);
  CHECK(server.session.verdict() == ServerVerdict::finish);
  server.session.write_head(1, "h", server.sent);
  server.session.write_end(1, 0, server.sent);
  CHECK(server.session.verdict() == ServerVerdict::close);
}

TEST_CASE("server fault: a web server that is gone takes all its requests with it") {
  Server server;
  server.feed(request(1) + request(2) + begin(3)).forget();
  server.end(ServerSession::InputEnd::gone);
  CHECK(server.session.open_requests() == 0);
  CHECK(server.log() == "abort1 abort3 abort2 failed:eof_in_request");
  CHECK(server.session.verdict() == ServerVerdict::close);
  CHECK(server.sent.empty());

  // First half-closed, then gone: known by a reset, or by a write that fails.
  Server later;
  later.feed(request(1)).forget().end();
  CHECK(later.log() == "failed:eof");
  later.forget().end(ServerSession::InputEnd::gone);
  CHECK(later.log() == "abort1 failed:eof");
}

TEST_CASE("server fault: gone while paused, with input that nobody will take") {
  Server server;
  server.feed(begin(1) + params(1, "")).session.pause(1);
  server.feed(in(1, "body"));
  CHECK(!server.input.empty());
  server.forget().end(ServerSession::InputEnd::gone);
  CHECK(server.log() == "abort1 failed:eof_in_record");
}

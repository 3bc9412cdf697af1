// ServerSession, what it writes, read back by the reference codec, and what becomes of the connection.
#include <doctest/doctest.h>

#include <string>

#include "server_log.h"

using namespace server_log;

namespace {

Server answering(int flags = 1) {
  Server server;
  server.feed(request(1, "", flags)).forget();
  return server;
}

}  // namespace

TEST_CASE("server answer: head in one record, body, one empty STDOUT just before END_REQUEST") {
  Server server = answering();
  server.session.write_head(1, "Status: 200\r\n\r\n", server.sent);
  server.session.write_body(1, "", server.sent);  // an empty record would end the answer
  server.session.write_body(1, "one", server.sent);
  server.session.write_body(1, "two", server.sent);
  server.session.write_end(1, 7, server.sent);
  CHECK(server.words() == "out1:Status: 200\r\n\r\n out1:one out1:two out1. end1/7/0");
  CHECK(!server.session.is_open(1));
}

TEST_CASE("server answer: no body; head and body above what one record holds") {
  Server empty = answering();
  empty.session.write_head(1, "h", empty.sent);
  empty.session.write_end(1, 0, empty.sent);
  CHECK(empty.words() == "out1:h out1. end1/0/0");

  for (const std::size_t size : {65528u, 65529u, 200000u}) {
    Server server = answering();
    server.session.write_head(1, std::string(size, 'h'), server.sent);
    server.session.write_body(1, std::string(size, 'b'), server.sent);
    server.session.write_end(1, 0, server.sent);
    std::string joined;
    for (const reference::Record& r : reference::decode(server.sent)) {
      if (r.type == 6) joined += r.content;
    }
    const bool is_whole = joined == std::string(size, 'h') + std::string(size, 'b');
    CHECK(is_whole);
    CHECK(reference::decode(server.sent).size() == 2 + 2 * ((size + 65527) / 65528));
  }
}

TEST_CASE("server answer: STDERR waits for STDOUT behind the head, and stands before it") {
  Server server = answering();
  CHECK(server.session.hold_stderr(1, "early"));
  CHECK(server.sent.empty());
  server.session.write_head(1, "head", server.sent);
  CHECK(server.words() == "out1:head");
  CHECK(server.session.hold_stderr(1, " more"));
  server.session.write_body(1, "", server.sent);
  CHECK(server.words() == "out1:head");
  server.session.write_body(1, "body", server.sent);
  CHECK(server.words() == "out1:head err1:early more out1:body");
  CHECK(server.session.hold_stderr(1, "late"));
  server.sent.clear();
  server.session.write_end(1, 0, server.sent);
  CHECK(server.words() == "err1:late out1. end1/0/0");
}

TEST_CASE("server answer: STDERR that is held is cut at its limit, and begins anew") {
  ServerLimits limits;
  limits.stderr_held_bytes_max = 10;
  Server server(limits);
  server.feed(request(1));
  CHECK(server.session.hold_stderr(1, "12345"));
  CHECK(server.session.hold_stderr(1, "67890"));
  CHECK(!server.session.hold_stderr(1, "x"));
  CHECK(server.session.hold_stderr(1, ""));
  server.session.write_head(1, "h", server.sent);
  server.session.write_body(1, "b", server.sent);
  CHECK(!server.session.hold_stderr(1, "abcdefghijk"));
  server.session.write_end(1, 0, server.sent);
  CHECK(server.words() == "out1:h err1:1234567890 out1:b err1:abcdefghij out1. end1/0/0");
}

TEST_CASE("server answer: requests answered in turn and in any order") {
  Server server;
  server.feed(request(1) + request(3) + request(5)).forget();
  ServerSession& session = server.session;
  session.write_head(3, "h3", server.sent);
  CHECK(session.hold_stderr(1, "e1"));
  session.write_head(1, "h1", server.sent);
  session.write_body(3, "b3", server.sent);
  session.write_head(5, "h5", server.sent);
  session.write_end(5, 0, server.sent);
  session.write_body(1, "b1", server.sent);
  session.write_end(3, 0, server.sent);
  session.write_end(1, 0, server.sent);
  CHECK(server.words() ==
        "out3:h3 out1:h1 out3:b3 out5:h5 out5. end5/0/0 err1:e1 out1:b1 out3. end3/0/0 out1. end1/0/0");
}

TEST_CASE("server answer: kept with the flag; without it drained or closed, when all are answered") {
  Server kept = answering(1);
  kept.session.write_head(1, "h", kept.sent);
  CHECK(kept.session.verdict() == ServerVerdict::keep);
  kept.session.write_end(1, 0, kept.sent);
  CHECK(kept.session.verdict() == ServerVerdict::keep);

  Server closed = answering(0);
  CHECK(closed.session.verdict() == ServerVerdict::keep);
  closed.session.write_head(1, "h", closed.sent);
  closed.session.write_end(1, 0, closed.sent);
  CHECK(closed.session.verdict() == ServerVerdict::close);

  Server mixed;
  mixed.feed(request(1, "", 0) + request(2, "", 1));
  mixed.session.write_head(1, "h", mixed.sent);
  mixed.session.write_end(1, 0, mixed.sent);
  CHECK(mixed.session.verdict() == ServerVerdict::finish);
  mixed.session.write_head(2, "h", mixed.sent);
  mixed.forget();
  mixed.feed(request(4) + in(4, "x"));  // begun behind the last one: never runs
  CHECK(mixed.log().empty());
  mixed.session.write_end(2, 0, mixed.sent);
  CHECK(mixed.session.verdict() == ServerVerdict::close);
}

TEST_CASE("server answer: early, without the flag: drained to the last byte of the input") {
  const std::string input = params(1, Pairs{{"A", "1"}}, 3) + params(1, "") + in(1, "body", 2) + in(1, "", 5);
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    Server server;
    // Refused before the parameters were whole, or answered in the midst of the body.
    server.feed(begin(1, 0) + input.substr(0, cut)).forget();
    server.session.write_head(1, "413", server.sent);
    server.session.write_end(1, 0, server.sent);
    for (std::size_t at = cut; at < input.size(); ++at) {
      CHECK(server.session.verdict() == ServerVerdict::drain);
      server.feed(input.substr(at, 1));
    }
    CHECK(server.session.verdict() == ServerVerdict::close);
    CHECK(server.log().empty());
  }
  Server aborted;
  aborted.feed(begin(1, 0));
  aborted.session.write_head(1, "h", aborted.sent);
  aborted.session.write_end(1, 0, aborted.sent);
  CHECK(aborted.feed(abort_request(1)).session.verdict() == ServerVerdict::close);
  // Aborted first: nothing more will come of it.
  CHECK(Server().feed(begin(1, 0) + abort_request(1)).session.verdict() == ServerVerdict::close);
  // Not in its order, and no end of it therefore.
  Server odd;
  odd.feed(begin(1, 0));
  odd.session.write_head(1, "h", odd.sent);
  odd.session.write_end(1, 0, odd.sent);
  CHECK(odd.feed(in(1, "")).session.verdict() == ServerVerdict::drain);
  CHECK(odd.feed(params(1, "")).session.verdict() == ServerVerdict::drain);
  CHECK(odd.feed(in(1, "")).session.verdict() == ServerVerdict::close);
}

TEST_CASE("server answer: a refused request of either flag") {
  ServerLimits limits;
  limits.requests_max = 1;
  for (const int flags : {0, 1}) {
    Server server(limits);
    server.feed(request(1) + begin(2, flags) + params(2, ""));
    CHECK(server.words() == "out2:no out2. end2/0/0");
    CHECK(server.session.verdict() == (flags == 1 ? ServerVerdict::keep : ServerVerdict::finish));
    server.session.write_head(1, "h", server.sent);
    server.session.write_end(1, 0, server.sent);
    CHECK(server.session.verdict() == (flags == 1 ? ServerVerdict::keep : ServerVerdict::drain));
    server.feed(in(2, "x") + in(2, ""));
    CHECK(server.session.verdict() == (flags == 1 ? ServerVerdict::keep : ServerVerdict::close));
  }
  // By its role, by its parameters.
  CHECK(Server().feed(begin(1, 0, 3)).session.verdict() == ServerVerdict::drain);
  CHECK(Server().feed(begin(1, 1, 3)).session.verdict() == ServerVerdict::keep);
  limits.params_bytes_max = 3;
  CHECK(Server(limits).feed(request(1, "body", 0)).session.verdict() == ServerVerdict::close);
  CHECK(Server(limits).feed(request(1, "body", 1)).session.verdict() == ServerVerdict::keep);
}

TEST_CASE(
    "server answer: broken off alone: no END_REQUEST but what is no record, and the connection is reset") {
  Server server = answering();
  server.session.write_head(1, "h", server.sent);
  server.session.write_body(1, "part", server.sent);
  const std::string whole = server.sent;
  server.session.break_off(1, server.sent);
  CHECK(words_of(whole) == "out1:h out1:part");
  CHECK(server.sent == whole + std::string(8, '\0'));
  CHECK(server.session.verdict() == ServerVerdict::reset);
  CHECK(server.feed(request(2)).log().empty());
  CHECK(server.session.verdict() == ServerVerdict::reset);
}

TEST_CASE("server answer: broken off beside others: it alone ends") {
  Server server;
  server.feed(request(1) + request(2));
  server.session.write_head(1, "h", server.sent);
  CHECK(server.session.hold_stderr(1, "e"));
  server.session.break_off(1, server.sent);
  CHECK(server.words() == "out1:h end1/1/0");
  CHECK(server.session.verdict() == ServerVerdict::keep);
  CHECK(server.session.is_open(2));
}

TEST_CASE("server answer: a host that wants to be rid of the connection") {
  Server idle;
  CHECK(idle.session.verdict() == ServerVerdict::keep);
  idle.session.close_when_done();
  CHECK(idle.session.verdict() == ServerVerdict::close);
  CHECK(idle.feed(request(1)).log().empty());

  Server busy = answering();
  busy.session.close_when_done();
  CHECK(busy.session.verdict() == ServerVerdict::finish);
  busy.session.write_head(1, "h", busy.sent);
  busy.session.write_end(1, 0, busy.sent);
  CHECK(busy.session.verdict() == ServerVerdict::close);
}

TEST_CASE("server answer: told to close, a request that is not begun is read to its end") {
  for (const int flags : {0, 1}) {
    const std::string ignored = request(3, "body", flags) + request(3, "", flags) + request(5);
    for (std::size_t cut = 1; cut <= ignored.size(); ++cut) {
      CAPTURE(cut);
      Server server;
      server.feed(request(1));
      server.session.close_when_done();
      server.session.write_head(1, "h", server.sent);
      server.session.write_end(1, 0, server.sent);
      CHECK(server.session.verdict() == ServerVerdict::close);
      server.forget().feed(ignored.substr(0, cut));
      // Each end of a request is the end of what is known to come.
      const bool all = cut == ignored.size() || cut == ignored.size() - request(5).size() ||
                       cut == request(3, "body", flags).size();
      CHECK((server.session.verdict() == ServerVerdict::close) == all);
      CHECK((server.session.verdict() == ServerVerdict::drain) == !all);
      CHECK(server.log().empty());
      CHECK(server.sent.empty());
    }
  }
  Server aborted;
  aborted.session.close_when_done();
  CHECK(aborted.feed(begin(3)).session.verdict() == ServerVerdict::drain);
  CHECK(aborted.feed(abort_request(3)).session.verdict() == ServerVerdict::close);
}

TEST_CASE("server answer: early, with the flag: its input is waited for when the connection is to close") {
  const std::string rest = in(1, "body", 2) + in(1, "", 5);
  for (const bool again : {false, true}) {
    Server server;
    server.feed(begin(1) + params(1, ""));
    server.session.write_head(1, "413", server.sent);
    server.session.write_end(1, 0, server.sent);
    CHECK(server.session.verdict() == ServerVerdict::keep);
    if (again) {  // the rest never came: the next one is whole
      server.feed(request(1));
      server.session.write_head(1, "h", server.sent);
      server.session.write_end(1, 0, server.sent);
    }
    server.session.close_when_done();
    CHECK(server.session.verdict() == (again ? ServerVerdict::close : ServerVerdict::drain));
    if (!again) CHECK(server.feed(rest).session.verdict() == ServerVerdict::close);
  }
}

TEST_CASE("server answer: more requests without their rest than are noted one by one") {
  Server server;
  server.session.close_when_done();
  for (int id = 1; id <= 65535; ++id) server.feed(begin(id));
  for (int id = 1; id <= 65535; ++id) server.feed(abort_request(id));
  CHECK(server.session.verdict() == ServerVerdict::drain);
  server.end();
  CHECK(server.session.verdict() == ServerVerdict::close);
}

TEST_CASE("server answer: the empty STDIN that was not waited for is waited for at the end") {
  for (const int flags : {0, 1}) {
    Server server;
    server.feed(begin(1, flags) + params(1, ""));
    server.session.end_stdin(1);
    server.session.write_head(1, "h", server.sent);
    server.session.write_end(1, 0, server.sent);
    server.session.close_when_done();
    CHECK(server.session.verdict() == ServerVerdict::drain);
    CHECK(server.feed(in(1, "late") + in(1, "")).session.verdict() == ServerVerdict::close);
  }
}

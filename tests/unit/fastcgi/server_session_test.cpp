// ServerSession, what a web server may send: requests in every cut, many at once, ids used again, GET_VALUES,
// pauses, limits.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "fastcgi/request_params.h"
#include "server_log.h"

using namespace server_log;

TEST_CASE("server session: one request, with and without FCGI_KEEP_CONN, with and without a body") {
  check_server_cuts(request(1), "begin1 params1{N=v} end1/0");
  check_server_cuts(request(1, "body", 0), "begin1! params1{N=v} in1:body end1/4");
  check_server_cuts(request(65535, "b"), request_log(65535, "b"));
  // Other bits of the flags are reserved.
  check_server_cuts(request(1, "", 0xfe), "begin1! params1{N=v} end1/0");
  check_server_cuts(request(1, "", 0xff), request_log(1));
  check_server_cuts(begin(1) + params(1, "") + in(1, ""), "begin1 params1{} end1/0");
}

TEST_CASE("server session: padding of every record, and reserved bytes of BEGIN_REQUEST") {
  for (const std::size_t padding : {1u, 7u, 8u, 255u}) {
    check_server_cuts(begin(1, 1, 1, padding) + params(1, Pairs{{"A", "1"}}, padding) +
                          params(1, "", padding) + in(1, "xy", padding) + in(1, "", padding) + request(2),
                      "begin1 params1{A=1} in1:xy end1/2 " + request_log(2));
  }
  check_server_cuts(record(1, 1, bytes({0, 1, 1, 9, 9, 9, 9, 9})), "begin1");
}

TEST_CASE("server session: pairs cut by records, at every place") {
  const Pairs pairs = {{"NAME", "value"}, {"LONG", std::string(200, 'x')}, {"", ""}, {"B", ""}};
  const std::string stream = reference::encode_pairs(pairs);
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    Server server;
    server.feed(begin(1) + params(1, stream.substr(0, cut), cut % 9) + params(1, stream.substr(cut)) +
                params(1, "") + in(1, ""));
    CHECK(server.log() == "begin1 params1{NAME=value;LONG=" + std::string(200, 'x') + ";=;B=} end1/0");
  }
  std::string single = begin(1);
  for (const char byte : stream) single += params(1, std::string(1, byte), 1);
  check_server_cuts(single + params(1, "") + in(1, ""),
                    "begin1 params1{NAME=value;LONG=" + std::string(200, 'x') + ";=;B=} end1/0");
}

TEST_CASE("server session: a body in records of every size") {
  const std::string large(65535, 'L');
  check_server_cuts(begin(1) + params(1, "") + in(1, "a") + in(1, large, 255) + in(1, "b", 3) + in(1, "", 5),
                    "begin1 params1{} in1:a" + large + "b end1/65537");
}

TEST_CASE("server session: many requests at once, interleaved record by record") {
  const std::string input = begin(1) + begin(3, 0) + params(3, Pairs{{"B", "2"}}) +
                            params(1, Pairs{{"A", "1"}}) + params(1, "") + in(1, "x") + begin(7) +
                            params(3, "") + in(3, "y") + in(1, "z") + params(7, "") + in(1, "") + in(7, "") +
                            in(3, "");
  check_server_cuts(
      input,
      "begin1 begin3! params1{A=1} in1:x begin7 params3{B=2} in3:y in1:z params7{} end1/2 end7/0 end3/1");
}

TEST_CASE("server session: the next request before the end of the last (HAProxy)") {
  Server server;
  server.feed(request(1, "one"));
  server.session.write_head(1, "head", server.sent);
  server.feed(request(3, "two"));
  server.session.write_end(1, 0, server.sent);
  CHECK(server.session.verdict() == ServerVerdict::keep);
  server.session.write_head(3, "head", server.sent);
  server.session.write_end(3, 0, server.sent);
  CHECK(server.log() == request_log(1, "one") + " " + request_log(3, "two"));
  CHECK(server.words() == "out1:head out1. end1/0/0 out3:head out3. end3/0/0");
}

TEST_CASE("server session: an id used again after its end, and late input of the last use") {
  Server server;
  server.feed(begin(1) + params(1, Pairs{{"A", "1"}}) + params(1, "") + in(1, "first"));
  server.session.write_head(1, "early", server.sent);
  server.session.write_end(1, 0, server.sent);
  server.forget();
  // The front had not seen the end.
  server.feed(in(1, "late") + in(1, ""));
  CHECK(server.log().empty());
  server.feed(request(1, "second"));
  CHECK(server.log() == request_log(1, "second"));
}

TEST_CASE("server session: answered within a record, the rest of it is dropped") {
  const std::string body = in(1, "0123456789", 6);
  for (std::size_t cut = 1; cut < body.size(); ++cut) {
    Server server;
    server.feed(begin(1) + params(1, "") + body.substr(0, cut));
    server.session.write_head(1, "early", server.sent);
    server.session.write_end(1, 0, server.sent);
    server.forget();
    server.feed(body.substr(cut) + in(1, "") + request(2));
    CHECK(server.log() == request_log(2));
  }
}

TEST_CASE("server session: records for ids that are not open are ignored") {
  const std::string strays = params(2, "\xff\xff") + in(2, "x") + in(2, "") + params(2, "") +
                             abort_request(9) + record(8, 2, "data") + record(12, 2, "?") +
                             record(2, 2, "content");
  check_server_cuts(strays + begin(1) + strays + params(1, "") + strays + in(1, ""),
                    "begin1 params1{} end1/0");
}

TEST_CASE("server session: ABORT_REQUEST at each stage") {
  const std::string stages[] = {begin(1), params(1, Pairs{{"A", "1"}}), params(1, ""), in(1, "x"), in(1, "")};
  const std::string logs[] = {"begin1", "", " params1{A=1}", " in1:x", " end1/1"};
  std::string input;
  std::string log;
  for (std::size_t i = 0; i < 5; ++i) {
    input += stages[i];
    log += logs[i];
    check_server_cuts(input + abort_request(1, i) + params(1, "") + in(1, "late") + request(2),
                      log + " abort1 " + request_log(2), "end1/0/0");
  }
  Server server;
  server.feed(request(1) + abort_request(1));
  CHECK(!server.session.is_open(1));
  CHECK(server.session.verdict() == ServerVerdict::keep);
}

TEST_CASE("server session: GET_VALUES is answered at once, between and within requests") {
  const auto values = [](const Pairs& asked) { return record(9, 0, reference::encode_pairs(asked), 3); };
  const ServerValues ours{1000, 200, false};
  const Pairs all = {{"FCGI_MPXS_CONNS", ""}, {"FCGI_MAX_REQS", ""}, {"FCGI_MAX_CONNS", ""}};
  const std::string answer = "values{FCGI_MAX_CONNS=1000;FCGI_MAX_REQS=200;FCGI_MPXS_CONNS=0;}";
  check_server_cuts(values(all), "", answer, {}, ours);
  check_server_cuts(values({{"FCGI_MPXS_CONNS", ""}}), "", "values{FCGI_MPXS_CONNS=1;}", {}, {1, 1, true});
  check_server_cuts(values({}), "", "values{}", {}, ours);
  check_server_cuts(values({{"OTHER", ""}, {"", ""}, {"FCGI_MAX_REQS", "7"}, {"FCGI_MAX_REQS", ""}}), "",
                    "values{FCGI_MAX_REQS=200;}", {}, ours);
  check_server_cuts(begin(1) + values(all) + params(1, "") + in(1, "a") + values({}) + in(1, "b") + in(1, ""),
                    "begin1 params1{} in1:ab end1/2", answer + " values{}", {}, ours);
  // php-fpm does not look at the id.
  check_server_cuts(record(9, 7, ""), "", "values{}", {}, ours);
}

TEST_CASE("server session: types that the specification does not name") {
  for (const int type : {0, 12, 99, 255}) {
    const std::string word = "unknown" + std::to_string(type);
    check_server_cuts(record(type, 0, "content", 2), "", word);
    check_server_cuts(begin(1) + record(type, 1, "") + params(1, "") + in(1, ""), "begin1 params1{} end1/0",
                      word);
  }
}

TEST_CASE("server session: other roles get FCGI_UNKNOWN_ROLE") {
  for (const int role : {0, 2, 3, 4, 256, 257, 65535}) {
    check_server_cuts(begin(1, 1, role) + params(1, Pairs{{"A", "1"}}) + params(1, "") + in(1, "x") +
                          in(1, "") + record(8, 1, "data") + request(1),
                      "refused1:unknown_role " + request_log(1), "end1/0/3");
  }
}

TEST_CASE("server session: requests open at once, at the limit, below, above") {
  ServerLimits limits;
  limits.requests_max = 2;
  check_server_cuts(
      begin(1) + begin(2) + request(3, "x") + params(1, "") + in(1, "") + params(2, "") + in(2, ""),
      "begin1 begin2 refused3:too_many_requests params1{} end1/0 params2{} end2/0", "out3:no out3. end3/0/0",
      limits);
  Server server(limits);
  server.feed(begin(1) + begin(2));
  server.session.write_head(1, "h", server.sent);
  server.session.write_end(1, 0, server.sent);
  server.forget().feed(request(3));
  CHECK(server.log() == request_log(3));
}

TEST_CASE("server session: parameters at the limit of one request, one below, one above") {
  // Encoded: 2 bytes of lengths, one of name, the rest of value.
  for (const int spare : {-1, 0, 1}) {
    ServerLimits limits;
    limits.params_bytes_max = static_cast<std::size_t>(103 + spare);
    const std::string input = begin(1) + params(1, Pairs{{"N", std::string(100, 'v')}}) + params(1, "") +
                              in(1, "body") + in(1, "") + request(2);
    const bool fits = spare >= 0;
    check_server_cuts(
        input,
        fits ? "begin1 params1{N=" + std::string(100, 'v') + "} in1:body end1/4 " + request_log(2)
             : "begin1 refused1:params_too_large " + request_log(2),
        fits ? "" : "out1:no out1. end1/0/0", limits);
  }
}

// Found by the fuzzer: which of two limits was met first hung on the cut.
TEST_CASE("server session: a record above the limit of a request, with a pair above that of a pair in it") {
  ServerLimits limits;
  limits.params_bytes_max = 30;
  const std::string pairs =
      reference::encode_pairs({{"A", "1"}}) + bytes({1, 255, 255, 255, 255}) + std::string(30, 'v');
  check_server_cuts(begin(1) + params(1, pairs) + request(2),
                    "begin1 refused1:params_too_large " + request_log(2), "out1:no out1. end1/0/0", limits);
  limits.params_bytes_max = 100;
  check_server_cuts(begin(1) + params(1, pairs) + request(2),
                    "begin1 refused1:param_too_large " + request_log(2), "out1:no out1. end1/0/0", limits);
}

TEST_CASE("server session: parameters of all requests together, given back at their end") {
  ServerLimits limits;
  limits.params_held_bytes_max = 12;  // N=v takes four
  Server server(limits);
  server.feed(request(1) + request(2) + request(3));
  CHECK(server.session.params_held_bytes() == 12);
  server.forget().feed(request(4));
  CHECK(server.log() == "begin4 refused4:params_held");
  server.session.write_head(2, "h", server.sent);
  server.session.write_end(2, 0, server.sent);
  CHECK(server.session.params_held_bytes() == 8);
  server.forget().feed(request(5));
  CHECK(server.log() == request_log(5));
}

TEST_CASE("server session: sixteen megabytes of parameters, and a pair that php-fpm would not take") {
  Pairs pairs;
  for (int i = 0; i < 280; ++i) pairs.push_back({"N" + std::to_string(i), std::string(59900, 'v')});
  const auto wire = [](const std::string& stream) {
    std::string out = begin(1);
    for (std::size_t at = 0; at < stream.size(); at += 60000)
      out += params(1, std::string_view(stream).substr(at, 60000));
    return out + params(1, "") + in(1, "");
  };
  Server server;
  server.feed(wire(reference::encode_pairs(pairs)));
  CHECK(server.log().size() > 16'700'000);
  CHECK(server.session.is_complete(1));
  pairs.push_back({"LAST", std::string(10000, 'v')});
  CHECK(Server().feed(wire(reference::encode_pairs(pairs))).log() == "begin1 refused1:params_too_large");
  const Pairs large = {{"A", "1"}, {"N", std::string(65530, 'v')}, {"B", "2"}};
  CHECK(Server().feed(wire(reference::encode_pairs(large)) + request(2)).log() ==
        "begin1 refused1:param_too_large " + request_log(2));
}

TEST_CASE("server session: 200 requests at once, records in random order, some aborted (seeded)") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<std::vector<std::string>> records(201);  // by id, in their order
    std::vector<std::string> bodies(201);
    std::size_t left = 0;
    for (int id = 1; id <= 200; ++id) {
      const auto at = static_cast<std::size_t>(id);
      const std::string pairs = reference::encode_pairs({{"ID", std::to_string(id)}});
      const std::size_t cut = random() % (pairs.size() - 1) + 1;
      records[at] = {begin(id), params(id, pairs.substr(0, cut)), params(id, pairs.substr(cut), random() % 9),
                     params(id, "")};
      for (unsigned i = random() % 4; i > 0; --i) {
        const std::string piece = std::to_string(id) + std::string(random() % 50, 'b');
        bodies[at] += piece;
        records[at].push_back(in(id, piece, random() % 9));
      }
      records[at].push_back(id % 7 == 0 ? abort_request(id) : in(id, ""));
      left += records[at].size();
    }
    std::string wire;
    std::vector<std::size_t> next(201);
    while (left > 0) {
      const std::size_t id = random() % 200 + 1;
      if (next[id] == records[id].size()) continue;
      wire += records[id][next[id]++];
      --left;
    }

    ServerSession session;
    std::string sent;
    std::vector<std::string> seen(201);
    std::string_view rest = wire;
    for (ServerEvent event; (event = session.next(rest, sent)).kind != ServerEvent::Kind::need_bytes;) {
      std::string& of = seen[event.request_id];
      REQUIRE(event.kind != ServerEvent::Kind::failed);
      if (event.kind == ServerEvent::Kind::stdin_data) of += event.bytes;
      if (event.kind == ServerEvent::Kind::stdin_ended) of += " ended " + std::to_string(event.stdin_bytes);
      if (event.kind == ServerEvent::Kind::aborted) of += " aborted";
      if (event.kind != ServerEvent::Kind::params_ended) continue;
      ParamList list;
      session.take_params(event.request_id, list);
      CHECK(find_param(list, "ID") == std::to_string(event.request_id));
    }
    session.check();
    for (std::size_t id = 1; id <= 200; ++id) {
      const bool is_aborted = id % 7 == 0;
      CHECK(seen[id] ==
            bodies[id] + (is_aborted ? " aborted" : " ended " + std::to_string(bodies[id].size())));
      CHECK(session.is_complete(static_cast<std::uint16_t>(id)) == !is_aborted);
    }
    CHECK(session.open_requests() == 172);
    CHECK(reference::decode(sent).size() == 28);
  }
}

TEST_CASE("server session: a paused request stops the connection at its next bytes, not before") {
  const std::string input = in(2, "b") + in(1, "") + in(2, "more") + in(2, "") + request(3);
  reference::for_each_cut(input, [&](const std::vector<std::string>& pieces) {
    Server server;
    server.feed(begin(1) + params(1, "") + begin(2) + params(2, "") + in(2, "a"));
    server.session.pause(2);
    server.forget();
    for (const std::string& piece : pieces) server.feed(piece);
    CHECK(server.log().empty());
    CHECK(server.input.size() == input.size() - 8);
    server.session.resume(2);
    server.feed("");
    CHECK(server.log() == "in2:b end1/0 in2:more end2/6 " + request_log(3));
    CHECK(server.input.empty());
  });
}

TEST_CASE("server session: told to close between any two bytes, it begins nothing more") {
  const std::string inputs[] = {request(1, "body"), begin(1, 1, 2) + request(3)};
  for (const std::string& input : inputs) {
    for (std::size_t cut = 0; cut < input.size(); ++cut) {
      CAPTURE(cut);
      Server server;
      server.feed(input.substr(0, cut));
      const std::size_t open = server.session.open_requests();
      const bool at_work = open > 0;
      server.session.close_when_done();
      CHECK((server.session.verdict() == ServerVerdict::finish) == at_work);
      server.forget().feed(input.substr(cut));
      CHECK(server.log().find("begin") == std::string::npos);
      CHECK(server.log().find("refused") == std::string::npos);
      CHECK(server.session.open_requests() == open);
      CHECK(server.sent.empty());
    }
  }
}

TEST_CASE("server session: another's records pass while one is paused; its own end does too") {
  Server server;
  server.feed(begin(1) + params(1, "") + begin(2) + params(2, "") + in(2, "a"));
  server.session.pause(2);
  server.forget().feed(in(1, "x") + in(1, "") + in(2, ""));
  CHECK(server.log() == "in1:x end1/1 end2/1");
}

TEST_CASE("server session: answered while it is paused, its bytes are read and dropped") {
  Server server;
  server.feed(begin(1) + params(1, ""));
  server.session.pause(1);
  server.forget().feed(in(1, "body", 4) + in(1, "") + request(1));
  CHECK(server.log().empty());
  server.session.write_head(1, "413", server.sent);
  server.session.write_end(1, 0, server.sent);
  server.feed("");
  CHECK(server.log() == request_log(1));
}

TEST_CASE("server session: an empty STDIN record that does not come, comes late, comes twice") {
  Server server;
  server.feed(begin(1) + params(1, ""));
  CHECK(!server.session.is_complete(1));
  server.session.end_stdin(1);
  CHECK(server.session.is_complete(1));
  server.forget().feed(in(1, "", 3) + in(1, "") + request(2));
  CHECK(server.log() == request_log(2));
  server.feed(in(1, "x"));
  CHECK(server.session.fault() == ServerFault::stdin_after_end);
}

TEST_CASE("server session: bytes of STDIN behind the end that the host assumed are dropped, in every cut") {
  const std::string late = in(1, "late", 3) + in(1, "more") + in(1, "", 1);
  reference::for_each_cut(late, [&](const std::vector<std::string>& pieces) {
    Server server;
    server.feed(begin(1) + params(1, ""));
    server.session.end_stdin(1);
    server.forget();
    for (const std::string& piece : pieces) server.feed(piece);
    CHECK(server.log().empty());
    CHECK(server.session.is_complete(1));
    // Behind the real end they are an error.
    CHECK(server.feed(in(1, "x")).session.fault() == ServerFault::stdin_after_end);
  });
  // With the connection's end the request is not lost: it is whole, as far as the host knows.
  Server half;
  half.feed(begin(1) + params(1, ""));
  half.session.end_stdin(1);
  half.forget().end();
  CHECK(half.log() == "failed:eof");
  CHECK(half.session.verdict() == ServerVerdict::finish);
}

// What the hot path may allocate: this program's operator new counts. Under a sanitizer the counting is the
// same, only the numbers of bytes differ.
// g++ with -fsanitize=thread takes the replaced operators for mismatched ones.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "fastcgi/cgi_head.h"
#include "fastcgi/request_params.h"
#include "fastcgi/server_session.h"
#include "fastcgi/session.h"
#include "reference_codec.h"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

using namespace holdfast::fastcgi;

namespace {

template <class Work>
std::size_t allocations_of(Work work) {
  const std::size_t before = allocations;
  work();
  return allocations - before;
}

ParamList usual_params() {
  ParamList params;
  for (int i = 0; i < 30; ++i) {
    REQUIRE(params.add("HTTP_SOME_HEADER_" + std::to_string(i), "a value of a usual length, or a bit more"));
  }
  return params;
}

}  // namespace

TEST_CASE("allocation: the counter counts") {
  CHECK(allocations_of([] { std::string(100, 'x'); }) == 1);
}

TEST_CASE("allocation: begin_request grows the output once, a small body included") {
  const ParamList params = usual_params();
  const std::string body(1000, 'b');
  for (const std::size_t length : {std::size_t{0}, body.size()}) {
    Session session;
    std::string out;
    CHECK(allocations_of([&] {
            const auto id = session.begin_request(Role::responder, true, params, length, out);
            session.write_stdin(id, std::string_view(body).substr(0, length), out);
          }) == 1);
  }
}

TEST_CASE("allocation: a usual list of parameters is encoded in one allocation, and none after clear()") {
  ParamList params;
  const auto fill = [&params] {
    for (int i = 0; i < 30; ++i) {
      if (!params.add("HTTP_SOME_HEADER", "a value of a usual length")) std::abort();
    }
  };
  CHECK(allocations_of(fill) == 1);
  params.clear();
  CHECK(allocations_of(fill) == 0);
}

TEST_CASE("allocation: the usual small response is read without one") {
  const ParamList params = usual_params();
  Session session;
  std::string out;
  std::vector<Event> events;
  for (int id = 1; id <= 3; ++id) {
    const std::string response =
        reference::out(id, "Content-type: text/html\r\n\r\nhello", 6) + reference::end_request(id);
    const std::string answer = reference::record(10, 0, "");
    const auto round = [&] {
      out.clear();
      session.begin_request(Role::responder, true, params, 0, out);
      events.clear();
      session.feed(response, events);
      session.write_barrier(out);
      session.feed(answer, events);
    };
    const std::size_t count = allocations_of(round);
    CHECK(events.size() == 3);
    if (id > 1) CHECK(count == 0);  // the first round sizes the caller's own string and vector
  }
}

TEST_CASE("allocation: answers to the barrier leave nothing behind") {
  Session session;
  std::string out;
  std::vector<Event> events;
  const std::string pair = reference::bytes({15, 1}) + "FCGI_MPXS_CONNS0";
  const std::string answer = reference::record(10, 0, pair);
  const auto round = [&] {
    out.clear();
    events.clear();
    session.write_barrier(out);
    session.feed(answer, events);
  };
  round();
  CHECK(allocations_of([&] {
          for (int i = 0; i < 100; ++i) round();
        }) == 0);
  CHECK(session.reuse_verdict() == ReuseVerdict::reusable);
}

TEST_CASE("allocation: a head of usual size is parsed without one, once the parser is warm") {
  CgiHeadParser parser;
  const auto parse = [&parser] {
    parser.reset();
    std::string_view in = "Status: 404 Not Found\r\nX-Powered-By: PHP\r\nContent-type: text/html\r\n\r\nbody";
    if (parser.feed(in) != CgiHeadState::complete) std::abort();
  };
  CHECK(allocations_of(parse) == 2);  // the copy of the head, and the fields
  CHECK(allocations_of(parse) == 0);
}

TEST_CASE("allocation: a web server's small request on a kept connection is read and answered without one") {
  reference::Pairs pairs;
  for (int i = 0; i < 30; ++i)
    pairs.push_back({"HTTP_SOME_HEADER_" + std::to_string(i), "a value of a usual length"});
  const std::string wire = reference::record(1, 1, reference::bytes({0, 1, 1, 0, 0, 0, 0, 0})) +
                           reference::record(4, 1, reference::encode_pairs(pairs), 3) +
                           reference::record(4, 1, "") + reference::record(5, 1, "");
  ServerSession session;
  ParamList params;  // given back by the host, for its memory
  std::string out;
  const auto round = [&] {
    out.clear();
    std::string_view rest = wire;
    ServerEvent event;
    do {
      event = session.next(rest, out);
      if (event.kind == ServerEvent::Kind::params_ended) session.take_params(1, params);
    } while (event.kind != ServerEvent::Kind::need_bytes);
    if (read_request_params(params).request_method.size() > 3) std::abort();
    correct_content_length(params, 0);
    session.write_head(1, "Content-type: text/html\r\n\r\n", out);
    session.write_body(1, "hello", out);
    session.write_end(1, 0, out);
  };
  CHECK(allocations_of(round) > 0);
  round();
  CHECK(allocations_of(round) == 0);
}

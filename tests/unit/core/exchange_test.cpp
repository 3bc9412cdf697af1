// The exchange between a session and a sink: request bytes out, in pieces and again on a retry; response
// bytes in, in every cut.
#include "proxy/core/exchange.h"

#include <doctest/doctest.h>

#include <array>

#include "../fastcgi/reference_codec.h"
#include "exchange_case.h"
#include "pattern.h"

using namespace holdfast::core;
using namespace std::chrono_literals;
namespace fastcgi = holdfast::fastcgi;
namespace http = holdfast::http;

namespace {

std::string stdin_of(const std::vector<reference::Record>& records) {
  std::string out;
  for (const reference::Record& record : records) {
    if (record.type == 5) out += record.content;
  }
  return out;
}

constexpr std::string_view kResponse =
    "Status: 404 Not Here\r\nContent-Type: text/plain\r\nX-A: 1\r\n\r\nbody\r\n\r\nmore";
constexpr std::string_view kResponseLog =
    "start 404 'Not Here' [Content-Type: text/plain] [X-A: 1]\nfinish\n";

}  // namespace

// -------------------------------------------------------------------------------------------------- response

TEST_CASE("a response whole, byte by byte and in each two-way cut gives the same calls") {
  const auto check = [](auto&& feed) {
    Case one;
    one.begin();
    one.exchange.all_sent();
    feed(one);
    CHECK(one.exchange.on_end(kStart));
    CHECK(one.sink.log == kResponseLog);
    CHECK(one.sink.body == "body\r\n\r\nmore");
    CHECK(one.exchange.outcome() == Outcome::ok);
    CHECK(one.exchange.state() == ExchangeState::done);
  };
  check([](Case& one) { CHECK(one.feed({kResponse})); });
  check([](Case& one) {
    for (std::size_t i = 0; i < kResponse.size(); ++i) CHECK(one.feed({kResponse.substr(i, 1)}));
  });
  for (std::size_t cut = 0; cut <= kResponse.size(); ++cut) {
    CAPTURE(cut);
    check([&](Case& one) { CHECK(one.feed({kResponse.substr(0, cut), kResponse.substr(cut)})); });
  }
}

TEST_CASE("states on the way of a request and its response") {
  Case one;
  CHECK(one.exchange.state() == ExchangeState::waiting);
  one.begin(42);
  CHECK(one.exchange.state() == ExchangeState::sending);
  CHECK(one.exchange.connection() == 42);
  one.exchange.all_sent();
  CHECK(one.exchange.state() == ExchangeState::awaiting_head);
  CHECK(one.exchange.on_stdout("Content-Type: a/b\r\n", kStart + 5ms));
  CHECK(one.exchange.state() == ExchangeState::awaiting_head);
  CHECK_FALSE(one.exchange.response_started());
  CHECK(one.exchange.on_stdout("\r\n", kStart + 6ms));
  CHECK(one.exchange.response_started());
  CHECK(one.exchange.on_end(kStart + 7ms));
  CHECK(one.exchange.timings().first_byte == kStart + 5ms);
  CHECK(one.exchange.timings().ended == kStart + 7ms);
  CHECK(one.exchange.timings().leased == kStart);
}

TEST_CASE("a response that begins before the request is sent whole") {
  Case one("body", http::Method::post);
  one.begin();
  CHECK(one.feed({kResponse}));
  CHECK(one.exchange.response_started());
  one.exchange.all_sent();  // late: must not take it back
  CHECK(one.exchange.response_started());
}

TEST_CASE("stderr before, in and after the head stays out of the response, up to a limit") {
  Case one;
  one.begin();
  one.exchange.on_stderr("PHP Warning: a\n");
  for (std::size_t cut = 0; cut <= kResponse.size(); cut += 7) {
    CHECK(one.exchange.on_stdout(kResponse.substr(cut, 7), kStart));
    one.exchange.on_stderr("b");
  }
  CHECK(one.exchange.on_end(kStart));
  CHECK(one.sink.log == kResponseLog);
  CHECK(one.exchange.stderr_text().substr(0, 17) == "PHP Warning: a\nbb");
  CHECK_FALSE(one.exchange.stderr_cut());
}

TEST_CASE("stderr: 64 KiB are kept, one byte more is cut and said so") {
  constexpr std::size_t kMost = 64 * 1024;
  for (const std::size_t bytes : {kMost - 1, kMost, kMost + 1, 3 * kMost}) {
    CAPTURE(bytes);
    Case one;
    one.begin();
    std::string_view text;
    const std::string all = pattern(bytes);
    for (text = all; !text.empty(); text.remove_prefix(std::min<std::size_t>(text.size(), 40'000)))
      one.exchange.on_stderr(text.substr(0, 40'000));
    CHECK(one.exchange.stderr_text() == all.substr(0, kMost));
    CHECK(one.exchange.stderr_cut() == (bytes > kMost));
  }
}

TEST_CASE("an empty stdout record is a sign of life and nothing else") {
  Case one;
  one.begin();
  CHECK(one.exchange.on_stdout("", kStart));
  CHECK_FALSE(one.exchange.timings().first_byte);
  CHECK(one.sink.log.empty());
}

TEST_CASE("END_REQUEST without a head, or in it, is no response: 502") {
  for (const std::string_view before : {"", "Content-Type: text/plain\r\n", "Status: 200\r\n\r"}) {
    CAPTURE(before);
    Case one;
    one.begin();
    CHECK(one.feed({before}));
    CHECK_FALSE(one.exchange.on_end(kStart));
    one.exchange.fail(Outcome::upstream_no_head, kStart);
    CHECK(one.sink.log.substr(0, 9) == "start 502");
    CHECK(one.sink.log.find("finish\n") != std::string::npos);
    CHECK(one.exchange.outcome() == Outcome::upstream_no_head);
  }
}

TEST_CASE("a malformed head is refused in every cut, and answered with 502") {
  constexpr std::string_view kBad = "Content-Type: text/plain\r\nbad name: x\r\n\r\n";
  for (std::size_t cut = 0; cut <= kBad.size(); ++cut) {
    CAPTURE(cut);
    Case one;
    one.begin();
    CHECK_FALSE(one.feed({kBad.substr(0, cut), kBad.substr(cut)}));
    CHECK_FALSE(one.exchange.head_error().empty());
    CHECK(one.sink.log.empty());
    one.exchange.fail(Outcome::upstream_bad_head, kStart);
    CHECK(one.sink.log.substr(0, 9) == "start 502");
  }
}

TEST_CASE("a failure before the head is answered whole; after it the response is broken off") {
  Case early;
  early.begin();
  CHECK(early.feed({"Content-Type: text/plain\r\n"}));
  early.exchange.fail(Outcome::upstream_reset, kStart);
  CHECK(early.sink.log.find("break") == std::string::npos);
  CHECK(early.sink.body.find("502") != std::string::npos);

  Case late;
  late.begin();
  CHECK(late.feed({kResponse}));
  late.exchange.fail(Outcome::upstream_reset, kStart + 1s);
  CHECK(late.sink.log == "start 404 'Not Here' [Content-Type: text/plain] [X-A: 1]\nbreak\n");
  CHECK(late.exchange.outcome() == Outcome::upstream_reset);
  CHECK(late.exchange.timings().ended == kStart + 1s);
}

TEST_CASE("a failure in the queue is answered whole") {
  Case one;
  one.exchange.fail(Outcome::queue_full, kStart);
  CHECK(one.sink.log.substr(0, 9) == "start 503");
  CHECK(one.sink.log.find(" length " + std::to_string(one.sink.body.size())) != std::string::npos);
  CHECK(one.exchange.outcome() == Outcome::queue_full);
}

TEST_CASE("a client that left is told nothing, wherever it left") {
  for (const bool started : {false, true}) {
    Case one;
    one.begin();
    if (started) CHECK(one.feed({kResponse}));
    const std::string before = one.sink.log;
    one.exchange.fail(Outcome::client_left, kStart);
    CHECK(one.sink.log == before);
    CHECK(one.exchange.state() == ExchangeState::done);
  }
}

TEST_CASE("streaming: X-Accel-Buffering: no, and event streams; the field itself is for us") {
  struct Sample {
    std::string_view fields;
    bool streaming;
  };
  constexpr std::array kSamples = {
      Sample{"Content-Type: text/html\r\n", false},
      Sample{"X-Accel-Buffering: no\r\n", true},
      Sample{"x-accel-buffering: NO\r\n", true},
      Sample{"X-Accel-Buffering: yes\r\n", false},
      Sample{"X-Accel-Buffering: no\r\nX-Accel-Buffering: yes\r\n", true},
      Sample{"Content-Type: text/event-stream\r\n", true},
      Sample{"content-type: Text/Event-Stream; charset=utf-8\r\n", true},
      Sample{"Content-Type: text/event\r\n", false},
      Sample{"X-Type: text/event-stream\r\n", false},
  };
  for (const Sample& sample : kSamples) {
    CAPTURE(sample.fields);
    Case one;
    one.begin();
    CHECK(one.feed({sample.fields, "\r\n"}));
    CHECK(one.exchange.streaming() == sample.streaming);
    CHECK((one.sink.log.find(" stream") != std::string::npos) == sample.streaming);
    CHECK(one.sink.log.find("uffering") == std::string::npos);
  }
}

TEST_CASE("a length that the application promises is passed on") {
  Case one;
  one.begin();
  CHECK(one.feed({"Content-Length: 5\r\n\r\n", "hello"}));
  CHECK(one.sink.log.substr(0, 18) == "start 200 length 5");
}

// --------------------------------------------------------------------------------------------------- request

TEST_CASE("a request without a body goes out in one piece; PARAMS end before the empty STDIN record") {
  Case one;
  one.begin();
  fastcgi::Session session;
  int calls = 0;
  const std::string wire = one.write_all(session, calls);
  CHECK(calls == 1);
  const auto records = reference::decode(wire);
  REQUIRE(records.size() == 4);
  CHECK(records[2] == reference::Record{1, 4, one.exchange.fastcgi_id(), 0, 0, ""});
  CHECK(records[3] == reference::Record{1, 5, one.exchange.fastcgi_id(), 0, 0, ""});
  // With the last byte before it the script can start (php-fpm.md 8.1): that decides over a retry.
  CHECK(one.exchange.params_end() == wire.size() - 8);
}

TEST_CASE("PARAMS end where the body begins, counted from the start of this attempt") {
  for (const std::string before : {"", "bytes that lie in the buffer"}) {
    Case one("hello", http::Method::post);
    one.begin();
    fastcgi::Session session;
    std::string out = before;
    REQUIRE(one.exchange.write_request(session, true, out));
    CHECK(one.exchange.request_written());
    const auto records = reference::decode(std::string_view(out).substr(before.size()));
    std::size_t params_end = 0;
    for (const reference::Record& record : records) {
      if (record.type == 1 || record.type == 4)
        params_end += 8 + record.content.size() + static_cast<std::size_t>(record.padding);
    }
    CHECK(one.exchange.params_end() == params_end);
    CHECK(stdin_of(records) == "hello");
  }
}

TEST_CASE("a body goes out in pieces of 64 KiB, whole and in order, memory and file alike") {
  constexpr std::size_t kPiece = 64 * 1024;
  for (const std::size_t bytes : {std::size_t{1}, kPiece - 1, kPiece, kPiece + 1, 5 * kPiece + 17}) {
    CAPTURE(bytes);
    const std::string body = pattern(bytes);
    Case one(body, http::Method::post);
    one.begin();
    fastcgi::Session session;
    int calls = 0;
    const auto records = reference::decode(one.write_all(session, calls));
    CHECK(static_cast<std::size_t>(calls) == (bytes + kPiece - 1) / kPiece);
    CHECK(stdin_of(records) == body);
    CHECK(records.back() == reference::Record{1, 5, one.exchange.fastcgi_id(), 0, 0, ""});
    CHECK(session.stdin_bytes_left(one.exchange.fastcgi_id()) == 0);
    // Once all is written, another call adds nothing.
    std::string more;
    CHECK(one.exchange.write_request(session, true, more));
    CHECK(more.empty());
  }
}

TEST_CASE("a body that cannot be read back fails the write") {
  Case one(pattern(100'000), http::Method::post);
  one.begin();
  one.files.read_fails = true;
  fastcgi::Session session;
  std::string out;
  CHECK_FALSE(one.exchange.write_request(session, true, out));
  CHECK_FALSE(one.exchange.request_written());
  one.exchange.fail(Outcome::spool_failed, kStart);
  CHECK(one.sink.log.substr(0, 9) == "start 500");
}

TEST_CASE("a retry sends the same request again, whole, and forgets the first try") {
  const std::string body = pattern(150'000);
  Case one(body, http::Method::put);
  one.exchange.begin_attempt(1, true, kStart);
  fastcgi::Session first;
  std::string lost;
  REQUIRE(one.exchange.write_request(first, true, lost));  // the first piece, then the connection is lost
  CHECK(one.exchange.reused());
  one.exchange.count_retry(RetryReason::repeatable);
  CHECK(one.exchange.state() == ExchangeState::waiting);
  CHECK(one.exchange.retries() == 1);
  CHECK(one.exchange.connection() == 0);

  one.exchange.begin_attempt(2, false, kStart + 1s);
  CHECK(one.exchange.connection() == 2);
  CHECK_FALSE(one.exchange.reused());
  CHECK_FALSE(one.exchange.request_written());
  CHECK(one.exchange.params_end() == 0);
  fastcgi::Session second(1, 900);
  int calls = 0;
  const auto records = reference::decode(one.write_all(second, calls));
  CHECK(calls == 3);
  CHECK(stdin_of(records) == body);
  CHECK(one.exchange.fastcgi_id() == 900);
  CHECK(records.front().id == 900);
  one.exchange.all_sent();
  CHECK(one.feed({kResponse}));
  CHECK(one.exchange.on_end(kStart + 2s));
  CHECK(one.sink.log == kResponseLog);
  CHECK(one.exchange.timings().leased == kStart + 1s);
}

TEST_CASE("what failed beside others is forgiven once") {
  Case one;
  for (const unsigned blamed : {0U, 1U}) {
    one.begin();
    one.exchange.count_retry(RetryReason::repeatable);
    one.exchange.forgive();
    CHECK(one.exchange.blamed() == blamed);
  }
}

TEST_CASE("a new attempt begins with no trace of the last one's answer") {
  Case one;
  one.begin();
  CHECK(one.feed({"Status: 500\r\nX-Of: first\r\n"}));
  one.exchange.count_retry(RetryReason::not_sent);
  one.exchange.begin_attempt(2, false, kStart + 1s);
  CHECK_FALSE(one.exchange.timings().first_byte);
  CHECK(one.feed({kResponse}));
  CHECK(one.exchange.on_end(kStart + 2s));
  CHECK(one.sink.log == kResponseLog);
}

TEST_CASE("what may be repeated") {
  using http::Method;
  for (const Method method : {Method::get, Method::head, Method::options, Method::put, Method::delete_})
    CHECK(Case("", method).exchange.repeatable());
  for (const Method method : {Method::post, Method::patch, Method::other})
    CHECK_FALSE(Case("", method).exchange.repeatable());
}

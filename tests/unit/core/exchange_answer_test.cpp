// The exchange's judgement of php's answer: its length.
#include <doctest/doctest.h>

#include "exchange_case.h"

using namespace holdfast::core;
using namespace std::chrono_literals;
namespace http = holdfast::http;

TEST_CASE("a body shorter than its Content-Length is truncated, not ok; a longer one is cut") {
  struct Sample {
    std::string_view body;
    Outcome outcome;
    std::string_view given;
  };
  for (const Sample& sample :
       {Sample{"", Outcome::truncated, ""}, Sample{"1234", Outcome::truncated, "1234"},
        Sample{"12345", Outcome::ok, "12345"}, Sample{"123456789", Outcome::ok, "12345"}}) {
    for (std::size_t cut = 0; cut <= sample.body.size(); ++cut) {
      CAPTURE(sample.body);
      CAPTURE(cut);
      Case one;
      one.begin();
      CHECK(one.feed({"Content-Length: 5\r\n\r\n", sample.body.substr(0, cut), sample.body.substr(cut)}));
      CHECK(one.exchange.on_end(kStart));
      CHECK(one.sink.body == sample.given);
      CHECK(one.exchange.outcome() == sample.outcome);
      CHECK(one.sink.log.ends_with(sample.outcome == Outcome::ok ? "finish\n" : "break\n"));
    }
  }
}

TEST_CASE("a length without content promises nothing: HEAD, 204, 205, 304") {
  for (const std::string_view status : {"200", "204", "205", "304"}) {
    CAPTURE(status);
    Case one({}, status == "200" ? http::Method::head : http::Method::get);
    one.begin();
    CHECK(one.feed({"Status: ", status, "\r\nContent-Length: 5\r\n\r\n"}));
    CHECK(one.exchange.on_end(kStart));
    CHECK(one.exchange.outcome() == Outcome::ok);
  }
}

TEST_CASE("what comes behind a whole answer is counted, and is no progress") {
  struct Sample {
    std::string_view head;
    http::Method method;
    std::size_t wanted;
  };
  constexpr std::string_view kBytes = "0123456789";
  for (const Sample& sample : {Sample{"Content-Type: a/b\r\n\r\n", http::Method::head, 0},
                               Sample{"Status: 204\r\n\r\n", http::Method::get, 0},
                               Sample{"Status: 304\r\nContent-Length: 5\r\n\r\n", http::Method::get, 0},
                               Sample{"X-Sendfile: /x\r\n\r\n", http::Method::get, 0},
                               Sample{"Content-Length: 4\r\n\r\n", http::Method::get, 4}}) {
    CAPTURE(sample.head);
    for (std::size_t cut = 0; cut <= kBytes.size(); ++cut) {
      Case one({}, sample.method);
      one.begin();
      CHECK_FALSE(one.exchange.answer_whole());
      CHECK(one.feed({sample.head, kBytes.substr(0, cut), kBytes.substr(cut)}));
      CHECK(one.exchange.answer_whole());
      CHECK(one.exchange.take_surplus() == kBytes.size() - sample.wanted);
      CHECK(one.exchange.take_surplus() == 0);
      CHECK(one.exchange.take_progress());
      CHECK(one.feed({kBytes}));
      CHECK_FALSE(one.exchange.take_progress());
      CHECK(one.exchange.take_surplus() == kBytes.size());
    }
  }
}

TEST_CASE("an answer whose reader wants no more of it is whole as it is") {
  Case one;
  one.begin();
  CHECK(one.feed({"Content-Type: a/b\r\n\r\n", "abc"}));
  CHECK_FALSE(one.exchange.answer_whole());
  CHECK(one.exchange.take_surplus() == 0);
  one.exchange.take_for_whole();
  CHECK(one.exchange.answer_whole());
  CHECK(one.feed({"defg"}));
  CHECK(one.sink.body == "abc");
  CHECK(one.exchange.take_surplus() == 4);
  CHECK(one.exchange.on_end(kStart));
  CHECK(one.exchange.outcome() == Outcome::ok);
}

// ----------------------------------------------------------------------------------- lines that are left out

namespace {

// The answer in each two-way cut: all must come to the same.
struct Told {
  std::string log;
  std::string body;
  Outcome outcome = Outcome::none;
  std::string complaint;
  bool operator==(const Told&) const = default;
};

Told answer_in_every_cut(std::string_view answer) {
  std::optional<Told> first;
  for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
    Case one;
    one.begin();
    const bool fed = one.feed({answer.substr(0, cut), answer.substr(cut)});
    if (!fed || !one.exchange.on_end(kStart)) one.exchange.fail(Outcome::upstream_bad_head, kStart);
    Told told{one.sink.log, one.sink.body, one.exchange.outcome(), one.exchange.complaint()};
    if (!first) first = told;
    CAPTURE(cut);
    CHECK(told == *first);
  }
  return *first;
}

}  // namespace

TEST_CASE("one bad line is left out and complained of; the page is served with its status") {
  const Told told =
      answer_in_every_cut("Status: 404: Not Found\r\nA(: b\r\nno\x1b[0m colon\r\nC: d\r\n\r\npage");
  CHECK(told.log == "start 404 [C: d]\nfinish\n");
  CHECK(told.body == "page");
  CHECK(told.outcome == Outcome::ok);
  CHECK(told.complaint ==
        "line 2 of the response head has a name that is not a token of RFC 9110, left out: A(: b; "
        "line 3 of the response head has no colon, left out: no\\x1b[0m colon");
}

TEST_CASE("many bad lines are counted, long ones cut") {
  std::string answer;
  for (int i = 0; i < 10; ++i) answer += std::string(5000, 'x') + "\n";
  const Told told = answer_in_every_cut(answer.substr(0, 5001) + "A: b\n\n");
  CHECK(told.complaint.ends_with(" left out: " + std::string(100, 'x')));
  Case one;
  one.begin();
  CHECK(one.feed({answer, "A: b\n\n"}));
  CHECK(one.exchange.complaint().ends_with("; 6 more lines left out"));
}

TEST_CASE("a head over its limit is refused, and the reason names the limit and its key") {
  for (const std::size_t limit : {std::size_t{20}, std::size_t{21}}) {
    Case one;
    Asked asked;
    one.exchange.begin(asked, one.params, BodyStore(nullptr, 0), limit);
    one.begin();
    CHECK(one.feed({"A: b\r\nC: 34567\r\n\r\n"}));  // 18 bytes
    Case other;
    other.exchange.begin(asked, other.params, BodyStore(nullptr, 0), limit);
    other.begin();
    CHECK(other.feed({"A: b\r\nC: 34567890\r\n\r\n"}) == (limit == 21));
    if (limit == 20)
      CHECK(other.exchange.head_error() ==
            "the response head is longer than 20 bytes (buffers.response_head)");
  }
}

// ------------------------------------------------------------------------------------------- interim answers

TEST_CASE("an interim answer is left out, and what follows is the answer") {
  for (const std::string_view status : {"100", "101", "102", "103 Early Hints", "199"}) {
    CAPTURE(status);
    const Told told =
        answer_in_every_cut("Status: " + std::string(status) +
                            "\r\nLink: </a.css>\r\n\r\nStatus: 404 Not Here\r\nA: b\r\n\r\npage");
    CHECK(told.log == "start 404 'Not Here' [A: b]\nfinish\n");
    CHECK(told.body == "page");
    CHECK(told.outcome == Outcome::ok);
  }
  const Told two = answer_in_every_cut("Status: 103\n\nStatus: 103\n\nContent-Type: b\n\npage");
  CHECK(two.log == "start 200 [Content-Type: b]\nfinish\n");
}

TEST_CASE("php's only head with an interim status is that of a page") {
  const Told told =
      answer_in_every_cut("Status: 103 Early Hints\r\nContent-type: text/html\r\n\r\nA: b\r\n\r\npage");
  CHECK(told.log == "start 200 [Content-type: text/html]\nfinish\n");
  CHECK(told.body == "A: b\r\n\r\npage");
  CHECK(told.complaint == "a page with the interim status 103, sent as 200");
}

TEST_CASE("an interim head that shows to be php's is its only one") {
  const Told told = answer_in_every_cut(
      "Status: 103 Early Hints\r\nX-Powered-By: PHP/8.2.36\r\n\r\nStatus: 302\r\nLocation: "
      "/evil\r\n\r\nrest");
  CHECK(told.log == "start 200 [X-Powered-By: PHP/8.2.36]\nfinish\n");
  CHECK(told.body == "Status: 302\r\nLocation: /evil\r\n\r\nrest");
}

TEST_CASE("behind an interim answer comes no head: the page as it is, never 502") {
  for (const std::string_view page :
       {"", "hello", "<p>a: b</p>\n\n<p>c</p>\n", "one line\n", "\x01\n\nx", "Set-Cookie: evil=1\n\nrest",
        "A: b\r\nC : d\r\n\r\nx", "A: \x01\n\nx"}) {
    CAPTURE(page);
    const Told told = answer_in_every_cut("Status: 103\r\nLink: x\r\n\r\n" + std::string(page));
    CHECK(told.log == "start 200\nfinish\n");
    CHECK(told.body == page);
    CHECK(told.outcome == Outcome::ok);
  }
  // A head that is dangerous stays refused.
  CHECK(answer_in_every_cut("Status: 103\r\n\r\nStatus: 200\r\nC : d\r\n\r\nx").outcome ==
        Outcome::upstream_bad_head);
}

// ------------------------------------------------------------------------------------- fields for the server

TEST_CASE("X-Accel-*: none reaches a client; what asks for a file is 502 with its cause") {
  CHECK(answer_in_every_cut(
            "X-Accel-Expires: 10\r\nx-accel-limit-rate: 1\r\nX-Accel-Charset: utf-8\r\nX-ACCEL-X: y\r\n"
            "X-Accel-Buffering: yes\r\nX-Accel: z\r\nA: b\r\n\r\npage")
            .log == "start 200 [X-Accel: z] [A: b]\nfinish\n");
  for (const std::string_view name : {"X-Accel-Redirect", "x-sendfile", "X-Sendfile2", "X-LIGHTTPD-send-file",
                                      "X-LiteSpeed-Location", "x-lighttpd-send-file2"}) {
    CAPTURE(name);
    const Told told = answer_in_every_cut("Content-Type: a/b\r\n" + std::string(name) +
                                          ": /secret/\xff\r\nContent-Length: 3\r\n\r\nphp's own");
    CHECK(told.log.substr(0, 9) == "start 502");
    CHECK(told.log.find("secret") == std::string::npos);
    CHECK(told.log.ends_with("finish\n"));
    CHECK(told.body.find("php's own") == std::string::npos);
    CHECK(told.body.find("502") != std::string::npos);
    CHECK(told.outcome == Outcome::upstream_send_file);
    CHECK(told.complaint.find("asks for a file by " + std::string(name) + ": /secret/\\xff") == 0);
  }
}

TEST_CASE("a request for a file streams nothing, and its end is in order") {
  Case one;
  one.begin();
  CHECK(one.feed({"X-Accel-Buffering: no\r\nX-Accel-Redirect: /x\r\n\r\n"}));
  CHECK_FALSE(one.exchange.streaming());
  CHECK(one.exchange.response_started());
  CHECK(one.exchange.on_end(kStart));
}

// -------------------------------------------------------------------------------------------------- progress

TEST_CASE("progress is a whole head, and content that goes to the client; nothing else") {
  Case one;
  one.begin();
  const auto grows = [&one](std::string_view bytes) {
    CHECK(one.exchange.on_stdout(bytes, kStart));
    return one.exchange.take_progress();
  };
  CHECK_FALSE(grows(""));
  one.exchange.on_stderr("PHP Notice");
  CHECK_FALSE(one.exchange.take_progress());
  CHECK_FALSE(grows("Status: 103\r\n\r\n"));
  CHECK_FALSE(grows("Content-Length: 3\r\n"));
  CHECK(grows("\r\n"));
  CHECK_FALSE(one.exchange.take_progress());
  CHECK(grows("ab"));
  CHECK_FALSE(grows(""));
  one.exchange.on_stderr("PHP Notice");
  CHECK_FALSE(one.exchange.take_progress());
  CHECK(grows("cde"));
  CHECK_FALSE(grows("beyond its length"));
}

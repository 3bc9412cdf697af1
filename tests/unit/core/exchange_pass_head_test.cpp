// The head of an answer for a web server: byte for byte, and files are the web server's to send.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "exchange_case.h"

using namespace holdfast::core;
namespace http = holdfast::http;

namespace {

struct TextSink final : ResponseSink {
  void start_response(const http::ResponseHead& head, bool stream) override {
    text = head.cgi_text;
    status = head.status;
    streams = stream;
  }
  void response_body(std::string_view bytes) override { body += bytes; }
  void finish_response() override { finished = true; }
  void break_response() override {}

  std::string text;
  std::string body;
  int status = 0;
  bool streams = false;
  bool finished = false;
};

// The answer fed in two pieces cut at `cut`.
TextSink answered(std::string_view answer, std::size_t cut, bool pass_on = true) {
  Files files;
  TextSink sink;
  Exchange exchange(sink);
  Asked asked;
  asked.assign(http::Method::get, "GET", "example.com", "/x.php");
  holdfast::fastcgi::ParamList params;
  exchange.begin(asked, params, BodyStore(&files, 1024));
  exchange.pass_head_on(pass_on);
  exchange.begin_attempt(1, false, kStart);
  CHECK(exchange.on_stdout(answer.substr(0, cut), kStart));
  CHECK(exchange.on_stdout(answer.substr(cut), kStart));
  CHECK(exchange.on_end(kStart));
  return sink;
}

}  // namespace

TEST_CASE("a web server gets php's head byte for byte, in every cut") {
  const std::string head =
      "Status: 404  Not here \r\nX-Accel-Redirect: /files/x\r\nX-Sendfile: /y\r\nSet-Cookie:  a=1\r\n"
      "set-cookie: b=2\r\nX-Accel-Buffering: no\r\n\r\n";
  for (std::size_t cut = 0; cut <= head.size() + 4; ++cut) {
    const TextSink sink = answered(head + "page", cut);
    CHECK(sink.text == head);
    CHECK(sink.status == 404);
    CHECK(sink.body == "page");
    CHECK(sink.streams);
    CHECK(sink.finished);
  }
}

TEST_CASE("an interim head does not go on: it breaks nginx, Apache and HAProxy") {
  const std::string last = "Status: 200 OK\r\nA: b\r\n\r\n";
  CHECK(answered("Status: 103\r\nLink: x\r\n\r\n" + last + "page", 10).text == last);
  const TextSink misnamed = answered("Status: 103\r\nContent-Type: text/html\r\n\r\npage", 10);
  CHECK(misnamed.text.empty());  // then the fields are what goes
  CHECK(misnamed.status == 200);
}

TEST_CASE("elsewhere the text is not given") {
  CHECK(answered("A: b\r\n\r\npage", 3, false).text.empty());
}

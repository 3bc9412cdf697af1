// ResponseWriter: the framing table, what is written and what is dropped.
#include "proxy/http/response_writer.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>

using namespace holdfast::http;

namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string kDateLine = "Date: " + std::string(kDate) + "\r\n";

std::string write_head(const ResponseHead& head, ResponseWriter::RequestTraits traits = {}) {
  ResponseWriter writer(traits);
  std::string out;
  writer.start(head, kDate, out);
  return out;
}

ResponseHead with_fields(std::vector<Field> fields) {
  ResponseHead head;
  head.content_length = 0;
  head.fields = std::move(fields);
  return head;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("framing table: version, HEAD, status, length, keep-alive") {
  for (const int minor : {0, 1})
    for (const bool head_method : {false, true})
      for (const int status : {100, 103, 200, 204, 205, 206, 301, 304, 404, 500, 600, 999})
        for (const bool length_known : {false, true})
          for (const bool keep_alive : {false, true}) {
            CAPTURE(minor);
            CAPTURE(head_method);
            CAPTURE(status);
            CAPTURE(length_known);
            CAPTURE(keep_alive);
            ResponseWriter writer({minor, head_method, keep_alive});
            ResponseHead head;
            head.status = status;
            if (length_known) head.content_length = 5;
            std::string out;
            CHECK_FALSE(writer.started());
            writer.start(head, kDate, out);
            CHECK(writer.started());

            const bool interim = status < 200;
            const bool no_body = head_method || interim || status == 204 || status == 205 || status == 304;
            const Framing expected = no_body        ? Framing::none
                                     : length_known ? Framing::content_length
                                     : minor == 1   ? Framing::chunked
                                                    : Framing::until_close;
            const bool stays = keep_alive && expected != Framing::until_close;
            CHECK(writer.framing() == expected);
            CHECK(writer.keep_alive() == stays);
            CHECK(has(out, "Content-Length: 5\r\n") ==
                  (length_known && !interim && status != 204 && status != 205));
            CHECK(has(out, "Content-Length: 0\r\n") == (status == 205));
            CHECK(has(out, "Transfer-Encoding: chunked\r\n") == (expected == Framing::chunked));
            CHECK(has(out, "Connection: close\r\n") == (!stays && !interim));
            CHECK(has(out, "Connection: keep-alive\r\n") == (stays && minor == 0 && !interim));
            CHECK(has(out, kDateLine));
            CHECK(out.substr(0, 13) == "HTTP/1.1 " + std::to_string(status) + " ");
            CHECK(out.find("\r\n\r\n") == out.size() - 4);

            std::string body;
            writer.body("hello", body);
            CHECK(body == (no_body ? "" : expected == Framing::chunked ? "5\r\nhello\r\n" : "hello"));
            CHECK(writer.body_bytes() == (no_body ? 0 : 5));
            body.clear();
            CHECK(writer.finish(body));
            CHECK(body == (expected == Framing::chunked ? "0\r\n\r\n" : ""));
            CHECK(writer.keep_alive() == stays);
            CHECK_FALSE(writer.overflowed());
          }
}

TEST_CASE("a whole response, as bytes") {
  ResponseHead head;
  head.fields = {{"Content-Type", "text/html"}, {"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}};
  head.content_length = 2;
  CHECK(write_head(head) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" + kDateLine +
            "Content-Length: 2\r\n\r\n");
  CHECK(write_head(head, {0, false, true}) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" + kDateLine +
            "Content-Length: 2\r\nConnection: keep-alive\r\n\r\n");
}

TEST_CASE("the status line") {
  ResponseHead head;
  head.status = 404;
  CHECK(write_head(head).find("HTTP/1.1 404 Not Found\r\n") == 0);
  head.reason = "Nothing here \xc3\xa4";
  CHECK(write_head(head).find("HTTP/1.1 404 Nothing here \xc3\xa4\r\n") == 0);
  head.reason = "A\r\nSet-Cookie: x=1";
  CHECK(write_head(head).find("HTTP/1.1 404 Not Found\r\n") == 0);
  head.reason = {};
  head.status = 299;
  CHECK(write_head(head).find("HTTP/1.1 299 Unknown\r\n") == 0);
  CHECK(reason_phrase(503) == "Service Unavailable");
  CHECK(reason_phrase(0) == "Unknown");
}

TEST_CASE("Date: ours unless given, and once") {
  CHECK(has(write_head(with_fields({})), kDateLine));
  std::string out = write_head(with_fields({{"date", "Mon, 07 Nov 1994 00:00:00 GMT"}, {"Date", "second"}}));
  CHECK(has(out, "date: Mon, 07 Nov 1994 00:00:00 GMT\r\n"));
  CHECK_FALSE(has(out, "second"));
  CHECK_FALSE(has(out, kDateLine));
  ResponseWriter writer({});
  out.clear();
  writer.start(with_fields({}), "", out);
  CHECK_FALSE(has(out, "Date"));
}

TEST_CASE("fields that are not passed on") {
  const std::string out = write_head(with_fields({{"Connection", "X-Secret, close"},
                                                  {"x-secret", "1"},
                                                  {"Keep-Alive", "timeout=5"},
                                                  {"Proxy-Connection", "close"},
                                                  {"TE", "trailers"},
                                                  {"Trailer", "X"},
                                                  {"transfer-encoding", "gzip"},
                                                  {"Upgrade", "h2"},
                                                  {"content-length", "99"},
                                                  {"X-Kept", "yes"}}));
  CHECK(out ==
        "HTTP/1.1 200 OK\r\nX-Kept: yes\r\n" + kDateLine + "Content-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK_FALSE(has(write_head(with_fields({{"X", "y"}})), "Server"));
}

TEST_CASE("a 304 keeps a length only when it is told") {
  ResponseHead head;
  head.status = 304;
  head.fields = {{"Content-Length", "7"}, {"ETag", "\"x\""}};
  CHECK_FALSE(has(write_head(head), "Content-Length"));
  head.content_length = 7;
  CHECK(has(write_head(head), "Content-Length: 7\r\n"));
  CHECK(has(write_head(head), "ETag: \"x\"\r\n"));
}

TEST_CASE("header injection") {
  using namespace std::string_view_literals;
  const std::string out = write_head(with_fields({{"A", "x\r\nSet-Cookie: evil=1"},
                                                  {"B", "x\ny"},
                                                  {"C", "x\ry"},
                                                  {"D", "x\0y"sv},
                                                  {"E\r\nF", "x"},
                                                  {"", "x"},
                                                  {"G H", "x"},
                                                  {"I:", "x"},
                                                  {"J", "\t\xc3\xa4 ok"},
                                                  {"K", ""}}));
  CHECK(out == "HTTP/1.1 200 OK\r\nJ: \t\xc3\xa4 ok\r\nK: \r\n" + kDateLine + "Content-Length: 0\r\n\r\n");
}

TEST_CASE("frame() and body() agree byte for byte") {
  for (const int minor : {0, 1})
    for (const bool length_known : {false, true})
      for (const std::size_t bytes : {0u, 1u, 15u, 16u, 255u, 256u, 4095u, 65536u}) {
        ResponseHead head;
        if (length_known) head.content_length = 4096;
        ResponseWriter one({minor, false, true});
        ResponseWriter two({minor, false, true});
        std::string ignored;
        one.start(head, kDate, ignored);
        two.start(head, kDate, ignored);
        const std::string data(bytes, 'x');
        for (int round = 0; round < 2; ++round) {
          std::string by_body;
          one.body(data, by_body);
          const ResponseWriter::Frame frame = two.frame(data);
          const std::string by_frame = std::string(frame.prefix, frame.prefix_bytes) +
                                       data.substr(0, frame.take) + std::string(frame.suffix);
          CHECK(by_body == by_frame);
          CHECK(one.body_bytes() == two.body_bytes());
          CHECK(one.overflowed() == two.overflowed());
          if (bytes == 0) CHECK(by_body.empty());  // never an early last chunk
        }
      }
}

TEST_CASE("the largest chunk size fits its prefix") {
  ResponseWriter writer({});
  std::string out;
  writer.start({}, kDate, out);
  // Only the length is looked at, so nothing of this size need exist.
  const char byte = 'x';
  const ResponseWriter::Frame frame = writer.frame(std::string_view(&byte, std::string_view::npos / 2));
  CHECK(std::string(frame.prefix, frame.prefix_bytes) == "7fffffffffffffff\r\n");
}

TEST_CASE("body longer than promised is cut") {
  ResponseHead head;
  head.content_length = 5;
  ResponseWriter writer({});
  std::string out;
  writer.start(head, kDate, out);
  out.clear();
  writer.body("hel", out);
  CHECK_FALSE(writer.overflowed());
  writer.body("lo!", out);
  CHECK(writer.overflowed());
  writer.body("more", out);
  CHECK(out == "hello");
  CHECK(writer.body_bytes() == 5);
  CHECK(writer.finish(out));
  CHECK(writer.keep_alive());
  CHECK(out == "hello");
}

TEST_CASE("body shorter than promised: finish says so, and the connection must go") {
  ResponseHead head;
  head.content_length = 5;
  ResponseWriter writer({});
  std::string out;
  writer.start(head, kDate, out);
  out.clear();
  writer.body("hell", out);
  CHECK_FALSE(writer.finish(out));
  CHECK_FALSE(writer.keep_alive());
  CHECK(out == "hell");
}

TEST_CASE("finish twice ends once") {
  ResponseWriter writer({});
  std::string out;
  writer.start({}, kDate, out);
  out.clear();
  CHECK(writer.finish(out));
  CHECK(writer.finish(out));
  CHECK(out == "0\r\n\r\n");
}

TEST_CASE("100 Continue") {
  std::string out;
  ResponseWriter::write_continue(out);
  CHECK(out == "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_CASE("an application's Connection: close ends the connection, whatever else it names") {
  for (const auto& each : {std::pair<std::string_view, bool>{"close", true},
                           {"Close", true},
                           {"x-hop, close", true},
                           {"keep-alive", false},
                           {"closed", false}}) {
    const std::string_view value = each.first;
    const bool closes = each.second;
    CAPTURE(value);
    ResponseWriter writer({1, false, true});
    std::string out;
    writer.start({.status = 200, .reason = {}, .fields = {{"Connection", value}}, .content_length = 3}, "",
                 out);
    CHECK(writer.keep_alive() != closes);
    CHECK((out.find("Connection: close\r\n") != std::string::npos) == closes);
    CHECK(out.find("x-hop") == std::string::npos);
  }
}

TEST_CASE("what the client still waits for is known where a length tells it, or there is no body") {
  struct Case {
    int status;
    bool head_method;
    std::optional<std::uint64_t> length, left;
  };
  for (const Case& c : {Case{200, false, 5, 5}, Case{200, false, 0, 0}, Case{302, false, 0, 0},
                        Case{204, false, std::nullopt, 0}, Case{304, false, 9, 0}, Case{200, true, 9, 0},
                        Case{200, false, std::nullopt, std::nullopt}}) {
    CAPTURE(c.status);
    ResponseWriter writer({1, c.head_method, true});
    std::string out;
    writer.start({.status = c.status, .reason = {}, .fields = {}, .content_length = c.length}, "", out);
    CHECK(writer.body_bytes_left() == c.left);
    writer.body("abc", out);
    if (c.length == 5U && !c.head_method) {
      CHECK(writer.body_bytes_left() == 2U);
      writer.body("def", out);
      CHECK(writer.body_bytes_left() == 0U);
    }
  }
}

// Runs bytes through a RequestParser, cut as told, and writes down what it reported in one string that two
// cuts of the same bytes must share.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/request_parser.h"

namespace holdfast::http {

inline std::string describe(const RequestHead& head) {
  std::string out = "head " + std::string(head.method_text) + " target=" + std::string(head.target) +
                    " raw=" + std::string(head.raw_path) + " path=" + head.path +
                    " query=" + std::string(head.query) + " authority=" + head.authority +
                    " host=" + head.host + " 1." + std::to_string(head.version_minor);
  if (head.content_length) out += " length=" + std::to_string(*head.content_length);
  if (head.chunked) out += " chunked";
  if (head.expect_continue) out += " expect";
  out += head.keep_alive ? " keep" : " close";
  for (const Field& field : head.fields)
    out += " [" + std::string(field.name) + "=" + std::string(field.value) + "]";
  return out + "\n";
}

// Feeds the pieces one after the other. Checks on the way what each Progress promises.
class Transcript {
 public:
  explicit Transcript(ParserLimits limits = {}) : parser(limits) {}

  void feed(std::string_view piece) {
    while (!refused) {
      const RequestParser::Progress progress = parser.advance(piece);
      REQUIRE(progress.consumed <= piece.size());
      for (const std::string_view slice : progress.body) {
        REQUIRE(slice.data() >= piece.data());
        REQUIRE(slice.data() + slice.size() <= piece.data() + progress.consumed);
        body += slice;
      }
      piece.remove_prefix(progress.consumed);
      switch (progress.event) {
        case RequestParser::Event::need_more:
          REQUIRE(piece.empty());
          REQUIRE(progress.body.empty());
          return;
        case RequestParser::Event::head_complete:
          REQUIRE(progress.body.empty());
          text += describe(parser.head());
          break;  // also with nothing left: a request without body completes at once
        case RequestParser::Event::body:
          REQUIRE_FALSE(progress.body.empty());
          if (piece.empty()) return;
          break;
        case RequestParser::Event::message_complete:
          REQUIRE(parser.body_bytes() == body.size());
          text += "body " + body + "\ndone\n";
          body.clear();
          parser.next_request();
          REQUIRE(parser.between_requests());
          if (piece.empty()) return;
          break;
        case RequestParser::Event::refused:
          text += "refused " + std::to_string(parser.refusal().status) + " " +
                  std::string(parser.refusal().why) + "\n";
          refused = true;
          REQUIRE(parser.advance(piece).event == RequestParser::Event::refused);  // sticky
          REQUIRE(parser.advance("GET / HTTP/1.0\r\n\r\n").event == RequestParser::Event::refused);
          break;
      }
    }
  }

  RequestParser parser;
  std::string text;
  std::string body;  // of the request that is under way
  bool refused = false;
};

// Whole, byte by byte, and in each two-way cut: all must tell the same, which is returned.
inline std::string run_in_every_split(std::string_view input, ParserLimits limits = {}) {
  Transcript whole(limits);
  whole.feed(input);

  Transcript bytes(limits);
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::string copy(input.substr(i, 1));  // its own memory: nothing may point into an earlier piece
    bytes.feed(copy);
  }
  CHECK(bytes.text == whole.text);

  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    Transcript two(limits);
    const std::string first(input.substr(0, cut));
    two.feed(first);
    const std::string second(input.substr(cut));
    two.feed(second);
    if (two.text != whole.text) CAPTURE(cut);
    REQUIRE(two.text == whole.text);
    if (!two.refused) REQUIRE(two.body == whole.body);
  }
  return whole.text;
}

// Status of the refusal that ends the run, or 0.
inline int status_in_every_split(std::string_view input, ParserLimits limits = {}) {
  const std::string text = run_in_every_split(input, limits);
  const std::size_t at = text.rfind("refused ");
  return at == std::string::npos ? 0 : std::stoi(text.substr(at + 8, 3));
}

}  // namespace holdfast::http

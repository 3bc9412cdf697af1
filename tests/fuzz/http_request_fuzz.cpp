// libFuzzer harness for http::RequestParser. Oracle: one feed equals many. The first bytes of the input say
// how the rest is cut; both runs must report the same heads, bodies and refusal. Also checks what every
// Progress and every accepted head promises. For longer than `./dev fuzz` does:
//
//   build/fuzz/tests/fuzz/http_request_fuzz -max_total_time=3600 -max_len=4096
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/http/request_parser.h"
#include "proxy/http/request_rules.h"

namespace {

using holdfast::http::Field;
using holdfast::http::ParserLimits;
using holdfast::http::RequestHead;
using holdfast::http::RequestParser;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check_head(const RequestHead& head) {
  require(head.version_minor == 0 || head.version_minor == 1, "version");
  require(!(head.chunked && head.content_length), "two framings");
  require(head.version_minor == 1 || !head.chunked, "chunked in HTTP/1.0");
  require(head.path == "*" || head.path.front() == '/', "path starts with a slash");
  const std::string bounded = head.path + "/";
  require(bounded.find("/../") == std::string::npos && bounded.find("/./") == std::string::npos,
          "dots are resolved");
  require(head.path.find('\0') == std::string::npos, "NUL in the path");
  for (const Field& field : head.fields) {
    require(holdfast::http::is_field_name(field.name), "field name");
    require(holdfast::http::is_field_value(field.value), "field value");
  }
}

struct Run {
  RequestParser parser;
  std::string log;
  std::string body;
  bool refused = false;

  explicit Run(ParserLimits limits) : parser(limits) {}

  void feed(std::string_view piece) {
    // Each piece lives in memory of its own size, so that a read past its end, or a late one, is seen.
    const std::string copy(piece);
    std::string_view rest = copy;
    while (!refused) {
      const RequestParser::Progress progress = parser.advance(rest);
      require(progress.consumed <= rest.size(), "consumed more than there was");
      for (const std::string_view slice : progress.body) body += slice;
      rest.remove_prefix(progress.consumed);
      switch (progress.event) {
        case RequestParser::Event::need_more: require(rest.empty(), "need_more with input left"); return;
        case RequestParser::Event::head_complete: note_head(); break;
        case RequestParser::Event::body:
          if (rest.empty()) return;
          break;
        case RequestParser::Event::message_complete:
          require(parser.body_bytes() == body.size(), "count of body bytes");
          log += "body " + body + "\n";
          body.clear();
          parser.next_request();
          if (rest.empty()) return;
          break;
        case RequestParser::Event::refused:
          require(parser.refusal().status >= 400 && !parser.refusal().why.empty(), "refusal");
          log +=
              "refused " + std::to_string(parser.refusal().status) + " " + std::string(parser.refusal().why);
          log += parser.head_method() ? " to a HEAD" : "";
          refused = true;
          body.clear();
          break;
      }
    }
  }

  void note_head() {
    const RequestHead& head = parser.head();
    check_head(head);
    log += std::string(head.method_text) + " " + std::string(head.target) + " " + head.path + " " +
           std::string(head.query) + " " + head.authority + " " + head.host + " " +
           std::to_string(head.version_minor) + (head.keep_alive ? " keep" : " close") +
           (head.expect_continue ? " expect" : "") + (head.chunked ? " chunked" : "") +
           std::to_string(head.content_length.value_or(0)) + "\n";
    for (const Field& field : head.fields)
      log += std::string(field.name) + "=" + std::string(field.value) + "\n";
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const ParserLimits limits = data[0] % 2 == 0 ? ParserLimits{} : ParserLimits{256, 5};
  std::uint32_t cut_seed = static_cast<std::uint32_t>(data[1] << 16 | data[2] << 8 | data[3]);
  const std::string_view input(reinterpret_cast<const char*>(data) + 4, size - 4);

  Run whole(limits);
  whole.feed(input);
  Run pieces(limits);
  for (std::string_view rest = input; !rest.empty();) {
    cut_seed = cut_seed * 1664525 + 1013904223;
    const std::size_t bytes = 1 + (cut_seed >> 24) % (data[1] % 2 == 0 ? 4 : 40);
    pieces.feed(rest.substr(0, bytes));
    rest.remove_prefix(std::min(bytes, rest.size()));
  }
  require(whole.log == pieces.log, "one feed differs from many");
  require(whole.body == pieces.body, "bodies differ");
  require(whole.parser.between_requests() == pieces.parser.between_requests(), "ends differ");
  return 0;
}

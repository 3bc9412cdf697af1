// HTTP/1.0 and 1.1 requests from bytes: llhttp for header fields, with the rules that it leaves open
// (line_scanner.h, request_rules.h).
// Sans-I/O. Owns the bytes of the current head. One parser a client connection; requests follow one another
// (pipelining).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/message.h"

namespace holdfast::http {

struct ParserLimits {
  std::size_t head_bytes = 32 * 1024;  // request line and fields together: 431; a longer request line: 414
  std::size_t field_count = 200;       // more: 431
};

// A request that is refused: the status to answer with (400, 405, 413, 414, 417, 431, 501, 505), and one
// sentence for the log.
struct Refusal {
  int status = 0;
  std::string_view why;  // static text
};

class RequestParser {
 public:
  enum class Event {
    need_more,         // all input consumed, nothing to report
    head_complete,     // head() is valid; no body byte was consumed yet; stops here until the next advance()
    body,              // `body` holds decoded body bytes (chunk framing removed)
    message_complete,  // the request is whole; `body` may hold its last bytes; stops here until
                       // next_request()
    refused,           // refusal() says why; sticky: the connection must be closed after the answer
  };
  struct Progress {
    Event event = Event::need_more;
    std::size_t consumed = 0;                // bytes taken from the front of the input
    std::span<const std::string_view> body;  // slices that point into the input; valid until the next call
  };

  explicit RequestParser(ParserLimits limits = {});
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // For the next request: precondition between_requests().
  void set_limits(const ParserLimits& limits);

  // Consumes from the front of `input` up to the next event. Call again with the rest until it is empty or
  // the event is message_complete or refused. After head_complete of a request without body the next
  // advance() (also with empty input) gives message_complete.
  Progress advance(std::string_view input);

  const RequestHead& head() const { return head_; }
  // It is a HEAD, whose answer has no body, an error neither (RFC 9110 9.3.2): known from the first "HEAD "
  // on, also of a head that is refused or not whole yet.
  bool head_method() const;
  const Refusal& refusal() const { return refusal_; }
  // Of a head that did not become one (refused, or not whole yet): the beginning of its first line, as it
  // came, for the log. Fields are not in it: they may hold secrets.
  std::string_view first_bytes() const;
  // True before the first byte of a request: EOF here is an orderly end, and the keep-alive time runs. Empty
  // lines before a request line do not count (RFC 9112 2.2).
  bool between_requests() const;
  // Bytes of trailer section and chunk extensions are limited by head_bytes too. Body bytes so far (decoded):
  std::uint64_t body_bytes() const { return body_bytes_; }

  // Of the head, held in memory.
  std::size_t held_bytes() const;
  // Gives memory back that is kept for the next head. Precondition: between_requests().
  void shrink();

  // After message_complete: forgets the head (all views of it die) and is ready for the next request.
  void next_request();
  // The same at any time, also after a refusal: ready for the first request of another connection.
  void start_over();

 private:
  struct Impl;  // hides llhttp.h, which only request_parser.cpp includes

  Progress advance_head(std::string_view input);
  Progress advance_counted(std::string_view input);
  Progress advance_chunked(std::string_view input);
  Progress refuse(Refusal refusal, std::size_t consumed);
  std::optional<Refusal> read_head();
  void forget_head();

  std::unique_ptr<Impl> impl_;
  RequestHead head_;
  Refusal refusal_;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace holdfast::http

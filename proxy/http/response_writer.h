// Turns a response into HTTP/1.x bytes. The one place where the framing is decided: Content-Length, chunked,
// until close, or none (RFC 9112 section 6). Sans-I/O: appends to a string. One object a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/message.h"

namespace holdfast::http {

struct ResponseHead {
  int status = 200;
  std::string_view reason;  // empty: the standard phrase
  std::vector<Field>
      fields;  // hop-by-hop fields, Content-Length and Connection among them are dropped and written by us
  std::optional<std::uint64_t> content_length;  // body bytes that will follow, if known
  // The whole head as a CGI program sent it, for a web server, which gets it unchanged; else empty. Not used
  // where HTTP is spoken.
  std::string_view cgi_text = {};
};

enum class Framing : std::uint8_t { none, content_length, chunked, until_close };

class ResponseWriter {
 public:
  struct RequestTraits {
    int version_minor = 1;
    bool head_method = false;  // HEAD: head as for GET, no body
    bool keep_alive = true;    // the client's wish and ours
  };
  explicit ResponseWriter(RequestTraits traits) : traits_(traits) {}

  // Appends status line and head; decides the framing. `date`: an IMF-fixdate, made once a second by the
  // caller; the first Date among the fields wins over it. Fields with a name that is no token, or with CR, LF
  // or NUL in the value, are dropped (header injection). Drops hop-by-hop fields (Connection and those it
  // names, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade) and any Content-Length
  // field in favour of `content_length`. For 1xx, 204, 205, 304: no body; 304 keeps a given length field out
  // unless content_length is set; 204 never has one, 205 one of 0.
  void start(const ResponseHead& head, std::string_view date, std::string& out);
  // An interim 100 (Continue). May be called any time before start(); any number of times.
  static void write_continue(std::string& out);

  // Appends body bytes in the framing. Bytes over content_length are dropped (see overflowed()). Without a
  // body (HEAD, 204, 205, 304): dropped silently.
  void body(std::string_view bytes, std::string& out);
  // How `bytes` would be framed when the caller writes them itself: prefix and suffix to put around them
  // (chunk header and CRLF); empty for the other framings. Counts the bytes as written.
  struct Frame {
    char prefix[20];
    std::uint8_t prefix_bytes = 0;
    std::string_view suffix;
    std::size_t take = 0;  // bytes of `bytes` that may be sent
  };
  Frame frame(std::string_view bytes);
  // Appends the end (last chunk). False when the body is shorter than the promised Content-Length: the
  // connection must be closed so that the client can tell.
  [[nodiscard]] bool finish(std::string& out);

  bool started() const { return started_; }
  Framing framing() const { return framing_; }
  // Valid after start(): may another request follow on this connection?
  bool keep_alive() const { return keep_alive_; }
  bool overflowed() const { return overflowed_; }
  // Body bytes that the client still waits for: 0 when it has its whole answer, whatever the application
  // still does. Nothing where only an end tells it.
  std::optional<std::uint64_t> body_bytes_left() const {
    if (framing_ == Framing::none) return 0;
    if (framing_ == Framing::content_length) return body_bytes_left_;
    return std::nullopt;
  }
  std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  void decide_framing(const ResponseHead& head);
  void write_fields(const ResponseHead& head, std::string_view date, std::string& out) const;

  RequestTraits traits_;
  Framing framing_ = Framing::none;
  bool started_ = false;
  bool finished_ = false;
  bool keep_alive_ = false;
  bool overflowed_ = false;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t body_bytes_left_ = 0;
};

// Standard reason phrase of RFC 9110 section 15, or "Unknown".
std::string_view reason_phrase(int status);

}  // namespace holdfast::http

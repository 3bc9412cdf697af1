// Who answers the requests of an endpoint that is ours (the admin endpoint), as a client connection sees it:
// a request's head goes in, an answer comes out at once, and perhaps a stream of events after it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/message.h"

namespace holdfast {

struct OwnAnswer {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::string_view allow = {};  // 405
  bool event_stream = false;    // the connection stays open and gets the events that follow
  std::string_view policy = kNothing;

  // Content-Security-Policy: what is not the live page is no page, and loads nothing.
  static constexpr std::string_view kNothing = "default-src 'none'; frame-ancestors 'none'";
};

// How a request reached us.
struct OwnCaller {
  std::string_view address;  // of the client, as text
  bool unix_socket = false;
};

// A client that gets events. It says of itself when it opens and when it is gone.
class EventStream {
 public:
  virtual void push_event(std::string_view bytes) = 0;

 protected:
  ~EventStream() = default;
};

class Responder {
 public:
  virtual OwnAnswer answer(const http::RequestHead& request, const OwnCaller& caller) = 0;
  // The fields of every answer, the client connection's own errors too. They outlive the response's head.
  virtual void add_fields(std::string_view policy, std::vector<http::Field>& fields) const = 0;
  // From here to stream_closed() `stream` gets events. Neither calls it back.
  virtual void stream_opened(EventStream& stream) = 0;
  virtual void stream_closed(EventStream& stream) = 0;

 protected:
  ~Responder() = default;
};

}  // namespace holdfast

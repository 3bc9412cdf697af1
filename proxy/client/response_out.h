// Where a request's response goes: the protocol of its connection, which frames it and sends it. What is
// given between two calls of send() leaves in one write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http/response_writer.h"

namespace holdfast {

class ResponseOut {
 public:
  // Once a response; before body() and end().
  virtual void head(const http::ResponseHead& head) = 0;
  // Body bytes without framing, never more than the head's length and none where the response has no body.
  // Once between two send(), until which they live.
  virtual void body(std::string_view bytes) = 0;
  // The response is whole.
  virtual void end() = 0;
  // It will not be: the client must be able to tell. May come at any time after head(), in place of end().
  virtual void break_off() = 0;
  // No other request follows on this connection. Before head(): the client is told.
  virtual void make_last() = 0;
  virtual void send() = 0;

  // Bytes sent that the kernel has not taken: at 0 it takes more.
  virtual std::size_t unsent_bytes() const = 0;
  // Bytes that have reached the client, ever: net::Stream::delivered_bytes().
  virtual std::uint64_t delivered_bytes() const = 0;

 protected:
  ~ResponseOut() = default;
};

}  // namespace holdfast

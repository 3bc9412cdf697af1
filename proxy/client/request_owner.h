// What a request asks of the connection that it came on, whatever its protocol.
#pragma once

#include <cstdint>

#include "proxy/client/response_out.h"
#include "proxy/net/stream.h"

namespace holdfast {

// Where a request comes from. The peers outlive it.
struct RequestSource {
  const net::Peer& peer;
  const net::Peer& local;
  std::uint64_t connection = 0;
  bool admin = false;  // for the admin endpoint
};

class RequestOwner : public ResponseOut {
 public:
  // Its state has changed to one of the last (see Request::State): the owner takes it back. The last thing
  // that a request does in its own frame.
  virtual void request_over() = 0;
  // It waits for something: bytes that are held for the kernel, or more of its body. The owner looks on.
  virtual void request_waits() {}
  // Its body was held back until its password was checked (Request::holds_body()), and is no more.
  virtual void body_released() {}
  // The client can neither send nor receive any more. A look at the socket.
  virtual bool client_gone() const = 0;
  // It seems to send nothing more: gone, or half-closed.
  virtual bool client_shut() const { return client_gone(); }

 protected:
  ~RequestOwner() = default;
};

}  // namespace holdfast

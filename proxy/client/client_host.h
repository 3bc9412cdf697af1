// What a client connection asks of the worker that it lives in. What all parts share (clock, configuration,
// logs, counters) it finds in Context.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/client/dispatcher.h"
#include "proxy/http/message.h"

namespace holdfast {

class ClientConnection;
class Responder;
class Upstream;

class ClientHost {
 public:
  // What to do with a request. `host`: as in RequestHead, or as a trusted proxy tells it.
  virtual Plan plan(const http::RequestHead& head, std::string_view host) const = 0;
  // nullptr: a reload has removed it.
  virtual Upstream* find_upstream(const std::string& name) const = 0;
  virtual Responder& admin() = 0;

  // Answers say that the connection ends with them.
  virtual bool stopping() const = 0;
  // Idle clients are closed.
  virtual bool draining() const = 0;
  // buffers.memory_max has refused somebody.
  virtual void note_memory_full() = 0;

  // go_on() is called at the end of this turn, or of the next.
  virtual void client_wants_turn(std::uint64_t id) = 0;
  // To compress a piece of its answer: all of them share a part of each turn.
  virtual void client_wants_compressing(std::uint64_t id) = 0;
  virtual void client_idle(ClientConnection& client) = 0;
  // Nothing calls it any more; it is destroyed at the end of this turn.
  virtual void client_closed(std::uint64_t id) = 0;

 protected:
  ~ClientHost() = default;
};

}  // namespace holdfast

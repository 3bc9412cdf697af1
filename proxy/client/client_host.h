// What a client connection asks of the worker that it lives in. What all parts share (clock, configuration,
// logs, counters) it finds in Context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/client/dispatcher.h"
#include "proxy/core/ring.h"
#include "proxy/http/message.h"

namespace holdfast {

class ClientConnection;
class Mailbox;
class PasswordQueue;
class Responder;

// Wants to be called in a turn of the loop.
class TurnTaker {
 public:
  virtual void on_turn() = 0;

 protected:
  ~TurnTaker() = default;
};

// Has bytes to compress: all of them share a part of each turn.
class Compressing {
 public:
  // Up to `bytes_most` of them; returns how many. Whoever wants more says so again.
  virtual std::size_t compress(std::size_t bytes_most) = 0;

 protected:
  ~Compressing() = default;
};

class ClientHost {
 public:
  // What to do with a request. `origin`: of it, as trusted proxies tell it.
  virtual void plan(const http::RequestHead& head, const core::ClientOrigin& origin, Plan& plan) const = 0;
  // The same for requests of web servers.
  virtual std::shared_ptr<const FastcgiPlans> fastcgi_plans() const = 0;
  // The way to php-fpm.
  virtual Mailbox& mailbox() = 0;
  // False: a reload has removed it.
  virtual bool has_pool(const std::string& name) const = 0;
  // For a connection of this pool.
  virtual bool others_wait(const std::string& pool) const = 0;
  virtual Responder& admin() = 0;
  virtual PasswordQueue& passwords() = 0;

  // Answers say that the connection ends with them.
  virtual bool stopping() const = 0;
  // Idle clients are closed.
  virtual bool draining() const = 0;
  // buffers.memory_max has refused somebody.
  virtual void note_memory_full() = 0;

  // At the end of this turn, or of the next. Once: no matter how often it is asked for before.
  virtual void wants_turn(core::Ring<TurnTaker>::Link& link) = 0;
  virtual void wants_compressing(core::Ring<Compressing>::Link& link) = 0;
  virtual void client_idle(ClientConnection& client) = 0;
  // Nothing calls it any more; it is destroyed at the end of this turn.
  virtual void client_closed(std::uint64_t id) = 0;

 protected:
  ~ClientHost() = default;
};

}  // namespace holdfast

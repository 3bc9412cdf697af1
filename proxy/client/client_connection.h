// A client's connection, whatever its protocol: what the worker asks of all of them, and what they share (the
// socket, its deadline, why it ends). Owned by Worker; erased there after client_closed().
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/client/arrival.h"
#include "proxy/client/client_host.h"
#include "proxy/core/client_close_reason.h"
#include "proxy/core/ring.h"
#include "proxy/loop/context.h"
#include "proxy/loop/deadline.h"
#include "proxy/net/stream.h"

namespace holdfast {

class ClientConnection : public net::StreamHandler, public DeadlineTarget {
 public:
  enum class Role : std::uint8_t { site, admin };

  virtual ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // --- called by Worker
  virtual void finish() = 0;     // one more answer at most
  virtual void shut_down() = 0;  // close now if idle, else after the present answer
  virtual void cut_off(core::ClientCloseReason reason) = 0;  // close now whatever runs
  virtual void resume_reading() = 0;                         // there is memory again
  // Between requests, and nothing of one is here.
  virtual bool idle() const = 0;
  // Held in memory for its requests, those that wait included.
  virtual std::size_t memory_bytes() const = 0;
  // nullptr, or what does not hold of its state.
  virtual const char* check() const = 0;

  bool has_unread_input() const { return stream_->has_unread_input(); }  // a system call
  std::uint64_t id() const { return id_; }
  std::uint64_t listener() const { return listener_; }
  Role role() const { return role_; }
  bool speaks_fastcgi() const { return fastcgi_; }
  const net::Peer& peer() const { return peer_; }
  core::Ring<ClientConnection>::Link& idle_link() { return idle_link_; }

  // --- net::StreamHandler
  void on_closed() override;

 protected:
  // `host` and `context` outlive it.
  ClientConnection(ClientHost& host, Context& context, std::uint64_t id, Arrival arrival);

  // The one place that closes the socket: counts the reason. `by_reset`: the client cannot take it for an
  // end.
  void close_socket(core::ClientCloseReason reason, bool by_reset);
  // A head that is not whole may hold no more, here. The admin endpoint stays open: it shows why.
  bool no_room_for_head() const { return role_ != Role::admin && context_.memory.full_for_heads(); }
  // A request is refused for want of memory: counts it.
  void count_refused_for_memory();
  // `bytes` of memory that nobody else counts.
  void count_memory(std::size_t bytes) { context_.memory.recount(memory_counted_, bytes); }

  ClientHost& host_;
  Context& context_;
  std::unique_ptr<net::Stream> stream_;
  Deadline deadline_;

 private:
  core::Ring<ClientConnection>::Link idle_link_;
  std::uint64_t id_;
  std::uint64_t listener_;
  std::uint64_t memory_counted_ = 0;  // in context_.memory

 protected:
  net::Peer peer_;
  net::Peer local_;

 private:
  Role role_;
  bool fastcgi_;
};

}  // namespace holdfast

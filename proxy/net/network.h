// What a Worker needs of the outside: the clock, one timer, incoming and outgoing streams, deferred calls.
// Implemented on libuv (uv_network.h) and by the simulation.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "proxy/net/stream.h"

namespace holdfast::net {

struct Endpoint {
  bool unix_socket = false;
  std::string host;  // name or literal
  std::uint16_t port = 0;
  std::string path;
  // Of a Unix socket that is listened on. The accounts by name or number; empty: as it comes.
  std::uint32_t mode = 0666;
  std::string owner = {};
  std::string group = {};
};

class Background;

class AcceptHandler {
 public:
  // Takes over an accepted stream; calls set_handler() on it before returning.
  virtual void on_accept(std::unique_ptr<Stream> stream, const Peer& peer, const Peer& local) = 0;
  // Descriptors or memory ran out. The listener rests a moment; the clients wait in its backlog.
  virtual void on_accept_failed(Error error) { static_cast<void>(error); }

 protected:
  ~AcceptHandler() = default;
};

class Listener {
 public:
  virtual ~Listener() = default;  // stops listening
  // Port bound (for port 0), or 0 for Unix sockets.
  virtual std::uint16_t port() const = 0;
  virtual void pause() = 0;  // stop accepting; connections wait in the backlog
  virtual void resume() = 0;
  // Its owner is this user from now on, who could not share its port or remove its file otherwise. As root
  // only.
  virtual void give_to(std::uint32_t user, std::uint32_t group) {
    static_cast<void>(user);
    static_cast<void>(group);
  }
  // Accepts now what waits in the backlog, unless paused: for a listener that is about to go, whose backlog
  // the kernel would reset.
  virtual void accept_waiting() = 0;
};

class TurnHandler {
 public:
  virtual void on_wakeup() = 0;    // the time of set_wakeup() has come
  virtual void on_turn_end() = 0;  // once after the callbacks of a loop turn, before it waits again
  virtual void on_signal(int signal_number) = 0;

 protected:
  ~TurnHandler() = default;
};

class Network {
 public:
  virtual ~Network() = default;
  virtual Time now() const = 0;
  // Another in each process, so that several proxies do not do the same at the same moments.
  virtual std::uint64_t random_seed() = 0;
  virtual void set_turn_handler(TurnHandler* handler) = 0;
  // For work in other threads; nullptr: there is none. Lives as long as this.
  virtual Background* background() { return nullptr; }
  // One timer for all deadlines; a later call replaces the earlier. nullopt: none.
  virtual void set_wakeup(std::optional<Time> when) = 0;
  // Starts connecting. The handler gets on_connected(), never from inside this call. Names are resolved by
  // the loop's thread pool.
  virtual std::unique_ptr<Stream> connect(const Endpoint& endpoint, StreamHandler& handler) = 0;
  // Binds and listens. On failure nullptr and `error`. A stale Unix socket file that nobody listens on is
  // replaced.
  virtual std::unique_ptr<Listener> listen(const Endpoint& endpoint, AcceptHandler& handler,
                                           std::string& error) = 0;
  // The same where listeners of this network that are about to go may have the port (127.0.0.1:80, to be
  // followed by 0.0.0.0:80): both listen until then, so that no client finds the port closed.
  virtual std::unique_ptr<Listener> listen_in_place_of(std::span<Listener* const> leaving,
                                                       const Endpoint& endpoint, AcceptHandler& handler,
                                                       std::string& error) = 0;
};

}  // namespace holdfast::net

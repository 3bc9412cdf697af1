// The Network of the running program: one libuv loop on one thread. No <uv.h> here: it stays in this folder.
//
// Streams, listeners and whatever holds them must be gone before the network is destroyed.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/net/network.h"

namespace holdfast::net {

class UvBackground;
class UvLoop;

class UvNetwork final : public Network {
 public:
  UvNetwork();  // makes the process ignore SIGPIPE: a write to a closed peer is an Error
  ~UvNetwork() override;
  UvNetwork(const UvNetwork&) = delete;
  UvNetwork& operator=(const UvNetwork&) = delete;

  // Runs turns until stop() was called and no stream or listener is left.
  void run();
  void stop();
  // One turn: waits for something to happen (not at all when `wait` is false) and handles it. The turn's end
  // comes with the next one. For tests and tools; programs call run().
  void run_once(bool wait);
  // TurnHandler::on_signal() is called for this signal from now on.
  void watch_signal(int signal_number);

  // Accepts that failed because descriptors or memory ran out. The listener rests a moment after each; the
  // connections wait in the kernel's backlog.
  std::uint64_t accept_failures() const;
  // Streams whose on_closed() has not come yet, and listeners.
  std::size_t open_handles() const;

  // Takes over a connected stream socket (TCP or Unix) made elsewhere, for example by socketpair(2).
  std::unique_ptr<Stream> adopt(int fd, StreamHandler& handler);

  Time now() const override;
  std::uint64_t random_seed() override;
  void set_turn_handler(TurnHandler* handler) override;
  void set_wakeup(std::optional<Time> when) override;
  Background* background() override;
  std::unique_ptr<Stream> connect(const Endpoint& endpoint, StreamHandler& handler) override;
  std::unique_ptr<Listener> listen(const Endpoint& endpoint, AcceptHandler& handler,
                                   std::string& error) override;
  std::unique_ptr<Listener> listen_in_place_of(std::span<Listener* const> leaving, const Endpoint& endpoint,
                                               AcceptHandler& handler, std::string& error) override;

 private:
  std::unique_ptr<UvBackground> background_;  // outlives the loop, which waits for its threads
  std::unique_ptr<UvLoop> loop_;
};

}  // namespace holdfast::net

// net::Network without a kernel: a clock that jumps, links instead of sockets, and a loop turn in libuv's
// order with everything in it that chance may decide: who is heard first, how much is read, how late a close
// comes. Owns nothing of the proxy's; the streams and listeners report themselves here.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fake_stream.h"
#include "proxy/net/network.h"

namespace holdfast::sim {

// What listens on an address that the proxy connects to.
class Backend {
 public:
  // 0 and a link, or an errno value. EINPROGRESS: no answer yet, try again later.
  virtual int reach(std::shared_ptr<Link>& link) = 0;

 protected:
  ~Backend() = default;
};

struct NetworkKnobs {
  std::size_t read_most = 65536;        // bytes a read
  std::size_t room = 65536;             // bytes a kernel buffer holds
  unsigned deliver_percent = 70;        // of the ready streams, in one turn
  unsigned partial_write_percent = 10;  // of writes
  std::size_t close_turns_most = 2;     // until on_closed()
  Duration connect_most{};
};

class FakeListener;

// The Unix socket that web servers speak FastCGI to.
inline constexpr const char* kWebServerPath = "/sim/fastcgi.sock";
std::string address_text(const net::Endpoint& endpoint);

class FakeNetwork final : public net::Network {
 public:
  FakeNetwork(Universe& universe, NetworkKnobs network_knobs) : knobs(network_knobs), universe_(universe) {}

  // --- net::Network
  Time now() const override { return universe_.now; }
  std::uint64_t random_seed() override { return ++seeds_ * 7919; }
  void set_turn_handler(net::TurnHandler* handler) override { turn_handler_ = handler; }
  void set_wakeup(std::optional<Time> when) override {
    wakeup_ = when;
    wakeup_at_once_ = when && *when <= universe_.now;
  }
  std::unique_ptr<net::Stream> connect(const net::Endpoint& endpoint, net::StreamHandler& handler) override;
  std::unique_ptr<net::Listener> listen(const net::Endpoint& endpoint, net::AcceptHandler& handler,
                                        std::string& error) override;
  std::unique_ptr<net::Listener> listen_in_place_of(std::span<net::Listener* const>,
                                                    const net::Endpoint& endpoint,
                                                    net::AcceptHandler& handler,
                                                    std::string& error) override {
    return listen(endpoint, handler, error);
  }

  // --- for the world
  void set_backend(const std::string& address, Backend* backend) { backends_[address] = backend; }
  // A client connects. nullptr: refused, nobody listens.
  // `path`: of a Unix socket's listener; empty: the first of another path.
  std::shared_ptr<Link> dial(const std::string& name, const std::string& path = {});
  // The same for the admin endpoint. Its answers tell of this machine and this process (ports, a pid): they
  // go whole and at once, so that chance does not hang on how long they are.
  std::shared_ptr<Link> dial_admin(const std::string& name);
  void set_admin_address(std::string address) { admin_address_ = std::move(address); }
  bool ready() const;
  std::optional<Time> next_time() const;
  // One turn of the loop. `meanwhile` lets others act between two callbacks.
  void turn(const std::function<void()>& meanwhile);
  std::size_t streams() const { return streams_.size(); }
  std::size_t open_to(const std::string& address) const;
  std::size_t unsent_most() const;
  std::vector<std::shared_ptr<Link>> links_to(const std::string& address) const;

  // --- for streams and listeners
  Universe& universe() { return universe_; }
  void add(FakeStream& stream) { streams_.push_back(&stream); }
  void remove(FakeStream& stream);
  void remove(FakeListener& listener);
  std::size_t read_size();
  int reach(FakeStream& stream, std::shared_ptr<Link>& link);

  NetworkKnobs knobs;

 private:
  friend class FakeListener;
  bool living(const FakeStream* stream) const;
  bool deliver_io(const std::function<void()>& meanwhile);
  bool deliver_closes();

  std::uint64_t seeds_ = 0;
  Universe& universe_;
  net::TurnHandler* turn_handler_ = nullptr;
  std::optional<Time> wakeup_;
  std::vector<FakeStream*> streams_;
  std::vector<FakeListener*> listeners_;
  std::map<std::string, Backend*> backends_;
  std::map<const FakeStream*, std::string> addresses_;  // of outgoing streams
  std::string admin_address_;
  bool wakeup_at_once_ = false;  // it was already due when it was set
  int idle_turns_ = 0;
  std::size_t accepted_ = 0;
};

class FakeListener final : public net::Listener {
 public:
  FakeListener(FakeNetwork& network, net::AcceptHandler& handler, const net::Endpoint& endpoint)
      : network_(network), handler_(handler), unix_(endpoint.unix_socket), address_(address_text(endpoint)) {}
  ~FakeListener() override;
  FakeListener(const FakeListener&) = delete;
  FakeListener& operator=(const FakeListener&) = delete;

  std::uint16_t port() const override { return unix_ ? std::uint16_t{0} : std::uint16_t{8080}; }
  void pause() override { paused_ = true; }
  void resume() override { paused_ = false; }
  void accept_waiting() override {
    while (ready()) accept_some();
  }

  void add(std::shared_ptr<Link> link) { backlog_.push_back(std::move(link)); }
  bool ready() const { return !paused_ && !backlog_.empty(); }
  void accept_some();
  bool is_unix() const { return unix_; }
  const std::string& address() const { return address_; }

 private:
  FakeNetwork& network_;
  net::AcceptHandler& handler_;
  bool unix_;
  std::string address_;
  bool paused_ = false;
  std::deque<std::shared_ptr<Link>> backlog_;
};

}  // namespace holdfast::sim

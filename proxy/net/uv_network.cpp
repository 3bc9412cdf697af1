// The door of proxy/net: passes each call on to the loop or makes the object for it.
#include "proxy/net/uv_network.h"

#include <sys/socket.h>

#include <random>

#include "proxy/net/listen_socket.h"
#include "proxy/net/uv_background.h"
#include "proxy/net/uv_listener.h"
#include "proxy/net/uv_loop.h"
#include "proxy/net/uv_stream.h"

namespace holdfast::net {

UvNetwork::UvNetwork() : loop_(std::make_unique<UvLoop>()) {
  background_ = std::make_unique<UvBackground>(loop_->uv());
}
UvNetwork::~UvNetwork() {
  background_->close();
}
Background* UvNetwork::background() {
  return background_.get();
}

void UvNetwork::run() {
  loop_->run();
}
void UvNetwork::stop() {
  loop_->stop();
}
void UvNetwork::run_once(bool wait) {
  loop_->run_once(wait);
}
void UvNetwork::watch_signal(int signal_number) {
  loop_->watch_signal(signal_number);
}
std::uint64_t UvNetwork::accept_failures() const {
  return loop_->accept_failures();
}
std::size_t UvNetwork::open_handles() const {
  return loop_->open_handles();
}
Time UvNetwork::now() const {
  return loop_->now();
}
std::uint64_t UvNetwork::random_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}
void UvNetwork::set_turn_handler(TurnHandler* handler) {
  loop_->set_turn_handler(handler);
}
void UvNetwork::set_wakeup(std::optional<Time> when) {
  loop_->set_wakeup(when);
}

std::unique_ptr<Stream> UvNetwork::adopt(int fd, StreamHandler& handler) {
  const bool is_unix = bound_address(fd).family() == AF_UNIX;
  auto stream =
      std::make_unique<UvStream>(*loop_, is_unix ? UvStream::Kind::unix_socket : UvStream::Kind::tcp);
  stream->set_handler(handler);
  stream->adopt(fd);
  return stream;
}

std::unique_ptr<Stream> UvNetwork::connect(const Endpoint& endpoint, StreamHandler& handler) {
  auto stream = std::make_unique<UvStream>(
      *loop_, endpoint.unix_socket ? UvStream::Kind::unix_socket : UvStream::Kind::tcp);
  stream->set_handler(handler);
  stream->connect(endpoint);
  return stream;
}

std::unique_ptr<Listener> UvNetwork::listen(const Endpoint& endpoint, AcceptHandler& handler,
                                            std::string& error) {
  ListenSocket socket = open_listen_socket(endpoint, error);
  if (socket.fd < 0) return nullptr;
  return std::make_unique<UvListener>(*loop_, std::move(socket), handler);
}

std::unique_ptr<Listener> UvNetwork::listen_in_place_of(std::span<Listener* const> leaving,
                                                        const Endpoint& endpoint, AcceptHandler& handler,
                                                        std::string& error) {
  if (leaving.empty() || endpoint.unix_socket) return listen(endpoint, handler, error);
  const auto share = [leaving](bool on) {
    for (Listener* each : leaving) static_cast<UvListener*>(each)->set_shared(on);
  };
  // Alone first: a port is shared only when one of ours may be in the way.
  ListenSocket socket = open_listen_socket(endpoint, error, Sharing::first_try);
  if (socket.fd < 0) {
    share(true);
    socket = open_listen_socket(endpoint, error, Sharing::beside);
    share(false);
  }
  if (socket.fd < 0) return nullptr;
  return std::make_unique<UvListener>(*loop_, std::move(socket), handler);
}

}  // namespace holdfast::net

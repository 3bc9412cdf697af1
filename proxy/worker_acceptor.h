// One listener of the worker and whom it accepts for: the sites or the admin endpoint.
#pragma once

#include <memory>
#include <string>

#include "proxy/worker.h"

namespace holdfast {

class Worker::Acceptor final : public net::AcceptHandler {
 public:
  Acceptor(Worker& worker, bool admin) : worker_(worker), admin_(admin) {}

  bool listen(net::Network& network, config::Address address, std::string& error) {
    const net::Endpoint endpoint{.unix_socket = address.kind == config::Address::Kind::unix_socket,
                                 .host = address.host,
                                 .port = address.port,
                                 .path = address.path};
    listener_ = network.listen(endpoint, *this, error);
    if (listener_ == nullptr) return false;
    if (!endpoint.unix_socket) address.port = listener_->port();
    text_ = address.text();
    return true;
  }
  void on_accept(std::unique_ptr<net::Stream> stream, const net::Peer& peer,
                 const net::Peer& local) override {
    worker_.accept(admin_, std::move(stream), peer, local);
  }
  // The address bound, a port chosen by the kernel included.
  const std::string& text() const { return text_; }
  std::uint16_t port() const { return listener_ ? listener_->port() : std::uint16_t{0}; }
  bool admin() const { return admin_; }
  void pause() {
    if (listener_ && !admin_) listener_->pause();
  }
  void resume() {
    if (listener_ && !admin_) listener_->resume();
  }
  void close() { listener_.reset(); }

 private:
  Worker& worker_;
  bool admin_;
  std::unique_ptr<net::Listener> listener_;
  std::string text_;
};

}  // namespace holdfast

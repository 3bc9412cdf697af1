// Private to proxy/net: a Listener on libuv. It polls the socket and accepts by itself, instead of
// uv_listen(): libuv 1.44 accepts without bound in one callback, and when descriptors run out it accepts and
// closes every connection that waits (uv__emfile_trick). This one rests for a moment; the clients wait in the
// backlog.
//
//   accepting --EMFILE & co.--> resting --100 ms--> accepting        pause() and resume() hold in both
#pragma once

#include <uv.h>

#include <memory>

#include "proxy/net/listen_socket.h"
#include "proxy/net/network.h"
#include "proxy/net/socket_address.h"

namespace holdfast::net {

class UvLoop;

class UvListener final : public Listener {
 public:
  UvListener(UvLoop& loop, ListenSocket socket, AcceptHandler& handler);
  ~UvListener() override;  // also from inside on_accept()
  UvListener(const UvListener&) = delete;
  UvListener& operator=(const UvListener&) = delete;

  std::uint16_t port() const override;
  void pause() override;
  void resume() override;
  void accept_waiting() override;
  void give_to(std::uint32_t user, std::uint32_t group) override;

  void set_shared(bool on);  // see listen_socket.h

 private:
  struct Acceptor;
  // Holds the libuv handles, which close later than the listener is destroyed; frees itself in their last
  // close callback.
  Acceptor* acceptor_;
};

}  // namespace holdfast::net

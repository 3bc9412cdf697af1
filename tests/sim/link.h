// One connection as two kernels see it: two pipes of bytes with limited room, orderly ends, resets. One end
// is the proxy's (FakeStream), the other a client's or a php worker's. Knows what Linux does on Unix sockets
// and on TCP (php-fpm.md 7, 8.4; unix(7), tcp(7)); never calls the proxy.
//
//   Closing with unread bytes sends a reset, else an orderly end. Bytes that have arrived can be read before
//   a reset is seen. Who writes to a closed peer gets EPIPE at once (Unix) or a reset a little later (TCP).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "universe.h"

namespace holdfast::sim {

class Link {
 public:
  Link(Universe& universe, bool unix_socket, std::size_t room, std::string name)
      : universe_(universe), unix_(unix_socket), room_(room), name_(std::move(name)) {}

  // So much room that all that is sent goes whole.
  static constexpr std::size_t kRoomForAll = std::size_t{16} << 20;
  bool takes_all() const { return room_ == kRoomForAll; }

  // --- the far end
  void set_peer(Actor* peer) { peer_ = peer; }
  std::size_t peer_room() const;
  void peer_send(std::string_view bytes);  // not more than peer_room()
  std::size_t peer_readable() const { return frozen_ ? 0 : up_.bytes.size(); }
  std::string peer_take(std::size_t most);
  std::string_view unread_by_peer() const { return up_.bytes; }
  bool peer_sees_end() const { return !frozen_ && up_.bytes.empty() && (up_.ended || reset_to_peer_); }
  bool peer_sees_reset() const { return !frozen_ && reset_to_peer_ && up_.bytes.empty(); }
  void peer_shut();  // its sending side only
  void peer_close();
  void peer_reset();
  bool peer_closed() const { return peer_closed_; }

  // --- the proxy's end
  std::size_t proxy_readable() const { return frozen_ ? 0 : down_.bytes.size(); }
  std::string proxy_take(std::size_t most);
  bool proxy_sees_reset() const { return !frozen_ && reset_to_proxy_; }
  bool proxy_sees_end() const { return !frozen_ && down_.ended; }
  // Bytes taken; `error` when the connection is known to be dead.
  std::size_t proxy_send(std::string_view bytes, int& error);
  std::size_t proxy_room() const;
  void proxy_shut();
  void proxy_close(bool by_reset);
  bool proxy_closed() const { return proxy_closed_; }
  // As poll(2) would say POLLHUP or POLLERR.
  bool peer_gone() const;

  // --- time
  std::optional<Time> next_time() const { return reset_due_; }
  void on_time();

  Time proxy_read_at() const { return proxy_read_at_; }  // the last time
  void freeze(bool on);
  bool frozen() const { return frozen_; }
  bool is_unix() const { return unix_; }
  const std::string& name() const { return name_; }

 private:
  struct Pipe {
    std::string bytes;
    bool ended = false;
  };
  void poke_peer();

  Universe& universe_;
  bool unix_;
  std::size_t room_;
  std::string name_;
  Actor* peer_ = nullptr;
  Pipe up_;    // proxy to peer
  Pipe down_;  // peer to proxy
  bool proxy_closed_ = false;
  bool peer_closed_ = false;
  bool reset_to_proxy_ = false;
  bool reset_to_peer_ = false;
  bool frozen_ = false;
  Time proxy_read_at_{};
  std::optional<Time> reset_due_;  // TCP: the answer to bytes for a socket that is closed
};

}  // namespace holdfast::sim

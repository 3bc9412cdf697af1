// The accepting side. How many accepts a turn may take, which errors are the listener's own, and the rest it
// takes then.
#include "proxy/net/uv_listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "proxy/net/uv_loop.h"
#include "proxy/net/uv_stream.h"

namespace holdfast::net {

namespace {

// Between two looks at the other sockets: enough for any burst at one wake-up, and one client cannot starve
// them.
constexpr int kAcceptsPerTurn = 64;
constexpr std::uint64_t kRestMilliseconds = 100;
// All of a backlog, and an end where clients come as fast as they are accepted.
constexpr int kAcceptsAtLast = 4096;

}  // namespace

struct UvListener::Acceptor {
  enum class State { accepting, resting, closed };

  Acceptor(UvLoop& on, ListenSocket listening, AcceptHandler& owner)
      : loop(on), socket(std::move(listening)), handler(owner), local(bound_address(socket.fd)) {
    if (uv_poll_init(loop.uv(), &poll, socket.fd) != 0) std::abort();  // a fresh socket can be polled
    uv_timer_init(loop.uv(), &rest_timer);
    poll.data = rest_timer.data = this;
    loop.handle_opened();
    update();
  }

  bool is_unix() const { return !socket.unix_path.empty(); }

  void update() {
    const bool wanted = state == State::accepting && !paused;
    if (wanted == polling || state == State::closed) return;
    polling = wanted;
    if (!wanted) {
      uv_poll_stop(&poll);
      return;
    }
    uv_poll_start(&poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
      static_cast<Acceptor*>(handle->data)->accept_at_most(kAcceptsPerTurn);
    });
  }

  void accept_at_most(int most) {
    for (int i = 0; i < most && state == State::accepting && !paused; ++i) {
      SocketAddress from;
      from.length = sizeof from.storage;
      const int fd = ::accept4(socket.fd, from.get(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        hand_over(fd, from);
      } else if (!accept_failed(errno)) {
        return;
      }
    }
  }

  // accept(2): "errors already pending on the new socket" are its own, not the listener's. True: go on.
  bool accept_failed(int code) {
    switch (code) {
      case EAGAIN: return false;
      case EINTR:
      case ECONNABORTED:
      case EPROTO:
      case ENOPROTOOPT:
      case ENETDOWN:
      case EHOSTDOWN:
      case ENONET:
      case EHOSTUNREACH:
      case EOPNOTSUPP:
      case ENETUNREACH:
      case EPERM:  // a firewall rule
        return true;
    }
    // EMFILE, ENFILE, ENOBUFS, ENOMEM: the socket stays readable, so polling on would spin.
    loop.count_accept_failure();
    handler.on_accept_failed(Error{code});
    state = State::resting;
    update();
    uv_timer_start(
        &rest_timer,
        [](uv_timer_t* handle) {
          auto* self = static_cast<Acceptor*>(handle->data);
          self->state = State::accepting;
          self->update();
        },
        kRestMilliseconds, 0);
    return false;
  }

  void hand_over(int fd, const SocketAddress& from) {
    auto stream =
        std::make_unique<UvStream>(loop, is_unix() ? UvStream::Kind::unix_socket : UvStream::Kind::tcp);
    stream->adopt(fd);
    if (is_unix()) {
      handler.on_accept(std::move(stream), Peer{}, Peer{});
      return;
    }
    // Bound to one address, all connections have it: a getsockname() less for each.
    handler.on_accept(std::move(stream), peer_of(from), local.is_wildcard() ? local_of(fd) : peer_of(local));
  }

  void close() {
    state = State::closed;
    loop.handle_closed();  // as its owner sees it: nothing is called from here on
    uv_poll_stop(&poll);
    close_listen_socket(socket);  // allowed once polling has stopped; nobody connects from here on
    uv_close(reinterpret_cast<uv_handle_t*>(&rest_timer), [](uv_handle_t* timer) {
      auto* self = static_cast<Acceptor*>(timer->data);
      uv_close(reinterpret_cast<uv_handle_t*>(&self->poll), [](uv_handle_t* handle) {
        const std::unique_ptr<Acceptor> last(static_cast<Acceptor*>(handle->data));
      });
    });
  }

  UvLoop& loop;
  ListenSocket socket;
  AcceptHandler& handler;
  SocketAddress local;
  State state = State::accepting;
  bool paused = false;
  bool polling = false;  // what libuv was told last
  uv_poll_t poll{};
  uv_timer_t rest_timer{};
};

UvListener::UvListener(UvLoop& loop, ListenSocket socket, AcceptHandler& handler)
    : acceptor_(std::make_unique<Acceptor>(loop, std::move(socket), handler).release()) {}

UvListener::~UvListener() {
  acceptor_->close();
}

std::uint16_t UvListener::port() const {
  return acceptor_->local.port();
}

void UvListener::pause() {
  acceptor_->paused = true;
  acceptor_->update();
}

void UvListener::resume() {
  acceptor_->paused = false;
  acceptor_->update();
}

void UvListener::accept_waiting() {
  acceptor_->accept_at_most(kAcceptsAtLast);
}

void UvListener::give_to(std::uint32_t user, std::uint32_t group) {
  net::give_to(acceptor_->socket, user, group);
}

void UvListener::set_shared(bool on) {
  net::set_shared(acceptor_->socket, on);
}

}  // namespace holdfast::net

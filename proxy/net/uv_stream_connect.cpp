// How a UvStream comes to be connected: literal, name or Unix path; one address after the other until one
// answers.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proxy/net/uv_loop.h"
#include "proxy/net/uv_stream.h"
#include "proxy/posix/unix_address.h"

namespace holdfast::net {

// A look-up in the thread pool may not be cancelled once it runs. It outlives its stream then, and finds
// nobody.
struct UvStream::Lookup {
  uv_getaddrinfo_t request{};
  UvStream* stream = nullptr;
};

void UvStream::init_handle() {
  if (kind_ == Kind::tcp) {
    uv_tcp_init(loop_.uv(), &handle_.tcp);
  } else {
    uv_pipe_init(loop_.uv(), &handle_.pipe, 0);
  }
  base()->data = this;
}

void UvStream::connect(const Endpoint& endpoint) {
  state_ = State::connecting;
  connecting_ = std::make_unique<Connecting>();
  if (kind_ == Kind::unix_socket) {
    connect_unix(endpoint.path);
  } else if (auto literal = address_of_literal(endpoint.host, endpoint.port)) {
    connect_any({*literal});
  } else {
    connecting_->name = endpoint.host;
    connecting_->name_port = endpoint.port;
    if (const auto* known = loop_.names().find(connecting_->name, connecting_->name_port, loop_.now())) {
      connect_any(*known);
    } else {
      look_up(endpoint);
    }
  }
}

// None of the addresses answered: perhaps the name means others by now.
void UvStream::forget_name() {
  if (!connecting_->name.empty()) loop_.names().forget(connecting_->name, connecting_->name_port);
}

void UvStream::connect_any(std::vector<SocketAddress> addresses) {
  state_ = State::connecting;
  if (connecting_ == nullptr) connecting_ = std::make_unique<Connecting>();
  connecting_->addresses = std::move(addresses);
  std::reverse(connecting_->addresses.begin(), connecting_->addresses.end());  // taken from the back
  try_next_address(EADDRNOTAVAIL);
}

void UvStream::connect_unix(const std::string& path) {
  // libuv 1.44 cuts a long path short and connects to another file.
  if (path.size() > posix::kUnixPathMost) {
    defer_error(ENAMETOOLONG);
    return;
  }
  if (path.empty() || path.find('\0') != std::string::npos) {
    defer_error(EINVAL);
    return;
  }
  // A full backlog is EAGAIN here, at once, and final for this attempt (unix(7)); libuv tells it like any
  // error.
  uv_pipe_connect(&connecting_->request, &handle_.pipe, path.c_str(), [](uv_connect_t* request, int status) {
    static_cast<UvStream*>(request->handle->data)->on_connect_result(status);
  });
}

void UvStream::look_up(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  auto lookup = std::make_unique<Lookup>();
  lookup->stream = this;
  lookup->request.data = lookup.get();
  const std::string service = std::to_string(endpoint.port);
  const int status = uv_getaddrinfo(
      loop_.uv(), &lookup->request,
      [](uv_getaddrinfo_t* request, int result, addrinfo* list) {
        const std::unique_ptr<Lookup> finished(static_cast<Lookup*>(request->data));
        if (finished->stream != nullptr) {
          finished->stream->connecting_->lookup = nullptr;
          finished->stream->on_looked_up(result, list);
        }
        uv_freeaddrinfo(list);
      },
      endpoint.host.c_str(), service.c_str(), &hints);
  if (status != 0) {
    defer_error(-status);
    return;
  }
  state_ = State::resolving;
  connecting_->lookup = lookup.release();  // its callback takes it back
}

void UvStream::abandon_lookup() {
  if (connecting_ == nullptr || connecting_->lookup == nullptr) return;
  connecting_->lookup->stream = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&connecting_->lookup->request));
  connecting_->lookup = nullptr;
}

void UvStream::on_looked_up(int status, const addrinfo* list) {
  if (status != 0) {
    state_ = State::connecting;
    defer_error(-status);
    return;
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    addresses.push_back(address_of(entry->ai_addr, entry->ai_addrlen));
  }
  loop_.names().store(connecting_->name, connecting_->name_port, addresses, loop_.now());
  connect_any(std::move(addresses));
}

// Expects a handle without a socket.
void UvStream::try_next_address(int last_error) {
  while (!connecting_->addresses.empty()) {
    const SocketAddress address = connecting_->addresses.back();
    connecting_->addresses.pop_back();
    uv_tcp_nodelay(&handle_.tcp, 1);  // set on the socket when libuv makes it
    const int status = uv_tcp_connect(
        &connecting_->request, &handle_.tcp, address.get(), [](uv_connect_t* request, int result) {
          static_cast<UvStream*>(request->handle->data)->on_connect_result(result);
        });
    if (status == 0) {
      state_ = State::connecting;
      return;
    }
    last_error = -status;
    if (fd() >= 0 &&
        !connecting_->addresses.empty()) {  // a socket of one family cannot serve the next address
      state_ = State::reopening;
      uv_close(base(), [](uv_handle_t* handle) { static_cast<UvStream*>(handle->data)->on_handle_closed(); });
      return;
    }
  }
  state_ = State::connecting;
  forget_name();
  defer_error(last_error);
}

void UvStream::on_connect_result(int status) {
  if (state_ != State::connecting) return;  // cancelled by close()
  if (status != 0 && !connecting_->addresses.empty()) {
    state_ = State::reopening;
    uv_close(base(), [](uv_handle_t* handle) { static_cast<UvStream*>(handle->data)->on_handle_closed(); });
    return;
  }
  if (status != 0) {
    forget_name();
    state_ = State::failed;
    handler_->on_connected(Error{-status});
    return;
  }
  // What the owner asked for meanwhile. None of it calls back before this returns.
  state_ = State::open;
  connecting_.reset();
  if (reading_ == Reading::started) begin_read();
  if (queued()) {
    send_queued();
  } else if (sending_ == Sending::ending) {
    end_sending();
  }
  handler_->on_connected(Error{});
}

void UvStream::on_handle_closed() {
  if (state_ == State::reopening) {
    init_handle();
    try_next_address(ECANCELED);
    return;
  }
  state_ = State::closed;
  loop_.handle_closed();
  if (handler_ != nullptr) handler_->on_closed();  // last: the owner may destroy this in it
}

}  // namespace holdfast::net

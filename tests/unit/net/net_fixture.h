// What the tests of proxy/net share: a network whose loop is run until a condition holds, handlers that
// record, and plain blocking-free sockets as peers that do not share the code under test.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/socket_address.h"
#include "proxy/net/uv_network.h"

namespace holdfast::net::test {

// True while a test is inside a call on a Stream or Network: no handler may run then.
inline bool in_owner_call = false;

template <typename Call>
auto calling(Call call) {
  struct Guard {
    Guard() { in_owner_call = true; }
    ~Guard() { in_owner_call = false; }
  } guard;
  return call();
}

// Records what it hears. The stream is destroyed with it, so it must be closed before.
struct Recorder : StreamHandler {
  std::unique_ptr<Stream> stream;
  Peer peer, local;
  std::string received;
  std::vector<std::string> events;  // all but on_read
  Error error;
  std::optional<Error> connected;
  int drained = 0;
  bool eof = false, closed = false;
  // What to do from inside a callback.
  bool echo = false, close_on_read = false, close_on_error = false, destroy_on_closed = false;
  bool read_again = false;

  void on_read(std::string_view bytes) override {
    heard();
    received.append(bytes);
    if (echo) stream->write(bytes);
    if (read_again) stream->read_again();
    if (close_on_read) stream->close();
  }
  void on_eof() override {
    heard("eof");
    eof = true;
  }
  void on_error(Error what) override {
    heard("error");
    error = what;
    if (close_on_error) stream->close();
  }
  void on_drained() override {
    heard("drained");
    ++drained;
  }
  void on_closed() override {
    heard("closed");
    closed = true;
    if (destroy_on_closed) stream.reset();
  }
  void on_connected(Error what) override {
    heard("connected");
    connected = what;
  }
  void heard(const char* event = nullptr) {
    CHECK_FALSE(in_owner_call);
    CHECK_FALSE(closed);
    if (event != nullptr) events.emplace_back(event);
  }
};

struct Acceptor : AcceptHandler {
  std::vector<std::unique_ptr<Recorder>> accepted;
  bool echo = false, read = true;

  void on_accept(std::unique_ptr<Stream> stream, const Peer& peer, const Peer& local) override {
    auto recorder = std::make_unique<Recorder>();
    recorder->stream = std::move(stream);
    recorder->peer = peer;
    recorder->local = local;
    recorder->echo = echo;
    recorder->stream->set_handler(*recorder);
    if (read) recorder->stream->start_read();
    accepted.push_back(std::move(recorder));
  }
};

struct Net {
  UvNetwork network;

  Net() { ::alarm(60); }  // a condition that never comes ends the program instead of hanging it
  ~Net() { ::alarm(0); }

  template <typename Condition>
  void until(Condition holds) {
    while (!holds()) network.run_once(true);
  }
  // For conditions that also depend on a raw peer: `step` moves it on.
  template <typename Condition, typename Step>
  void until(Condition holds, Step step) {
    while (!holds()) {
      step();
      network.run_once(false);
    }
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) network.run_once(false);
  }

  // A stream of the network and a raw socket at the other end.
  void connect_pair(Recorder& recorder, int& raw, bool unix_socket);
  void close(Recorder& recorder) {
    calling([&] { recorder.stream->close(); });
    until([&] { return recorder.closed; });
  }
};

inline constexpr uid_t kPhp = 33;  // www-data, whose links php makes

struct TempFolder {
  std::string path;
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-net-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path); }
};

inline Endpoint tcp(std::string host, std::uint16_t port) {
  return Endpoint{false, std::move(host), port, {}};
}
inline Endpoint unix_path(std::string path) {
  return Endpoint{true, {}, 0, std::move(path)};
}

// ---- raw sockets

inline sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Listens on 127.0.0.1, or on a Unix path; the port is found by bound_address().
inline int raw_listen_tcp(int backlog = 128) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const SocketAddress address = *address_of_literal("127.0.0.1", 0);
  REQUIRE(::bind(fd, address.get(), address.length) == 0);
  REQUIRE(::listen(fd, backlog) == 0);
  return fd;
}

inline int raw_listen_unix(const std::string& path, int backlog = 128) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = unix_address(path);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd, backlog) == 0);
  return fd;
}

// 0, or errno.
inline int raw_connect(int fd, const Endpoint& endpoint) {
  int result = 0;
  if (endpoint.unix_socket) {
    const sockaddr_un address = unix_address(endpoint.path);
    result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    const SocketAddress address = *address_of_literal(endpoint.host, endpoint.port);
    result = ::connect(fd, address.get(), address.length);
  }
  return result == 0 ? 0 : errno;
}

inline int raw_client(const Endpoint& endpoint) {
  const int fd = ::socket(endpoint.unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(raw_connect(fd, endpoint) == 0);
  return fd;
}

inline void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

// Reads what is there; appends to `out`. False at EOF or error.
inline bool raw_read(int fd, std::string& out, std::size_t bytes_max = 1 << 20) {
  std::string buffer(bytes_max, '\0');
  const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN;
  out.append(buffer, 0, static_cast<std::size_t>(n));
  return n > 0;
}

inline void raw_reset(int fd) {
  const linger immediately{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &immediately, sizeof immediately);
  ::close(fd);
}

// Bytes in which a lost, doubled or swapped piece shows.
inline std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 1;
  for (char& c : out) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

constexpr std::size_t kBig = 10 * 1024 * 1024;  // more than any socket buffer holds

// Runs the test case once for each transport.
#define FOR_BOTH_TRANSPORTS(is_unix) \
  bool is_unix = false;              \
  SUBCASE("TCP") {                   \
    (is_unix) = false;               \
  }                                  \
  SUBCASE("Unix") {                  \
    (is_unix) = true;                \
  }

inline bool write(Recorder& recorder, std::string_view bytes) {
  return calling([&] { return recorder.stream->write(bytes); });
}

inline void Net::connect_pair(Recorder& recorder, int& raw, bool unix_socket) {
  if (unix_socket) {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    recorder.stream = network.adopt(fds[0], recorder);
    raw = fds[1];
    return;
  }
  const int listener = raw_listen_tcp();
  recorder.stream = network.connect(tcp("127.0.0.1", bound_address(listener).port()), recorder);
  raw = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ::close(listener);
  until([&] { return recorder.connected.has_value(); });
  REQUIRE_FALSE(*recorder.connected);
  recorder.events.clear();
}

}  // namespace holdfast::net::test

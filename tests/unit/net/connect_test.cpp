// Outgoing connections: every way to fail comes by on_connected(), later.
#include <netinet/tcp.h>

#include "net_fixture.h"
#include "proxy/net/uv_loop.h"
#include "proxy/net/uv_stream.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

namespace {

void connect(Net& net, Recorder& recorder, const Endpoint& endpoint) {
  recorder.stream = calling([&] { return net.network.connect(endpoint, recorder); });
}

std::string connect_error(const Endpoint& endpoint) {
  Net net;
  Recorder recorder;
  connect(net, recorder, endpoint);
  net.until([&] { return recorder.connected.has_value(); });
  const std::string name(recorder.connected->name());
  CHECK_FALSE(calling([&] { return recorder.stream->write("x"); }));
  recorder.stream->start_read();
  calling([&] { recorder.stream->shutdown_write(); });
  CHECK_FALSE(recorder.stream->has_unread_input());
  recorder.stream->peer_gone();
  net.turns(3);
  net.close(recorder);
  CHECK(recorder.events == std::vector<std::string>{"connected", "closed"});
  return name;
}

std::uint16_t free_port() {
  const int fd = raw_listen_tcp();
  const std::uint16_t port = bound_address(fd).port();
  ::close(fd);
  return port;
}

}  // namespace

TEST_CASE("errors of connecting") {
  TempFolder folder;
  CHECK(connect_error(tcp("127.0.0.1", free_port())) == "ECONNREFUSED");
  CHECK(connect_error(unix_path(folder.path + "/missing.sock")) == "ENOENT");
  CHECK(connect_error(unix_path("")) == "EINVAL");
  CHECK(connect_error(unix_path(std::string("/tmp/a\0b", 8))) == "EINVAL");
  const int stale = raw_listen_unix(folder.path + "/stale.sock");
  ::close(stale);
  CHECK(connect_error(unix_path(folder.path + "/stale.sock")) == "ECONNREFUSED");
  // An address no host has a route to fails inside uv_tcp_connect(): multicast.
  CHECK(connect_error(tcp("224.0.0.1", 9)) == "ENETUNREACH");
}

TEST_CASE("a Unix path of the longest length connects, one byte more is an error") {
  TempFolder folder;
  Net net;
  const std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  const std::string path = folder.path + "/" + std::string(longest - folder.path.size() - 1, 's');
  REQUIRE(path.size() == longest);
  const int listener = raw_listen_unix(path);
  Recorder recorder;
  connect(net, recorder, unix_path(path));
  net.until([&] { return recorder.connected.has_value(); });
  CHECK_FALSE(*recorder.connected);
  net.close(recorder);
  CHECK(connect_error(unix_path(path + "s")) == "ENAMETOOLONG");
  ::close(listener);
}

TEST_CASE("a full Unix backlog is EAGAIN") {
  TempFolder folder;
  const std::string path = folder.path + "/full.sock";
  const int listener = raw_listen_unix(path, 0);
  std::vector<int> waiting;
  for (;;) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    waiting.push_back(fd);
    if (raw_connect(fd, unix_path(path)) == EAGAIN) break;
    REQUIRE(waiting.size() < 100);
  }
  CHECK(connect_error(unix_path(path)) == "EAGAIN");
  for (const int fd : waiting) ::close(fd);
  ::close(listener);
}

TEST_CASE("names: localhost connects whatever its addresses are") {
  Net net;
  const int listener = raw_listen_tcp();  // IPv4 only: ::1 may come first, and is refused
  Recorder recorder;
  connect(net, recorder, tcp("localhost", bound_address(listener).port()));
  calling([&] { recorder.stream->quick_ack(); });
  CHECK_FALSE(recorder.stream->peer_gone());  // no socket yet
  CHECK_FALSE(calling([&] { return recorder.stream->write("early"); }));
  calling([&] { recorder.stream->shutdown_write(); });
  net.until([&] { return recorder.connected.has_value(); });
  CHECK_FALSE(*recorder.connected);
  const int raw = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  std::string got;
  net.until([&] { return recorder.drained == 1; });
  while (raw_read(raw, got)) {
  }
  CHECK(got == "early");
  net.close(recorder);
  ::close(raw);
  ::close(listener);
}

TEST_CASE("a name that has no address") {
  // RFC 2606: .invalid never resolves. Without any resolver the answer is EAI_AGAIN.
  const std::string name = connect_error(tcp("holdfast.invalid", 9000));
  CHECK(name.starts_with("EAI_"));
}

TEST_CASE("localhost where nobody listens: all addresses are tried, the last error is told") {
  CHECK(connect_error(tcp("localhost", free_port())) == "ECONNREFUSED");
}

TEST_CASE("closed while connecting: on_closed alone") {
  TempFolder folder;
  Net net;
  Recorder recorder;
  const int listener = raw_listen_tcp();
  const std::uint16_t port = bound_address(listener).port();
  SUBCASE("TCP") {
    connect(net, recorder, tcp("127.0.0.1", port));
  }
  SUBCASE("TCP refused") {
    connect(net, recorder, tcp("127.0.0.1", free_port()));
  }
  SUBCASE("name") {
    connect(net, recorder, tcp("localhost", port));
  }
  SUBCASE("Unix refused") {
    connect(net, recorder, unix_path(folder.path + "/none"));
  }
  SUBCASE("deferred error") {
    connect(net, recorder, unix_path(std::string(200, 'x')));
  }
  SUBCASE("with bytes to send, and reading") {
    connect(net, recorder, tcp("127.0.0.1", port));
    calling([&] { recorder.stream->write("early"); });
    recorder.stream->start_read();
  }
  SUBCASE("reset") {
    connect(net, recorder, tcp("127.0.0.1", port));
    calling([&] { recorder.stream->reset(); });
  }
  calling([&] { recorder.stream->close(); });
  net.until([&] { return recorder.closed; });
  net.turns(3);
  CHECK(recorder.events == std::vector<std::string>{"closed"});
  ::close(listener);
}

TEST_CASE("a stream may be closed and destroyed at each turn of a look-up with several addresses") {
  // Whichever step the close hits (thread pool, connect, reopening), it ends with on_closed() alone.
  const std::uint16_t port = free_port();
  for (int turns = 0; turns < 8; ++turns) {
    Net net;
    Recorder recorder;
    recorder.destroy_on_closed = true;
    connect(net, recorder, tcp("localhost", port));
    for (int i = 0; i < turns && !recorder.connected; ++i) net.network.run_once(true);
    const bool told = recorder.connected.has_value();
    calling([&] { recorder.stream->close(); });
    net.until([&] { return recorder.closed; });
    CHECK(recorder.events.size() == (told ? 2u : 1u));
  }
}

TEST_CASE("several addresses: tried in order, the first that answers is taken") {
  // Below the seam: which addresses a name has depends on the machine.
  UvLoop loop;
  const int live = raw_listen_tcp(), other = raw_listen_tcp();
  const SocketAddress answers = bound_address(live), too_late = bound_address(other);
  const SocketAddress refuses = *address_of_literal("127.0.0.1", free_port());
  const SocketAddress no_route = *address_of_literal("224.0.0.1", 9);  // fails inside uv_tcp_connect()
  std::vector<SocketAddress> addresses;
  std::string outcome = "OK";
  int turns_before_close = -1;
  SUBCASE("first") {
    addresses = {answers, too_late};
  }
  SUBCASE("after one that refuses") {
    addresses = {refuses, answers, too_late};
  }
  SUBCASE("after one without a route") {
    addresses = {no_route, answers, too_late};
  }
  SUBCASE("after many") {
    addresses = {no_route, refuses, refuses, no_route, no_route, answers, too_late};
  }
  SUBCASE("none, refused last") {
    addresses = {no_route, refuses};
    outcome = "ECONNREFUSED";
  }
  SUBCASE("none, no route last") {
    addresses = {refuses, no_route};
    outcome = "ENETUNREACH";
  }
  SUBCASE("no address") {
    outcome = "EADDRNOTAVAIL";
  }
  SUBCASE("closed on the way") {
    addresses = {no_route, refuses, no_route, refuses, no_route};
    SUBCASE("0") {
      turns_before_close = 0;
    }
    SUBCASE("1") {
      turns_before_close = 1;
    }
    SUBCASE("2") {
      turns_before_close = 2;
    }
    SUBCASE("3") {
      turns_before_close = 3;
    }
  }
  Recorder recorder;
  auto made = std::make_unique<UvStream>(loop, UvStream::Kind::tcp);
  UvStream& stream = *made;
  recorder.stream = std::move(made);
  stream.set_handler(recorder);
  calling([&] { stream.connect_any(addresses); });
  calling([&] { stream.write("hello"); });
  if (turns_before_close >= 0) {
    for (int i = 0; i < turns_before_close; ++i) loop.run_once(true);
    CHECK_FALSE(recorder.connected.has_value());
  } else {
    while (!recorder.connected) loop.run_once(true);
    CHECK(recorder.connected->name() == outcome);
  }
  if (outcome == "OK" && turns_before_close < 0) {
    const int raw = ::accept4(live, nullptr, nullptr, SOCK_CLOEXEC);
    char byte = 0;
    CHECK(::recv(raw, &byte, 1, 0) == 1);
    CHECK(byte == 'h');
    ::close(raw);
  }
  calling([&] { stream.close(); });
  while (!recorder.closed) loop.run_once(true);
  if (turns_before_close >= 0) CHECK(recorder.events == std::vector<std::string>{"closed"});
  ::close(live);
  ::close(other);
}

TEST_CASE("TCP_NODELAY on both ends") {
  Net net;
  Acceptor acceptor;
  std::string error;
  auto listener = net.network.listen(tcp("127.0.0.1", 0), acceptor, error);
  REQUIRE(listener != nullptr);
  Recorder client;
  connect(net, client, tcp("127.0.0.1", listener->port()));
  net.until([&] { return client.connected.has_value() && acceptor.accepted.size() == 1; });
  // The seam shows no descriptors: all connected TCP sockets of this process are these two.
  int checked = 0;
  for (int fd = 0; fd < 200; ++fd) {
    if (peer_of(fd).port == 0) continue;
    int on = 0;
    socklen_t length = sizeof on;
    CHECK(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0);
    CHECK(on != 0);
    ++checked;
  }
  CHECK(checked == 2);
  net.close(client);
  net.close(*acceptor.accepted[0]);
}

TEST_CASE("a thousand connections at once") {
  Net net;
  Acceptor acceptor;
  acceptor.echo = true;
  std::string error;
  auto listener = net.network.listen(tcp("127.0.0.1", 0), acceptor, error);
  REQUIRE(listener != nullptr);
  constexpr std::size_t kCount = 1000;
  std::vector<std::unique_ptr<Recorder>> clients;
  for (std::size_t i = 0; i < kCount; ++i) {
    clients.push_back(std::make_unique<Recorder>());
    connect(net, *clients.back(), tcp("127.0.0.1", listener->port()));
    clients.back()->stream->write("client " + std::to_string(i));
    clients.back()->stream->start_read();
  }
  net.until([&] {
    for (std::size_t i = 0; i < kCount; ++i) {
      if (clients[i]->received != "client " + std::to_string(i)) return false;
    }
    return true;
  });
  CHECK(acceptor.accepted.size() == kCount);
  CHECK(net.network.accept_failures() == 0);
  CHECK(net.network.open_handles() == 2 * kCount + 1);
  for (auto& client : clients) client->stream->close();
  for (auto& server : acceptor.accepted) server->stream->reset();
  listener.reset();
  net.network.stop();
  net.network.run();  // returns when all is closed
  CHECK(net.network.open_handles() == 0);
}

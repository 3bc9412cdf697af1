// Listening sockets: addresses, stale files, pauses, and what happens when descriptors run out.
#include <sys/resource.h>
#include <sys/stat.h>

#include "net_fixture.h"
#include "proxy/net/rlimit.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

namespace {

std::unique_ptr<Listener> listen(Net& net, const Endpoint& endpoint, Acceptor& acceptor,
                                 std::string* why = nullptr) {
  std::string error;
  auto listener = net.network.listen(endpoint, acceptor, error);
  CHECK((listener == nullptr) == !error.empty());
  if (why != nullptr) *why = error;
  return listener;
}

}  // namespace

TEST_CASE("port 0 is told, and the ends of an accepted connection are known") {
  Net net;
  Acceptor acceptor;
  std::string host, text;
  SUBCASE("one address") {
    host = "127.0.0.1";
  }
  SUBCASE("wildcard") {
    host = "0.0.0.0";
  }
  SUBCASE("empty: any") {
    host = "";
  }
  SUBCASE("name: IPv4 first") {
    host = "localhost";
  }
  auto listener = listen(net, tcp(host, 0), acceptor);
  REQUIRE(listener != nullptr);
  CHECK(listener->port() != 0);
  const int raw = raw_client(tcp("127.0.0.1", listener->port()));
  net.until([&] { return acceptor.accepted.size() == 1; });
  Recorder& server = *acceptor.accepted[0];
  CHECK(server.peer.address == "127.0.0.1");
  CHECK(server.peer.port == bound_address(raw).port());
  CHECK(server.local.address == "127.0.0.1");
  CHECK(server.local.port == listener->port());
  CHECK(server.peer.bytes == Peer{"", 0, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}.bytes);
  CHECK_FALSE(server.stream->is_unix());
  net.close(server);
  ::close(raw);
}

TEST_CASE("IPv6 alone, so that 0.0.0.0 can have the same port") {
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const SocketAddress loopback = *address_of_literal("::1", 0);
  const bool has_v6 = probe >= 0 && ::bind(probe, loopback.get(), loopback.length) == 0;
  if (probe >= 0) ::close(probe);
  if (!has_v6) {
    MESSAGE("no IPv6 here");
    return;
  }
  Net net;
  Acceptor acceptor6, acceptor4;
  auto listener6 = listen(net, tcp("::", 0), acceptor6);
  REQUIRE(listener6 != nullptr);
  auto listener4 = listen(net, tcp("0.0.0.0", listener6->port()), acceptor4);
  REQUIRE(listener4 != nullptr);
  Recorder client;
  client.stream = net.network.connect(tcp("::1", listener6->port()), client);
  net.until([&] { return acceptor6.accepted.size() == 1 && client.connected; });
  CHECK(acceptor6.accepted[0]->peer.address == "::1");
  CHECK(acceptor6.accepted[0]->local.address == "::1");
  net.close(client);
  net.close(*acceptor6.accepted[0]);
}

TEST_CASE("errors are sentences with the address") {
  Net net;
  Acceptor acceptor;
  std::string error;
  auto first = listen(net, tcp("127.0.0.1", 0), acceptor);
  REQUIRE(first != nullptr);
  const std::string port = std::to_string(first->port());
  CHECK(listen(net, tcp("127.0.0.1", first->port()), acceptor, &error) == nullptr);
  CHECK(error == "127.0.0.1:" + port + ": EADDRINUSE: address already in use; this holdfast itself has it");
  CHECK(listen(net, tcp("192.0.2.1", 80), acceptor, &error) == nullptr);
  CHECK(error.starts_with("192.0.2.1:80: E"));
  CHECK(listen(net, tcp("holdfast.invalid", 80), acceptor, &error) == nullptr);
  CHECK(error.starts_with("holdfast.invalid:80: "));
  CHECK(listen(net, unix_path("/nowhere/at/all.sock"), acceptor, &error) == nullptr);
  CHECK(error == "unix:/nowhere/at/all.sock: ENOENT: no such file or directory");
  CHECK(listen(net, unix_path(std::string(108, 'x')), acceptor, &error) == nullptr);
  CHECK(error.find("this one has 108") != std::string::npos);
  CHECK(listen(net, unix_path(""), acceptor, &error) == nullptr);
}

TEST_CASE("Unix sockets: stale files go, live ones and other files stay") {
  TempFolder folder;
  Net net;
  Acceptor acceptor;
  std::string error;
  const std::string path = folder.path + "/app.sock";
  struct stat status {};

  SUBCASE("fresh, mode 0666, removed at the end") {
    auto listener = listen(net, unix_path(path), acceptor);
    REQUIRE(listener != nullptr);
    CHECK(listener->port() == 0);
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0666);
    const int raw = raw_client(unix_path(path));
    net.until([&] { return acceptor.accepted.size() == 1; });
    CHECK(acceptor.accepted[0]->stream->is_unix());
    CHECK(acceptor.accepted[0]->peer.address.empty());
    CHECK(acceptor.accepted[0]->peer.bytes == Peer{}.bytes);
    net.close(*acceptor.accepted[0]);
    ::close(raw);
    listener.reset();
    CHECK(::stat(path.c_str(), &status) != 0);
  }
  SUBCASE("stale: replaced") {
    ::close(raw_listen_unix(path));
    REQUIRE(::stat(path.c_str(), &status) == 0);
    auto listener = listen(net, unix_path(path), acceptor);
    REQUIRE(listener != nullptr);
    const int raw = raw_client(unix_path(path));
    net.until([&] { return acceptor.accepted.size() == 1; });
    net.close(*acceptor.accepted[0]);
    ::close(raw);
  }
  SUBCASE("live: an error, and it lives on") {
    const int live = raw_listen_unix(path);
    CHECK(listen(net, unix_path(path), acceptor, &error) == nullptr);
    CHECK(error == "unix:" + path +
                       ": EADDRINUSE: address already in use (another process listens there: this holdfast "
                       "itself)");
    ::close(raw_client(unix_path(path)));
    ::close(live);
  }
  SUBCASE("live with a full backlog: an error, too") {
    const int live = raw_listen_unix(path, 0);
    const int first = raw_client(unix_path(path));
    CHECK(listen(net, unix_path(path), acceptor, &error) == nullptr);
    CHECK(error.find("another process listens there") != std::string::npos);
    CHECK(::stat(path.c_str(), &status) == 0);
    ::close(first);
    ::close(live);
  }
  SUBCASE("not a socket: left alone") {
    ::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    CHECK(listen(net, unix_path(path), acceptor, &error) == nullptr);
    CHECK(error.find("not a socket") != std::string::npos);
    CHECK(::stat(path.c_str(), &status) == 0);
  }
  SUBCASE("replaced by another process meanwhile: its file stays") {
    auto listener = listen(net, unix_path(path), acceptor);
    REQUIRE(listener != nullptr);
    REQUIRE(::rename(path.c_str(), (path + ".old").c_str()) == 0);
    const int other = raw_listen_unix(path);
    listener.reset();
    CHECK(::stat(path.c_str(), &status) == 0);
    ::close(other);
  }
}

TEST_CASE("pause leaves clients in the backlog, resume takes them") {
  Net net;
  Acceptor acceptor;
  auto listener = listen(net, tcp("127.0.0.1", 0), acceptor);
  REQUIRE(listener != nullptr);
  listener->pause();
  listener->pause();
  const int raw = raw_client(tcp("127.0.0.1", listener->port()));  // the kernel connects it
  net.turns(5);
  CHECK(acceptor.accepted.empty());
  listener->resume();
  listener->resume();
  net.until([&] { return acceptor.accepted.size() == 1; });
  net.close(*acceptor.accepted[0]);
  ::close(raw);
}

TEST_CASE("pause and destroy from inside on_accept") {
  struct Once : Acceptor {
    std::unique_ptr<Listener> listener;
    bool destroy = false;
    void on_accept(std::unique_ptr<Stream> stream, const Peer& peer, const Peer& local) override {
      Acceptor::on_accept(std::move(stream), peer, local);
      if (destroy) {
        listener.reset();
      } else {
        listener->pause();
      }
    }
  };
  Net net;
  Once once;
  SUBCASE("pause") {
    once.destroy = false;
  }
  SUBCASE("destroy") {
    once.destroy = true;
  }
  once.listener = listen(net, tcp("127.0.0.1", 0), once);
  REQUIRE(once.listener != nullptr);
  const Endpoint endpoint = tcp("127.0.0.1", once.listener->port());
  const int first = raw_client(endpoint), second = raw_client(endpoint);
  net.until([&] { return !once.accepted.empty(); });
  net.turns(5);
  CHECK(once.accepted.size() == 1);
  net.close(*once.accepted[0]);
  ::close(first);
  ::close(second);
}

TEST_CASE("more clients than one turn accepts") {
  Net net;
  Acceptor acceptor;
  auto listener = listen(net, tcp("127.0.0.1", 0), acceptor);
  REQUIRE(listener != nullptr);
  std::vector<int> clients;
  for (int i = 0; i < 65; ++i) clients.push_back(raw_client(tcp("127.0.0.1", listener->port())));
  net.until([&] { return !acceptor.accepted.empty(); });
  CHECK(acceptor.accepted.size() == 64);
  net.until([&] { return acceptor.accepted.size() == 65; });
  for (auto& server : acceptor.accepted) net.close(*server);
  for (const int fd : clients) ::close(fd);
}

TEST_CASE("out of descriptors: the listener rests, counts, and loses nobody") {
  Net net;
  Acceptor acceptor;
  auto listener = listen(net, tcp("127.0.0.1", 0), acceptor);
  REQUIRE(listener != nullptr);
  const Endpoint endpoint = tcp("127.0.0.1", listener->port());
  // libuv takes a spare descriptor for its first stream. And a connection each way before the descriptors are
  // gone: when the undefined behaviour sanitizer meets a class for the first time, it opens a pipe to look at
  // the object's table, and takes a correct object for a wrong one (vptr) when it gets none.
  Recorder first;
  first.stream = net.network.connect(endpoint, first);
  net.until([&] { return acceptor.accepted.size() == 1 && first.connected.has_value(); });
  std::vector<int> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(raw_client(endpoint));

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  // Fills the holes below, so that the limit leaves room for two and no third.
  std::vector<int> fillers;
  for (int i = 0; i < 50; ++i) fillers.push_back(::dup(0));
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(fillers.back()) + 1;
  for (int i = 0; i < 2; ++i) {
    ::close(fillers.back());
    fillers.pop_back();
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  // The socket stays readable all the time. That it rests shows in the time between two failures (a bound
  // from below: a slow machine only makes it longer).
  const Time before_failure = std::chrono::steady_clock::now();
  net.until([&] { return net.network.accept_failures() == 1; });
  CHECK(acceptor.accepted.size() == 3);
  net.until([&] { return net.network.accept_failures() == 2; });
  CHECK(std::chrono::steady_clock::now() - before_failure >= std::chrono::milliseconds(99));
  // And a connect that finds no descriptor is an error like any other.
  Recorder client;
  client.stream = net.network.connect(endpoint, client);
  net.until([&] { return client.connected.has_value(); });
  CHECK(client.connected->name() == "EMFILE");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);

  net.until([&] { return acceptor.accepted.size() == 1 + clients.size(); });
  net.close(first);
  net.close(client);
  for (auto& server : acceptor.accepted) net.close(*server);
  for (const int fd : clients) ::close(fd);
  for (const int fd : fillers) ::close(fd);
}

TEST_CASE("destroyed while it rests") {
  Net net;
  Acceptor acceptor;
  auto listener = listen(net, tcp("127.0.0.1", 0), acceptor);
  REQUIRE(listener != nullptr);
  const int raw = raw_client(tcp("127.0.0.1", listener->port()));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int lowest = ::dup(0);
  ::close(lowest);
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(lowest);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  net.until([&] { return net.network.accept_failures() > 0; });
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  SUBCASE("paused in between") {
    listener->pause();
    listener->resume();
  }
  SUBCASE("as it is") {}
  listener.reset();
  net.turns(3);
  CHECK(acceptor.accepted.empty());
  ::close(raw);
}

TEST_CASE("in place of a listener that is about to go: both have the port until then") {
  Net net;
  Acceptor old_acceptor, acceptor;
  std::string error;
  auto old = listen(net, tcp("127.0.0.1", 0), old_acceptor);
  REQUIRE(old != nullptr);
  const std::uint16_t port = old->port();
  Listener* leaving[] = {old.get()};
  std::unique_ptr<Listener> next;
  SUBCASE("a wider address") {
    CHECK(listen(net, tcp("0.0.0.0", port), acceptor) == nullptr);
    next = net.network.listen_in_place_of(leaving, tcp("0.0.0.0", port), acceptor, error);
  }
  SUBCASE("the same by another name") {
    next = net.network.listen_in_place_of(leaving, tcp("localhost", port), acceptor, error);
  }
  REQUIRE(next != nullptr);
  Acceptor rival;
  CHECK(listen(net, tcp("127.0.0.1", port), rival) == nullptr);
  old.reset();
  CHECK(listen(net, tcp("127.0.0.1", port), rival) == nullptr);
  const int raw = raw_client(tcp("127.0.0.1", port));
  net.until([&] { return acceptor.accepted.size() == 1; });
  CHECK(old_acceptor.accepted.empty());
  net.close(*acceptor.accepted[0]);
  ::close(raw);
}

TEST_CASE(
    "in place of a listener, where somebody else has the port: an error, and the old one is not shared") {
  Net net;
  Acceptor acceptor;
  std::string error;
  auto old = listen(net, tcp("127.0.0.1", 0), acceptor);
  const int foreign = raw_listen_tcp();
  REQUIRE(old != nullptr);
  const std::uint16_t taken = bound_address(foreign).port();
  Listener* leaving[] = {old.get()};
  CHECK(net.network.listen_in_place_of(leaving, tcp("127.0.0.1", taken), acceptor, error) == nullptr);
  CHECK(error == "127.0.0.1:" + std::to_string(taken) +
                     ": EADDRINUSE: address already in use; this holdfast itself has it");
  CHECK(listen(net, tcp("127.0.0.1", old->port()), acceptor) == nullptr);
  ::close(foreign);
}

TEST_CASE("what waits in the backlog is accepted before a listener goes") {
  Net net;
  Acceptor acceptor;
  auto listener = listen(net, tcp("127.0.0.1", 0), acceptor);
  REQUIRE(listener != nullptr);
  std::vector<int> clients;
  // More than one turn takes.
  for (int i = 0; i < 100; ++i) clients.push_back(raw_client(tcp("127.0.0.1", listener->port())));
  SUBCASE("all of it") {
    listener->accept_waiting();
    CHECK(acceptor.accepted.size() == clients.size());
  }
  SUBCASE("nothing while paused") {
    listener->pause();
    listener->accept_waiting();
    CHECK(acceptor.accepted.empty());
  }
  listener.reset();
  for (auto& server : acceptor.accepted) net.close(*server);
  for (const int fd : clients) ::close(fd);
}

TEST_CASE("raise_fd_limit lifts the soft limit to the hard one") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 100;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(raise_fd_limit() == before.rlim_max);
  rlimit after{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(after.rlim_cur == before.rlim_max);
  CHECK(raise_fd_limit() == before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

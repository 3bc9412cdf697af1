// Streams on real sockets: bytes both ways, held, counted and drained. How streams end: stream_end_test.cpp.
#include <algorithm>

#include "net_fixture.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

TEST_CASE("small write goes out in one piece and says so") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  CHECK(recorder.stream->is_unix() == is_unix);
  const std::string_view slices[] = {"HTTP/1.1 200 OK\r\n", "", "\r\n", "body"};
  CHECK(calling([&] { return recorder.stream->write(slices); }));
  CHECK(recorder.stream->unsent_bytes() == 0);
  std::string got;
  net.until([&] { return got.size() == 23; }, [&] { raw_read(raw, got); });
  CHECK(got == "HTTP/1.1 200 OK\r\n\r\nbody");
  CHECK(write(recorder, ""));
  net.turns(3);
  CHECK(recorder.events.empty());  // no on_drained after a write() that was true
  net.close(recorder);
  ::close(raw);
}

TEST_CASE("more slices than one writev carries") {
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, true);
  for (const std::size_t count : {63u, 64u, 65u, 200u}) {
    std::vector<std::string> pieces;
    std::vector<std::string_view> slices;
    std::string all, got;
    for (std::size_t i = 0; i < count; ++i) pieces.push_back(std::to_string(i) + ",");
    for (const std::string& piece : pieces) {
      slices.push_back(piece);
      all += piece;
    }
    CHECK(calling([&] { return recorder.stream->write(slices); }));
    net.until([&] { return got.size() >= all.size(); }, [&] { raw_read(raw, got); });
    CHECK(got == all);
  }
  net.close(recorder);
  ::close(raw);
}

TEST_CASE("10 MB to a slow reader: held, counted, drained, in order") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  const std::string sent = pattern(kBig);
  std::string_view rest = sent;
  // Several writes while one is in flight: they queue behind it.
  bool all_taken = true;
  std::size_t held = 0;
  for (const std::size_t size : {kBig / 2, std::size_t{1}, kBig / 4, std::size_t{70000}}) {
    all_taken = write(recorder, rest.substr(0, size)) && all_taken;
    rest.remove_prefix(size);
  }
  const std::string_view slices[] = {rest.substr(0, 1000), rest.substr(1000)};
  CHECK_FALSE(calling([&] { return recorder.stream->write(slices); }));
  CHECK_FALSE(all_taken);
  held = recorder.stream->unsent_bytes();
  CHECK(held > kBig / 4);
  CHECK_FALSE(write(recorder, ""));
  std::string got;
  net.until([&] { return got.size() >= sent.size(); },
            [&] {
              raw_read(raw, got, 50000);
              CHECK(recorder.stream->unsent_bytes() <= held);  // never grows again
              held = recorder.stream->unsent_bytes();
            });
  net.until([&] { return recorder.drained > 0; });
  CHECK(got == sent);
  CHECK(recorder.stream->unsent_bytes() == 0);
  net.turns(3);
  CHECK(recorder.events == std::vector<std::string>{"drained"});
  CHECK(write(recorder, "again"));  // quick path again
  net.close(recorder);
  ::close(raw);
}

TEST_CASE("10 MB echoed through both sides of the network") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  TempFolder folder;
  Acceptor acceptor;
  acceptor.echo = true;
  std::string error;
  auto listener = net.network.listen(is_unix ? unix_path(folder.path + "/echo.sock") : tcp("127.0.0.1", 0),
                                     acceptor, error);
  REQUIRE(listener != nullptr);
  Recorder client;
  client.stream = net.network.connect(
      is_unix ? unix_path(folder.path + "/echo.sock") : tcp("127.0.0.1", listener->port()), client);
  client.stream->start_read();
  const std::string sent = pattern(kBig);
  CHECK_FALSE(write(client, sent));  // before it is connected: kept and sent then
  CHECK(client.stream->unsent_bytes() == sent.size());
  net.until([&] { return client.received.size() >= sent.size(); });
  CHECK(client.received == sent);
  CHECK(client.drained == 1);
  // Half-close: our end, then theirs.
  calling([&] { client.stream->shutdown_write(); });
  Recorder& server = *acceptor.accepted.at(0);
  net.until([&] { return server.eof; });
  CHECK(server.received.size() == sent.size());
  CHECK(write(server, "after eof"));
  net.until([&] { return client.received.size() > sent.size(); });
  calling([&] { server.stream->shutdown_write(); });
  net.until([&] { return client.eof; });
  CHECK(client.received.ends_with("after eof"));
  net.close(client);
  net.close(server);
}

TEST_CASE("reading pauses and resumes without losing a byte; both are idempotent") {
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, true);
  recorder.stream->start_read();
  recorder.stream->start_read();
  REQUIRE(::write(raw, "one", 3) == 3);
  net.until([&] { return recorder.received == "one"; });
  recorder.stream->stop_read();
  recorder.stream->stop_read();
  REQUIRE(::write(raw, "two", 3) == 3);
  net.turns(5);
  CHECK(recorder.received == "one");
  recorder.stream->start_read();
  net.until([&] { return recorder.received == "onetwo"; });
  net.close(recorder);
  ::close(raw);
}

TEST_CASE("shutdown_write comes after the pending bytes") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  const std::string sent = pattern(kBig);
  CHECK_FALSE(write(recorder, sent));
  calling([&] { recorder.stream->shutdown_write(); });
  calling([&] { recorder.stream->shutdown_write(); });
  recorder.stream->start_read();
  std::string got;
  bool open = true;
  net.until([&] { return !open; }, [&] { open = raw_read(raw, got); });
  CHECK(got == sent);
  REQUIRE(::write(raw, "still heard", 11) == 11);
  net.until([&] { return recorder.received == "still heard"; });
  net.close(recorder);
  ::close(raw);
}

TEST_CASE("one stream with much to say does not keep the others waiting") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder loud, quiet;
  int loud_raw = -1, quiet_raw = -1;
  net.connect_pair(loud, loud_raw, is_unix);
  net.connect_pair(quiet, quiet_raw, is_unix);
  const int room = 4 << 20;
  ::setsockopt(loud_raw, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  set_nonblocking(loud_raw);
  const std::string big = pattern(4 << 20);
  std::size_t sent = 0;
  for (ssize_t n = 1; n > 0; sent += static_cast<std::size_t>(std::max<ssize_t>(n, 0)))
    n = ::send(loud_raw, big.data() + sent, big.size() - sent, 0);
  REQUIRE(sent > 400'000);  // several turns' worth, for any buffer
  loud.stream->start_read();
  quiet.stream->start_read();
  REQUIRE(::write(quiet_raw, "hello", 5) == 5);
  net.until([&] { return !loud.received.empty(); });
  CHECK(loud.received.size() <= 2 * 64 * 1024);
  net.until([&] { return quiet.received == "hello"; });
  CHECK(loud.received.size() <= 4 * 64 * 1024);
  net.until([&] { return loud.received.size() == sent; });
  CHECK(loud.received == big.substr(0, sent));
  // Paused and resumed by its owner within its turn, it reads on all the same.
  loud.stream->stop_read();
  REQUIRE(::send(loud_raw, "more", 4, 0) == 4);
  net.turns(3);
  CHECK(loud.received.size() == sent);
  loud.stream->start_read();
  net.until([&] { return loud.received.size() == sent + 4; });
  net.close(loud);
  net.close(quiet);
  ::close(loud_raw);
  ::close(quiet_raw);
}

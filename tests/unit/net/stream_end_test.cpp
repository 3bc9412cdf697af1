// How streams end, on real sockets: EOF, resets, errors, close(), and looking without taking anything.
#include "net_fixture.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

TEST_CASE("EOF is told once, and start_read afterwards is silent") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  recorder.stream->start_read();
  REQUIRE(::write(raw, "last words", 10) == 10);
  ::shutdown(raw, SHUT_WR);
  net.until([&] { return recorder.eof; });
  CHECK(recorder.received == "last words");
  recorder.stream->start_read();
  net.turns(5);
  CHECK(recorder.events == std::vector<std::string>{"eof"});
  CHECK(write(recorder, "answer"));  // half-open: ours still goes out
  std::string got;
  net.until([&] { return got == "answer"; }, [&] { raw_read(raw, got); });
  net.close(recorder);
  ::close(raw);
}

TEST_CASE("read_again: what is there behind the bytes is told in the same turn") {
  FOR_BOTH_TRANSPORTS(is_unix)
  enum class Behind { nothing, end, reset, own_close };
  for (const Behind behind : {Behind::nothing, Behind::end, Behind::reset, Behind::own_close}) {
    CAPTURE(static_cast<int>(behind));
    Net net;
    Recorder recorder;
    recorder.read_again = true;
    recorder.close_on_read = behind == Behind::own_close;
    int raw = -1;
    net.connect_pair(recorder, raw, is_unix);
    if (behind == Behind::reset && is_unix) CHECK(write(recorder, "never read"));
    REQUIRE(::write(raw, "bytes", 5) == 5);
    if (behind == Behind::reset) {
      is_unix ? static_cast<void>(::close(raw)) : raw_reset(raw);
    } else if (behind != Behind::nothing) {
      ::shutdown(raw, SHUT_WR);
    }
    recorder.stream->start_read();
    net.until([&] { return !recorder.received.empty(); });
    CHECK(recorder.eof == (behind == Behind::end));
    if (behind == Behind::nothing) {  // comes in its turn
      CHECK(recorder.events.empty());
      ::shutdown(raw, SHUT_WR);
    }
    net.until([&] { return recorder.eof || recorder.error || recorder.closed; });
    CHECK((recorder.error.name() == "ECONNRESET") == (behind == Behind::reset));
    net.turns(3);
    CHECK(recorder.received == "bytes");
    CHECK(recorder.events.size() == 1);
    if (!recorder.closed) net.close(recorder);
    if (behind != Behind::reset) ::close(raw);
  }
}

TEST_CASE("a reset by the peer is an error, not an EOF, also behind the last bytes") {
  Net net;
  Recorder recorder;
  int raw = -1;
  std::size_t bytes = 0;
  SUBCASE("without bytes") {
    bytes = 0;
  }
  SUBCASE("with bytes before it, in one wake-up") {
    bytes = 5;
  }
  net.connect_pair(recorder, raw, false);
  if (bytes > 0) REQUIRE(::write(raw, "bytes", bytes) == static_cast<ssize_t>(bytes));
  raw_reset(raw);
  recorder.stream->start_read();
  net.until([&] { return recorder.eof || recorder.error; });
  CHECK_FALSE(recorder.eof);
  CHECK(recorder.error.name() == "ECONNRESET");
  CHECK(recorder.received.size() == bytes);
  recorder.stream->start_read();
  CHECK_FALSE(write(recorder, "too late"));
  CHECK(recorder.stream->unsent_bytes() == 0);
  net.turns(3);
  CHECK(recorder.events == std::vector<std::string>{"error"});
  net.close(recorder);
}

TEST_CASE("a Unix peer that closes with unread bytes is a reset") {
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, true);
  CHECK(write(recorder, "never read"));
  REQUIRE(::write(raw, "bye", 3) == 3);
  ::close(raw);
  recorder.stream->start_read();
  net.until([&] { return recorder.eof || recorder.error; });
  CHECK(recorder.received == "bye");
  CHECK(recorder.error.name() == "ECONNRESET");
  net.close(recorder);
}

TEST_CASE("reset() is seen by a TCP peer as ECONNRESET, close() as EOF") {
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, false);
  bool with_reset = true, after_eof = false;
  SUBCASE("reset") {
    calling([&] { recorder.stream->reset(); });
    calling([&] { recorder.stream->close(); });
  }
  SUBCASE("reset after shutdown_write") {
    calling([&] { recorder.stream->shutdown_write(); });
    char none = 0;
    REQUIRE(::recv(raw, &none, 1, 0) == 0);
    after_eof = true;
    calling([&] { recorder.stream->reset(); });
  }
  SUBCASE("close") {
    with_reset = false;
    calling([&] { recorder.stream->close(); });
    calling([&] { recorder.stream->reset(); });
  }
  CHECK(recorder.stream->closing());
  net.until([&] { return recorder.closed; });
  pollfd entry{raw, POLLIN, 0};
  CHECK(::poll(&entry, 1, -1) == 1);
  CHECK(((entry.revents & POLLERR) != 0) == with_reset);
  if (!after_eof) {  // a reader that has seen EOF sees EOF again
    char byte = 0;
    const ssize_t result = ::recv(raw, &byte, 1, 0);
    const int code = result < 0 ? errno : 0;
    CHECK(code == (with_reset ? ECONNRESET : 0));
    CHECK(result == (with_reset ? -1 : 0));
  }
  ::close(raw);
}

TEST_CASE("after close() only on_closed comes, whatever was pending") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  recorder.stream->start_read();
  CHECK_FALSE(write(recorder, pattern(kBig)));  // a write in flight
  REQUIRE(::write(raw, "unheard", 7) == 7);     // a read waiting
  calling([&] { recorder.stream->close(); });
  calling([&] { recorder.stream->close(); });
  CHECK_FALSE(write(recorder, "dropped"));
  calling([&] { recorder.stream->shutdown_write(); });
  recorder.stream->start_read();
  recorder.stream->stop_read();
  CHECK_FALSE(recorder.stream->has_unread_input());
  CHECK_FALSE(recorder.stream->peer_gone());
  net.until([&] { return recorder.closed; });
  CHECK(recorder.events == std::vector<std::string>{"closed"});
  CHECK(recorder.received.empty());
  CHECK(net.network.open_handles() == 0);
  ::close(raw);
}

TEST_CASE("a write that is done but not yet told of is not told after close()") {
  // libuv tells of a write that its own uv_write() could finish after the callbacks of the sockets. In
  // between, the callback of another stream closes this one.
  struct Closer : Recorder {
    Recorder* victim = nullptr;
    void on_read(std::string_view) override {
      if (victim->stream->unsent_bytes() == 0) victim->stream->close();
    }
  };
  Net net;
  Recorder recorder;
  Closer closer;
  int raw = -1, nudge = -1;
  net.connect_pair(recorder, raw, true);
  net.connect_pair(closer, nudge, true);
  closer.victim = &recorder;
  closer.stream->start_read();
  CHECK_FALSE(write(recorder, pattern(kBig)));
  CHECK_FALSE(write(recorder, "queued"));  // goes out at once when the first is done
  std::string got;
  net.until(
      [&] { return recorder.closed; },
      [&] {
        net.turns(1);  // epoll forgets the last nudge, so that the next one comes behind the victim's event
        raw_read(raw, got);
        REQUIRE(::write(nudge, "x", 1) == 1);
      });
  CHECK(recorder.events == std::vector<std::string>{"closed"});
  net.close(closer);
  ::close(raw);
  ::close(nudge);
}

TEST_CASE("close() from inside on_read, on_error; destroyed inside on_closed") {
  Net net;
  int raw = -1;
  SUBCASE("on_read") {
    Recorder recorder;
    recorder.close_on_read = recorder.destroy_on_closed = true;
    net.connect_pair(recorder, raw, false);
    recorder.stream->start_read();
    const std::string big = pattern(200000);  // more than one buffer
    set_nonblocking(raw);
    REQUIRE(::write(raw, big.data(), big.size()) > 70000);
    net.until([&] { return recorder.closed; });
    CHECK(recorder.received.size() <= 65536);
    CHECK(recorder.events == std::vector<std::string>{"closed"});
  }
  SUBCASE("on_error of a deferred write") {
    Recorder recorder;
    recorder.close_on_error = recorder.destroy_on_closed = true;
    net.connect_pair(recorder, raw, true);
    ::shutdown(raw, SHUT_RD);
    CHECK_FALSE(write(recorder, "x"));
    net.until([&] { return recorder.closed; });
    CHECK(recorder.events == std::vector<std::string>{"error", "closed"});
    CHECK(recorder.error.name() == "EPIPE");
  }
  ::close(raw);
}

TEST_CASE("a failed write is told by the loop, and takes nothing of what the peer had said") {
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, true);
  REQUIRE(::write(raw, "early answer", 12) == 12);
  ::close(raw);
  recorder.stream->start_read();
  bool by_close = false;
  SUBCASE("write() finds out") {
    CHECK_FALSE(write(recorder, "request"));
    CHECK_FALSE(write(recorder, "more"));
    CHECK(recorder.events.empty());
  }
  SUBCASE("closed in between: nothing is told") {
    CHECK_FALSE(write(recorder, "request"));
    by_close = true;
    calling([&] { recorder.stream->close(); });
  }
  net.until([&] { return recorder.error || recorder.closed; });
  CHECK(recorder.events == std::vector<std::string>{by_close ? "closed" : "error"});
  CHECK(recorder.received == (by_close ? "" : "early answer"));
  if (!by_close) net.close(recorder);
}

TEST_CASE("a write in flight that fails later") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  recorder.stream->start_read();
  CHECK_FALSE(write(recorder, pattern(kBig)));
  CHECK_FALSE(write(recorder, "queued"));
  REQUIRE(::write(raw, "early answer", 12) == 12);
  if (is_unix) {
    ::close(raw);
  } else {
    raw_reset(raw);
  }
  net.until([&] { return recorder.error.code != 0; });
  CHECK(recorder.received == "early answer");
  CHECK_FALSE(recorder.eof);
  CHECK(recorder.drained == 0);
  net.turns(3);
  net.close(recorder);
  CHECK(recorder.events == std::vector<std::string>{"error", "closed"});
}

TEST_CASE("peer_gone: only when the peer can neither send nor receive") {
  Net net;
  Recorder recorder;
  int raw = -1;
  bool gone = false, unread = true;
  SUBCASE("Unix, silent") {
    net.connect_pair(recorder, raw, true);
    unread = false;
  }
  SUBCASE("Unix, half-closed") {
    net.connect_pair(recorder, raw, true);
    ::shutdown(raw, SHUT_WR);
  }
  SUBCASE("Unix, bytes") {
    net.connect_pair(recorder, raw, true);
    REQUIRE(::write(raw, "x", 1) == 1);
  }
  SUBCASE("Unix, closed") {
    net.connect_pair(recorder, raw, true);
    ::close(raw);
    raw = -1;
    gone = true;
  }
  SUBCASE("TCP, silent") {
    net.connect_pair(recorder, raw, false);
    unread = false;
  }
  SUBCASE("TCP, half-closed") {
    net.connect_pair(recorder, raw, false);
    ::shutdown(raw, SHUT_WR);
  }
  SUBCASE("TCP, closed: like half-closed until it answers a byte with RST") {
    net.connect_pair(recorder, raw, false);
    ::close(raw);
    raw = -1;
  }
  SUBCASE("TCP, closed, and it answered a byte with RST") {
    net.connect_pair(recorder, raw, false);
    ::close(raw);
    raw = -1;
    CHECK(write(recorder, "x"));
    net.until([&] { return recorder.stream->peer_gone(); }, [] {});
    gone = true;
  }
  SUBCASE("TCP, reset") {
    net.connect_pair(recorder, raw, false);
    raw_reset(raw);
    raw = -1;
    gone = true;
  }
  // Loopback delivers within the sender's system call; twice, for looking must not take anything.
  for (int i = 0; i < 2; ++i) {
    CHECK(recorder.stream->peer_gone() == gone);
    CHECK(recorder.stream->has_unread_input() == unread);
  }
  net.close(recorder);
  if (raw >= 0) ::close(raw);
}

TEST_CASE("has_unread_input takes nothing, not even an error") {
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, false);
  SUBCASE("bytes") {
    REQUIRE(::write(raw, "stray", 5) == 5);
    CHECK(recorder.stream->has_unread_input());
    recorder.stream->start_read();
    net.until([&] { return recorder.received == "stray"; });
    CHECK_FALSE(recorder.stream->has_unread_input());
    ::shutdown(raw, SHUT_WR);
    CHECK(recorder.stream->has_unread_input());
    net.until([&] { return recorder.eof; });
    CHECK_FALSE(recorder.stream->has_unread_input());  // it was delivered
    ::close(raw);
  }
  SUBCASE("a reset") {
    raw_reset(raw);
    CHECK(recorder.stream->has_unread_input());
    recorder.stream->start_read();
    net.until([&] { return recorder.error || recorder.eof; });
    CHECK(recorder.error.name() == "ECONNRESET");
  }
  net.close(recorder);
}

TEST_CASE("quick_ack on both transports, at any time") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  calling([&] { recorder.stream->quick_ack(); });
  net.close(recorder);
  calling([&] { recorder.stream->quick_ack(); });
  ::close(raw);
}

TEST_CASE("delivered is what the peer has, not what the kernel took") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  CHECK(recorder.stream->delivered_bytes() == 0);
  const std::string big = pattern(kBig);
  CHECK_FALSE(write(recorder, big));
  net.turns(20);
  const std::size_t unsent = recorder.stream->unsent_bytes();
  const std::uint64_t before = recorder.stream->delivered_bytes();
  REQUIRE(unsent < kBig);
  // TCP acknowledges what the peer's receive buffer holds; a Unix socket has no such buffer.
  CHECK(before < kBig - unsent);
  if (is_unix) CHECK(before == 0);
  // A peer that reads a part makes progress, though the kernel takes no more of us yet. Other kernels, other
  // buffers: so it reads on until the progress shows.
  std::string got;
  net.until([&] { return recorder.stream->delivered_bytes() > before; },
            [&] { raw_read(raw, got, 16 * 1024); });
  CHECK(got.size() < kBig / 4);
  net.until([&] { return got.size() == kBig; }, [&] { raw_read(raw, got); });
  net.until([&] { return recorder.stream->delivered_bytes() == kBig; });
  CHECK(got == big);
  net.close(recorder);
  ::close(raw);
}

TEST_CASE("give_up_sending: what the kernel has arrives, then an end and no reset") {
  FOR_BOTH_TRANSPORTS(is_unix)
  Net net;
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, is_unix);
  recorder.stream->start_read();
  const std::string big = pattern(kBig);
  CHECK_FALSE(write(recorder, big));
  net.turns(20);
  calling([&] { recorder.stream->give_up_sending(); });
  CHECK(recorder.stream->unsent_bytes() == 0);
  CHECK_FALSE(write(recorder, "too late"));
  REQUIRE(::send(raw, "still here", 10, 0) == 10);  // the other direction lives
  net.until([&] { return recorder.received == "still here"; });
  std::string got;
  net.until([&] { return got.size() >= 100 * 1024; }, [&] { raw_read(raw, got); });
  net.close(recorder);
  for (;;) {
    char buffer[65536];
    const ssize_t n = ::recv(raw, buffer, sizeof buffer, 0);
    REQUIRE(n >= 0);  // ECONNRESET would be what browsers show as an error
    if (n == 0) break;
    got.append(buffer, static_cast<std::size_t>(n));
  }
  CHECK(got.size() < kBig);
  CHECK(got == big.substr(0, got.size()));
  CHECK(recorder.drained == 0);
  CHECK_FALSE(recorder.error);
  ::close(raw);
}

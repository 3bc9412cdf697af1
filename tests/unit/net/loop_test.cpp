// The loop itself: clock, wake-up timer, turn ends, signals, the end of run().
#include <csignal>

#include "net_fixture.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

namespace {

using std::chrono::milliseconds;

struct Turns : TurnHandler {
  explicit Turns(UvNetwork& on) : network(on) { network.set_turn_handler(this); }
  ~Turns() { network.set_turn_handler(nullptr); }

  void on_wakeup() override { wakeups.push_back(network.now()); }
  void on_turn_end() override { ++ends; }
  void on_signal(int number) override { signals.push_back(number); }

  UvNetwork& network;
  std::vector<Time> wakeups;
  std::vector<int> signals;
  int ends = 0;
};

}  // namespace

TEST_CASE("now() is steady_clock's time, one value a turn") {
  Net net;
  const Time before = std::chrono::steady_clock::now();
  const Time first = net.network.now();
  CHECK(first >= before);
  CHECK(first <= std::chrono::steady_clock::now());
  CHECK(net.network.now() == first);
  while (std::chrono::steady_clock::now() == first) {
  }
  CHECK(net.network.now() == first);
  net.network.run_once(false);
  CHECK(net.network.now() > first);
}

TEST_CASE("a wake-up comes once, not before its time") {
  Net net;
  Turns turns(net.network);
  const Time when = net.network.now() + milliseconds(5) + std::chrono::microseconds(300);
  net.network.set_wakeup(when);
  net.until([&] { return !turns.wakeups.empty(); });
  CHECK(turns.wakeups[0] >= when);
  net.turns(5);
  CHECK(turns.wakeups.size() == 1);
}

TEST_CASE("a later call replaces the wake-up, nullopt takes it back") {
  Net net;
  Turns turns(net.network);
  const Time start = net.network.now();
  SUBCASE("earlier") {
    net.network.set_wakeup(start + std::chrono::hours(1));
    net.network.set_wakeup(start + milliseconds(1));
  }
  SUBCASE("later") {
    net.network.set_wakeup(start - milliseconds(1));
    net.network.set_wakeup(start + milliseconds(10));
  }
  SUBCASE("taken back and set again") {
    net.network.set_wakeup(start);
    net.network.set_wakeup(std::nullopt);
    while (net.network.now() < start + milliseconds(3)) net.network.run_once(false);
    CHECK(turns.wakeups.empty());
    net.network.set_wakeup(start);
  }
  net.until([&] { return !turns.wakeups.empty(); });
  net.turns(3);
  CHECK(turns.wakeups.size() == 1);
}

TEST_CASE("a wake-up whose time has come is served in the next turn, not in the next millisecond") {
  Net net;
  Turns turns(net.network);
  for (std::size_t i = 1; i <= 20; ++i) {
    net.network.set_wakeup(net.network.now());
    net.network.run_once(false);
    net.network.run_once(false);
    CHECK(turns.wakeups.size() == i);
  }
}

TEST_CASE("wake-ups set from on_wakeup come in order, and one in the past does not starve the sockets") {
  struct Again : Turns {
    using Turns::Turns;
    void on_wakeup() override {
      Turns::on_wakeup();
      network.set_wakeup(Time{});  // long past
    }
  };
  Net net;
  Again turns(net.network);
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, true);
  recorder.stream->start_read();
  net.network.set_wakeup(Time{});
  net.until([&] { return turns.wakeups.size() == 3; });
  REQUIRE(::write(raw, "heard", 5) == 5);
  net.until([&] { return recorder.received == "heard"; });
  for (std::size_t i = 1; i < turns.wakeups.size(); ++i) CHECK(turns.wakeups[i] >= turns.wakeups[i - 1]);
  net.close(recorder);
  ::close(raw);
}

TEST_CASE("the turn's end comes after its callbacks, errors found in it do not wait for a socket") {
  struct WritesAtEnd : Turns {
    using Turns::Turns;
    void on_turn_end() override {
      Turns::on_turn_end();
      if (victim != nullptr && victim->events.empty()) calling([&] { victim->stream->write("x"); });
    }
    Recorder* victim = nullptr;
  };
  Net net;
  WritesAtEnd turns(net.network);
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, true);
  const int before = turns.ends;
  net.turns(3);
  CHECK(turns.ends == before + 3);
  ::close(raw);
  turns.victim = &recorder;
  net.until([&] { return recorder.error.code != 0; });  // run_once() blocks: it would hang without the nudge
  CHECK(recorder.error.name() == "EPIPE");
  net.close(recorder);
}

TEST_CASE("a stream that fails and is closed at the turn's end is forgotten before it is destroyed") {
  struct FailsAndCloses : Turns {
    using Turns::Turns;
    void on_turn_end() override {
      if (victim->stream == nullptr || victim->stream->closing()) return;
      victim->stream->write("x");
      victim->stream->close();
    }
    Recorder* victim = nullptr;
  };
  Net net;
  Recorder recorder;
  recorder.destroy_on_closed = true;
  int raw = -1;
  net.connect_pair(recorder, raw, true);
  ::close(raw);
  FailsAndCloses turns(net.network);
  turns.victim = &recorder;
  net.until([&] { return recorder.closed; });
  net.turns(3);
  CHECK(recorder.events == std::vector<std::string>{"closed"});
}

TEST_CASE("signals arrive by the loop, SIGPIPE never") {
  Net net;
  Turns turns(net.network);
  net.network.watch_signal(SIGHUP);
  net.network.watch_signal(SIGTERM);
  ::raise(SIGPIPE);
  ::raise(SIGHUP);
  CHECK(turns.signals.empty());
  net.until([&] { return turns.signals.size() == 1; });
  ::raise(SIGTERM);
  net.until([&] { return turns.signals.size() == 2; });
  CHECK(turns.signals == std::vector<int>{SIGHUP, SIGTERM});
}

TEST_CASE("run() goes on after stop() until the last stream is closed, paused or not") {
  // The order of things is driven by wake-ups alone.
  struct Driver : Turns {
    using Turns::Turns;
    void on_wakeup() override {
      Turns::on_wakeup();
      ends_at_wakeup = ends;
      if (wakeups.size() == 1) network.stop();
      if (wakeups.size() == 3) recorder->stream->close();
      if (wakeups.size() < 3) network.set_wakeup(network.now() + milliseconds(1));
    }
    Recorder* recorder = nullptr;
    int ends_at_wakeup = 0;
  };
  Net net;
  Driver turns(net.network);
  Recorder recorder;
  int raw = -1;
  net.connect_pair(recorder, raw, true);  // never reads: libuv would call it inactive
  turns.recorder = &recorder;
  net.network.set_wakeup(net.network.now());
  net.network.run();
  CHECK(turns.wakeups.size() == 3);
  CHECK(recorder.closed);
  CHECK(turns.ends > turns.ends_at_wakeup);  // the turn of on_closed() had its end
  ::close(raw);
}

TEST_CASE("run() after stop() with nothing open returns; without stop() it waits for it") {
  Net net;
  Turns turns(net.network);
  SUBCASE("stopped before") {
    net.network.stop();
  }
  SUBCASE("stopped by a signal") {
    struct Stopper : Turns {
      using Turns::Turns;
      void on_signal(int) override { network.stop(); }
    };
    Stopper stopper(net.network);
    net.network.watch_signal(SIGHUP);
    ::raise(SIGHUP);
    net.network.run();
    return;
  }
  net.network.run();
  CHECK(turns.ends == 1);
}

TEST_CASE("a network is destroyed with a listener just gone and a look-up still running") {
  Net net;
  Acceptor acceptor;
  std::string error;
  auto listener = net.network.listen(tcp("127.0.0.1", 0), acceptor, error);
  REQUIRE(listener != nullptr);
  Recorder recorder;
  recorder.stream = net.network.connect(tcp("localhost", 1), recorder);
  net.close(recorder);
  listener.reset();
}

// Work in other threads, told on the loop's.
#include "proxy/net/background.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "proxy/net/uv_network.h"

using namespace holdfast::net;

namespace {

struct Seen {
  std::atomic<int> worked = 0;
  std::atomic<int> at_once = 0;
  std::atomic<int> most_at_once = 0;
  std::atomic<bool> hold = false;
  int done = 0;
  int destroyed = 0;
  bool other_thread = true;
  bool loop_thread = true;
  const std::thread::id loop = std::this_thread::get_id();
};

class Task final : public Background::Task {
 public:
  explicit Task(Seen& seen) : seen_(seen) {}
  ~Task() override { ++seen_.destroyed; }
  void work() override {
    const int now = ++seen_.at_once;
    if (now > seen_.most_at_once) seen_.most_at_once = now;
    if (std::this_thread::get_id() == seen_.loop) seen_.other_thread = false;
    while (seen_.hold) std::this_thread::yield();
    --seen_.at_once;
    ++seen_.worked;
  }
  void done() override {
    ++seen_.done;
    if (std::this_thread::get_id() != seen_.loop) seen_.loop_thread = false;
  }

 private:
  Seen& seen_;
};

}  // namespace

TEST_CASE("tasks run elsewhere, a few at a time, and are told here") {
  Seen seen;
  UvNetwork network;
  for (int i = 0; i < 20; ++i) REQUIRE(network.background()->run(std::make_unique<Task>(seen)));
  while (seen.done < 20) network.run_once(true);
  CHECK(seen.worked == 20);
  CHECK(seen.destroyed == 20);
  CHECK(seen.most_at_once <= static_cast<int>(Background::kRunningMost));
  CHECK(seen.other_thread);
  CHECK(seen.loop_thread);
}

TEST_CASE("a bounded number waits; the end of the network tells nobody and leaves nothing") {
  Seen seen;
  int taken = 0;
  {
    UvNetwork network;
    seen.hold = true;
    while (taken < 1000 && network.background()->run(std::make_unique<Task>(seen))) ++taken;
    CHECK(taken == static_cast<int>(Background::kRunningMost + Background::kWaitingMost));
    seen.hold = false;
  }
  CHECK(seen.done == 0);
  CHECK(seen.destroyed == taken + 1);  // the refused one too
  CHECK(seen.worked <= static_cast<int>(Background::kRunningMost));
}

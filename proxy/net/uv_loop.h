// Private to proxy/net: the libuv loop with its own few handles (turn end, wake-up timer, signals), and what
// all streams of a network share: the read buffer, the clock, the list of errors to be told later.
//
// One turn:  poll: callbacks of sockets -> close callbacks -> wake-up timer -> deferred errors -> on_turn_end()
//            '------------------------------- now() is one value ----------------------------------------------'
#pragma once

#include <uv.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "proxy/net/name_cache.h"
#include "proxy/net/network.h"

namespace holdfast::net {

class UvStream;

class UvLoop {
 public:
  UvLoop();
  ~UvLoop();  // precondition: no stream and no listener is open
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  uv_loop_t* uv() { return &loop_; }

  void run();
  void run_once(bool wait);
  void stop();
  void watch_signal(int signal_number);
  void set_turn_handler(TurnHandler* handler) { turn_handler_ = handler; }
  void set_wakeup(std::optional<Time> when);
  Time now() const;

  // Filled and handed on within one callback; valid until the handler returns.
  std::span<char> read_buffer() { return read_buffer_; }

  // The stream's deliver_deferred() is called before this turn ends: for errors found inside an owner's call.
  void defer(UvStream& stream);
  void forget(UvStream& stream);  // takes it out again; a stream that closes has nothing more to say

  std::uint64_t turn() const { return turn_; }
  // The stream has read its share of this turn: read_on() is called when it ends.
  void read_next_turn(UvStream& stream) { read_next_turn_.push_back(&stream); }

  // A handle counts until its close callback; run() does not return before, read or paused alike.
  void handle_opened();
  void handle_closed();
  std::size_t open_handles() const { return open_handles_; }

  NameCache& names() { return names_; }

  void count_accept_failure() { ++accept_failures_; }
  std::uint64_t accept_failures() const { return accept_failures_; }

 private:
  void end_turn();
  void on_timer();
  void update_keep_alive();

  uv_loop_t loop_{};
  uv_prepare_t
      prepare_{};     // runs end_turn(); referenced, so it keeps run() going, until stop() and no handle
  uv_idle_t idle_{};  // active when the loop must not sleep: deferred errors wait
  uv_timer_t timer_{};
  std::vector<std::unique_ptr<uv_signal_t>> signals_;

  TurnHandler* turn_handler_ = nullptr;
  std::optional<Time> wakeup_;
  bool due_ = false;  // the time of wakeup_ has come
  bool stopping_ = false;
  bool stepping_ = false;  // in run_once()
  bool progress_ = false;  // a handler was called since the loop looked at the sockets
  std::size_t open_handles_ = 0;
  std::uint64_t accept_failures_ = 0;
  mutable std::optional<Time> now_;  // empty: to be sampled by the next who asks

  NameCache names_;

  std::uint64_t turn_ = 1;
  std::vector<UvStream*> read_next_turn_;
  std::vector<UvStream*> deferred_;
  std::vector<UvStream*> delivering_;  // end_turn()'s list under way; a member to keep its memory
  std::array<char, 64 * 1024> read_buffer_;
};

}  // namespace holdfast::net

// Waking a master of php-fpm that sleeps although connections wait for it: that of `pm = ondemand` counts a
// worker that it has just forked as free, and is woken by new connections only. So while requests wait,
// silent connections are followed by a knock: one more, or the youngest of them opened anew. A few times, for
// each that is closed lies dead in the backlog. This is the pace of it; UpstreamPool opens and closes.
#pragma once

#include <cstdint>
#include <optional>

#include "proxy/core/time.h"

namespace holdfast::core {

class Knocking {
 public:
  // A free worker answers a new connection within this, on a busy machine too. Then the first knock; the
  // pauses between them double.
  static constexpr Duration kFirst = std::chrono::milliseconds(20);
  // 1.3 s: a master that has not forked by then has no worker to give.
  static constexpr std::uint32_t kMost = 6;

  // A connection was opened, or came up.
  void called(Time now) { last_call_ = now; }
  // A worker has answered, or a connection was opened for another reason.
  void start_over() { knocks_ = 0; }
  // When the next knock is due; nothing: there have been enough, or one is half done.
  std::optional<Time> due() const {
    if (knocks_ >= kMost || step_ == Step::reopen) return std::nullopt;
    return last_call_ + kFirst * (1U << knocks_);
  }
  void knock() { ++knocks_; }
  // The second half of a knock where there is no room for one more: what was closed is to be opened anew.
  void want_reopening() { step_ = Step::reopen; }
  bool reopening_wanted() const { return step_ == Step::reopen; }
  void reopened() { step_ = Step::rest; }

 private:
  enum class Step : std::uint8_t { rest, reopen };
  Time last_call_{};
  std::uint32_t knocks_ = 0;  // since the last proof
  Step step_ = Step::rest;
};

}  // namespace holdfast::core

// When the pool opens a connection, for whom, and when it gives one up that no worker takes.
#include <algorithm>

#include "proxy/core/upstream_pool.h"

namespace holdfast::core {

using namespace std::chrono_literals;

namespace {
// A waiter expects a settling connection back within this time; later a new one is opened for it.
constexpr Duration kSettleGrace = 3ms;
constexpr Duration kBackOffFirst = 10ms;
constexpr Duration kBackOffMost = 500ms;
// A free worker answers a new connection within this, on a busy machine too. Then the first knock; the pauses
// between them double.
constexpr Duration kFirstKnock = 20ms;
// 1.3 s: a master that has not forked by then has no worker to give.
constexpr std::uint32_t kKnocksMost = 6;
// After no worker took a new connection, no more are opened than workers were found: for this long, twice as
// long each time.
constexpr Duration kCrowdedFirst = 1s;
constexpr Duration kCrowdedMost = 10min;
}  // namespace

void UpstreamPool::open_for_waiters(Time now) {
  if (stopping_ && queue_.empty()) {
    close_unneeded(now);
    return;
  }
  if (probe_wanted_ && connections_.empty() && (!open_after_ || now >= *open_after_)) open_one(now);
  if (paused_ || queue_.empty()) return;
  std::size_t soon = counts_.connecting;
  if (counts_.settling > 0) {
    for (auto& [id, connection] : connections_) {
      if (connection.state != ConnectionState::settling || now - connection.since >= kSettleGrace) continue;
      ++soon;
      look_again_at(connection.since + kSettleGrace);
    }
  }
  // One at a time while the application's ways are unknown, or while it seems to be away.
  const bool one_by_one = barrier_support_ == BarrierSupport::unknown || connect_failures_ > 0;
  while ((queue_.size() > soon || reopen_) && !(one_by_one && counts_.connecting > 0) && may_open(now)) {
    if (!reopen_) knocks_ = 0;
    reopen_ = false;
    open_one(now);
    ++soon;
  }
  if (counts_.connecting > 0 && barrier_support_ == BarrierSupport::yes && knock(now)) open_one(now);
}

bool UpstreamPool::may_open(Time now) {
  if (counts_.total() >= config_.max_connections) return false;
  if (crowded_until_ && now < *crowded_until_ && counts_.total() >= workers_found_) {
    look_again_at(*crowded_until_);
    return false;
  }
  if (open_after_ && now < *open_after_) {
    look_again_at(*open_after_);
    return false;
  }
  return true;
}

// Wakes a master that sleeps although connections wait for it. True: by one connection more, which is to be
// opened now; where there is no room the youngest one is closed, and opened anew when its slot is free.
bool UpstreamPool::knock(Time now) {
  if (knocks_ >= kKnocksMost || reopen_) return false;
  auto youngest = connections_.end();
  for (auto each = connections_.begin(); each != connections_.end(); ++each) {
    if (proving(each->second) && (youngest == connections_.end() || each->first > youngest->first))
      youngest = each;
  }
  if (youngest == connections_.end()) return false;
  const Time due = last_call_ + kFirstKnock * (1U << knocks_);
  if (now < due) {
    look_again_at(due);
    return false;
  }
  ++knocks_;
  // No more than one for nobody: what comes up is a worker less for others.
  if (counts_.connecting <= queue_.size() && may_open(now)) return true;
  reopen_ = true;
  begin_close(youngest->first, youngest->second, CloseReason::no_worker, false, now);
  return false;
}

void UpstreamPool::open_one(Time now) {
  probe_wanted_ = false;
  last_call_ = now;
  const ConnectionId id = ++last_id_;
  Connection& connection = connections_[id];
  connection.opened = connection.since = now;
  ++counts_.connecting;
  set_deadline(connection, now + config_.timeouts.connect);
  actions_.push_back({.kind = PoolAction::Kind::open, .connection = id});
}

// No worker has taken it in all the time that a silent script is granted.
void UpstreamPool::give_up_proof(ConnectionId id, Connection& connection, Time now) {
  if (barrier_support_ != BarrierSupport::yes || held_by_workers() == 0) {
    back_off(now);
    begin_close(id, connection, CloseReason::probe_timeout, false, now);
    return;
  }
  // The application is there, and has no more workers for us. Of several that are given up together the first
  // one counts.
  if (!crowded_until_ || now >= *crowded_until_) {
    crowded_for_ = std::clamp<Duration>(2 * crowded_for_, kCrowdedFirst, kCrowdedMost);
    crowded_until_ = now + crowded_for_;
  }
  workers_found_ = held_by_workers();
  reopen_ = false;
  begin_close(id, connection, CloseReason::no_worker, false, now);
}

// Stopping, and nobody waits: what is on its way comes for nobody.
void UpstreamPool::close_unneeded(Time now) {
  if (counts_.connecting == 0) return;
  for (auto& [id, connection] : connections_) {
    if (connection.state == ConnectionState::connecting)
      begin_close(id, connection, CloseReason::shutdown, false, now);
  }
}

void UpstreamPool::back_off(Time now) {
  ++stats_.connect_errors;
  reachable_ = counts_.leased + counts_.idle + counts_.settling + counts_.draining > 0;
  Duration delay = kBackOffFirst * (1U << std::min(connect_failures_, 6U));
  delay = std::min(delay, kBackOffMost);
  ++connect_failures_;
  // Jitter of a quarter, so that several proxies do not knock together.
  std::uniform_int_distribution<Duration::rep> spread(0, delay.count() / 4);
  open_after_ = now + delay + Duration(spread(random_));
  look_again_at(*open_after_);
}

}  // namespace holdfast::core

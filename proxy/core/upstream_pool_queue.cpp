// Whom the pool turns away, its counting by state, and check(): the invariants in asserts.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "proxy/core/upstream_pool.h"

namespace holdfast::core {

namespace {
// Broken bookkeeping would mean a response to the wrong client: stop rather than go on, in every build.
void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "BUG: upstream pool: %s\n", what);
  std::abort();
}
}  // namespace

// By the limit in force, so that the order of arrival is the order of deadlines after a reload as well.
void UpstreamPool::set_queue_deadline(Waiter& waiter) {
  waiter.deadline_ = waiter.enqueued_ + config_.queue.timeout;
  look_again_at(waiter.deadline_);
}

void UpstreamPool::expire_waiters(Time now) {
  while (Waiter* oldest = queue_.oldest()) {
    if (oldest->deadline_ > now) return;
    reject(*oldest, RejectReason::queue_timeout);
  }
}

void UpstreamPool::reject(Waiter& waiter, RejectReason reason) {
  if (waiter.queued()) queue_.remove(waiter);
  ++(reason == RejectReason::queue_full ? stats_.queue_full : stats_.queue_timeout);
  actions_.push_back({.kind = PoolAction::Kind::reject, .waiter = &waiter, .reject_reason = reason});
}

Duration UpstreamPool::oldest_wait(Time now) const {
  const Waiter* oldest = queue_.oldest();
  return oldest == nullptr ? Duration::zero() : now - oldest->enqueued_;
}

void UpstreamPool::take_actions(std::vector<PoolAction>& out) {
  out.clear();
  out.swap(actions_);
}

UpstreamPool::Connection* UpstreamPool::find(ConnectionId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

std::optional<ConnectionState> UpstreamPool::state(ConnectionId id) const {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return std::nullopt;
  return found->second.state;
}

std::uint32_t& UpstreamPool::count_of(ConnectionState state) {
  switch (state) {
    case ConnectionState::connecting: return counts_.connecting;
    case ConnectionState::idle: return counts_.idle;
    case ConnectionState::leased: return counts_.leased;
    case ConnectionState::settling: return counts_.settling;
    case ConnectionState::draining: return counts_.draining;
    case ConnectionState::closing: return counts_.closing;
  }
  std::abort();
}

// The only place where a connection changes its state. Leaving `idle` takes it off the stack.
void UpstreamPool::move(ConnectionId id, Connection& connection, ConnectionState to, Time now) {
  if (connection.state == ConnectionState::idle && to != ConnectionState::idle) std::erase(idle_, id);
  --count_of(connection.state);
  connection.state = to;
  connection.since = now;
  ++count_of(to);
}

void UpstreamPool::forget(ConnectionId id) {
  const auto found = connections_.find(id);
  --count_of(found->second.state);
  connections_.erase(found);
  ceiling_ = std::max(config_.max_connections, std::min(ceiling_, counts_.total()));
}

void UpstreamPool::check() const {
  PoolCounts seen;
  for (const auto& [id, connection] : connections_) {
    switch (connection.state) {
      case ConnectionState::connecting: ++seen.connecting; break;
      case ConnectionState::idle:
        ++seen.idle;
        require(std::count(idle_.begin(), idle_.end(), id) == 1, "an idle connection is on the stack once");
        require(connection.awaiting == Awaiting::nothing, "an idle connection awaits nothing");
        require(connection.proven || barrier_support_ == BarrierSupport::no ||
                    config_.settle == config::Settle::never,
                "an idle connection is proven quiet");
        break;
      case ConnectionState::leased: ++seen.leased; break;
      case ConnectionState::settling:
        ++seen.settling;
        require(connection.awaiting != Awaiting::nothing && connection.deadline.has_value(),
                "settling ends some time");
        break;
      case ConnectionState::draining:
        ++seen.draining;
        require(connection.deadline.has_value(), "draining ends some time");
        break;
      case ConnectionState::closing: ++seen.closing; break;
    }
  }
  require(seen.connecting == counts_.connecting && seen.idle == counts_.idle &&
              seen.leased == counts_.leased && seen.settling == counts_.settling &&
              seen.draining == counts_.draining && seen.closing == counts_.closing,
          "counts match the connections");
  require(counts_.total() == connections_.size() && counts_.total() <= ceiling_, "the cap holds");
  require(idle_.size() == counts_.idle, "the stack holds the idle ones only");
  require(std::is_sorted(idle_.begin(), idle_.end(),
                         [this](ConnectionId a, ConnectionId b) {
                           return connections_.at(a).idle_until < connections_.at(b).idle_until;
                         }),
          "the stack is in order of last use");
  const char* const queue_fault = queue_.broken();
  require(queue_fault == nullptr, queue_fault);
  require(paused_ || queue_.empty() || counts_.idle == 0, "nobody waits while a connection is idle");
}

}  // namespace holdfast::core

// The pool's queue: who comes, is served, is turned away, leaves; and check(). The life of a connection is in
// upstream_pool_life.cpp, opening in upstream_pool_open.cpp, what time does in upstream_pool_time.cpp, what
// the operator does in upstream_pool_operator.cpp.
#include "proxy/core/upstream_pool.h"
#include "config/pool.h"

#include <algorithm>

namespace holdfast::core {

UpstreamPool::UpstreamPool(const config::Pool& config, std::uint64_t seed) : config_(config), queue_(seed) {
  members_.emplace_back(config, seed);
}

UpstreamPool::~UpstreamPool() = default;

Time UpstreamPool::deadline(const Ticket& ticket) const {
  return ticket.arrived + config_->queue.timeout;
}

void UpstreamPool::start(Time now) {
  for (PoolMember& each : members_) each.probe_wanted = true;
  open_for_waiters(now);
}

UpstreamPool::Found UpstreamPool::find(ConnectionId id) {
  for (PoolMember& each : members_) {
    if (Connection* connection = each.connections.find(id)) return {&each, connection};
  }
  return {};
}

ConnectionState UpstreamPool::state(ConnectionId id) const {
  for (const PoolMember& each : members_) {
    if (const Connection* connection = each.connections.find(id)) return connection->state;
  }
  return ConnectionState::gone;
}

void UpstreamPool::take_actions(std::vector<PoolAction>& out) {
  out.clear();
  out.swap(actions_);
}

Duration UpstreamPool::oldest_wait(Time now) const {
  const Ticket* const oldest = queue_.oldest();
  return oldest == nullptr ? Duration::zero() : now - oldest->arrived;
}

// ----------------------------------------------------------------------------------------------------------
// coming and waiting

Ticket UpstreamPool::enqueue(WaiterId id, bool repeatable, AddressKey address, Time now) {
  const Ticket ticket = queue_.issue(id, repeatable, address, now);
  if (!paused() && queue_.empty()) {
    if (PoolMember* const free = with_idle()) {
      lease(*free, *free->connections.idle().back(), ticket, now);
      return ticket;
    }
  }
  look_again_at(deadline(ticket));
  queue_.add(ticket, WaitQueue::Entry::first_time);
  serve_waiters(now);
  if (queue_.size() > config_->queue.size + places_soon() && queue_.contains(id)) {
    const WaiterId goes = queue_.one_too_many(id);
    queue_.remove(goes);
    reject(goes, RejectReason::queue_full);
  }
  return ticket;
}

// The queue proper is what cannot be served at once nor soon: one place in it for each connection on its way,
// or kept back only until the first has shown the application's ways.
std::size_t UpstreamPool::places_soon() const {
  std::size_t soon = 0;
  for (const PoolMember& each : members_) {
    const PoolCounts& counts = each.connections.counts();
    soon += counts.connecting + counts.settling;
    if (each.application.barriers() == Application::Barriers::unknown && !each.back_off.away())
      soon += each.connections.ceiling() - counts.total();
  }
  return soon;
}

void UpstreamPool::enqueue_again(Ticket ticket, Time now) {
  ticket.repeatable = false;
  if (now >= deadline(ticket)) {
    reject(ticket.id, RejectReason::queue_timeout);
    return;
  }
  look_again_at(deadline(ticket));
  queue_.add(ticket, WaitQueue::Entry::again);
  serve_waiters(now);
}

void UpstreamPool::enqueue_later(Ticket ticket, Time now) {
  ticket.repeatable = false;
  BackOff& back_off = members_.front().back_off;
  back_off.park(ticket, now);
  look_again_at(*back_off.next_due());
}

std::vector<Ticket> UpstreamPool::take_waiters() {
  std::vector<Ticket> all;
  for (PoolMember& each : members_) {
    const std::vector<Ticket> parked = each.back_off.take_parked();
    all.insert(all.end(), parked.begin(), parked.end());
  }
  const std::vector<Ticket> queued = queue_.take_all();
  all.insert(all.end(), queued.begin(), queued.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const Ticket& a, const Ticket& b) { return a.arrived < b.arrived; });
  return all;
}

Ticket UpstreamPool::adopt(WaiterId id, const Ticket& theirs, Time now) {
  const Ticket ticket = queue_.issue(id, theirs.repeatable, theirs.address, theirs.arrived);
  look_again_at(deadline(ticket));
  queue_.add(ticket, WaitQueue::Entry::first_time);
  serve_waiters(now);
  return ticket;
}

// ----------------------------------------------------------------------------------------------------------
// served, turned away, gone

PoolMember* UpstreamPool::with_idle() {
  return choose_member(members_, [](const PoolMember& each) { return !each.connections.idle().empty(); });
}

void UpstreamPool::serve_waiters(Time now) {
  while (!paused() && !queue_.empty()) {
    PoolMember* const free = with_idle();
    if (free == nullptr) break;
    lease(*free, *free->connections.idle().back(), queue_.take_next(), now);
  }
  open_for_waiters(now);
}

void UpstreamPool::expire_waiters(Time now) {
  while (const Ticket* const oldest = queue_.oldest()) {
    if (deadline(*oldest) > now) return;
    const WaiterId id = oldest->id;
    queue_.remove(id);
    reject(id, RejectReason::queue_timeout);
  }
}

// Precondition: it does not wait any more.
void UpstreamPool::reject(WaiterId id, RejectReason reason) {
  ++(reason == RejectReason::queue_full ? stats_.queue_full : stats_.queue_timeout);
  actions_.push_back({.kind = PoolAction::Kind::reject, .waiter = id, .reject_reason = reason});
}

void UpstreamPool::cancel(WaiterId id, Time now) {
  if (queue_.remove(id)) {
    ++stats_.abandoned;
    return;
  }
  for (PoolMember& each : members_) {
    if (each.back_off.unpark(id)) return;
  }
  const auto pending = std::find_if(actions_.begin(), actions_.end(),
                                    [id](const PoolAction& action) { return action.waiter == id; });
  if (pending == actions_.end()) return;
  const PoolAction action = *pending;
  actions_.erase(pending);
  if (action.kind == PoolAction::Kind::lease) lease_unused(action.connection, now);
}

// ----------------------------------------------------------------------------------------------------------
// invariants

const char* UpstreamPool::check() const {
  std::size_t idle = 0;
  for (const PoolMember& each : members_) {
    if (const char* const fault = each.connections.check()) return fault;
    for (const Connection* connection : each.connections.idle()) {
      if (!connection->proven && !each.application.barriers_fail() &&
          config_->settle != config::Settle::never)
        return "an idle connection is proven quiet";
    }
    idle += each.connections.idle().size();
  }
  if (const char* const fault = queue_.check()) return fault;
  if (!paused() && !queue_.empty() && idle > 0) return "nobody waits while a connection is idle";
  return nullptr;
}

}  // namespace holdfast::core

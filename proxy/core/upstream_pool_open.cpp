// When the pool opens a connection, for whom, and when it gives one up that no worker takes.
#include <algorithm>

#include "config/pool.h"
#include "proxy/core/upstream_pool.h"

namespace holdfast::core {

using namespace std::chrono_literals;

namespace {
// A waiter expects a settling connection back within this time; later a new one is opened for it.
constexpr Duration kSettleGrace = 3ms;

// One at a time while the application's ways are unknown, or while it seems to be away.
bool one_by_one(const PoolMember& member) {
  return !member.application.known() || member.back_off.away();
}
}  // namespace

void UpstreamPool::open_for_waiters(Time now) {
  if (stopping() && queue_.empty()) {
    close_unneeded(now);
    return;
  }
  for (PoolMember& each : members_) {
    if (each.probe_wanted && each.connections.empty() && !each.back_off.until(now)) open_one(each, now);
  }
  if (paused() || queue_.empty()) return;
  open_wanted(now);
  for (PoolMember& each : members_) {
    const bool unproven = each.connections.counts().connecting > 0 && each.application.barriers_work();
    if (unproven && knock(each, now)) open_one(each, now);
  }
}

// Where none may be opened, as when all are busy, nobody is counted: that is the common case under load.
void UpstreamPool::open_wanted(Time now) {
  const auto where = [&] {
    return choose_member(members_, [&](const PoolMember& each) {
      return !(one_by_one(each) && each.connections.counts().connecting > 0) && may_open(each, now);
    });
  };
  PoolMember* next = where();
  if (next == nullptr) return;
  std::size_t soon = expected_soon(now);
  while (next != nullptr && (queue_.size() > soon || next->knocking.reopening_wanted())) {
    if (!next->knocking.reopening_wanted()) next->knocking.start_over();
    next->knocking.reopened();
    open_one(*next, now);
    ++soon;
    next = where();
  }
}

// Connections that are on their way, or will be back in a moment; looks again when that moment is over.
std::size_t UpstreamPool::expected_soon(Time now) {
  std::size_t soon = 0;
  for (const PoolMember& each : members_) {
    soon += each.connections.counts().connecting;
    if (each.connections.counts().settling == 0) continue;
    each.connections.for_each([&](const Connection& connection) {
      if (phase_of(connection.state) != ConnectionPhase::settling || now - connection.since >= kSettleGrace)
        return;
      ++soon;
      look_again_at(connection.since + kSettleGrace);
    });
  }
  return soon;
}

// False for now, and looks again when it may be true; or there is no room.
bool UpstreamPool::may_open(const PoolMember& member, Time now) {
  if (!member.connections.room()) return false;
  std::optional<Time> later = member.application.crowded_until(now);
  if (later && member.connections.counts().total() < member.application.workers_found()) later.reset();
  if (!later) later = member.back_off.until(now);
  if (later) look_again_at(*later);
  return !later;
}

// Wakes a master that sleeps although connections wait for it. True: by one connection more, which is to be
// opened now; where there is no room the youngest one is closed, and opened anew when its slot is free.
bool UpstreamPool::knock(PoolMember& member, Time now) {
  const std::optional<Time> due = member.knocking.due();
  if (!due) return false;
  Connection* const youngest = member.connections.youngest_unproven();
  if (youngest == nullptr) return false;
  if (now < *due) {
    look_again_at(*due);
    return false;
  }
  member.knocking.knock();
  // No more than one for nobody: what comes up is a worker less for others.
  if (member.connections.counts().connecting <= queue_.size() && may_open(member, now)) return true;
  member.knocking.want_reopening();
  begin_close({&member, youngest}, {CloseReason::no_worker}, now);
  return false;
}

void UpstreamPool::open_one(PoolMember& member, Time now) {
  member.probe_wanted = false;
  member.knocking.called(now);
  Connection& connection = member.connections.open(++last_id_, now);
  set_deadline(connection, now + config_->timeouts.connect);
  actions_.push_back({.kind = PoolAction::Kind::open, .connection = connection.id});
}

// No worker has taken it in all the time that a silent script is granted.
void UpstreamPool::give_up_proof(Found found, Time now) {
  PoolMember& member = *found.member;
  if (!member.application.barriers_work() || member.connections.held_by_workers() == 0) {
    back_off(member, now);
    begin_close(found, {CloseReason::probe_timeout}, now);
    return;
  }
  // The application is there, and has no more workers for us.
  member.application.no_worker(member.connections.held_by_workers(), now);
  member.knocking.reopened();
  begin_close(found, {CloseReason::no_worker}, now);
}

// Stopping, and nobody waits: what is on its way comes for nobody.
void UpstreamPool::close_unneeded(Time now) {
  for (PoolMember& each : members_) {
    if (each.connections.counts().connecting == 0) continue;
    each.connections.for_each([&](Connection& connection) {
      if (phase_of(connection.state) == ConnectionPhase::connecting)
        begin_close({&each, &connection}, {CloseReason::shutdown}, now);
    });
  }
}

void UpstreamPool::back_off(PoolMember& member, Time now) {
  ++stats_.connect_errors;
  member.application.set_reachable(member.connections.held_by_workers() > 0);
  member.back_off.failed(now);
  if (const auto until = member.back_off.until(now)) look_again_at(*until);
}

}  // namespace holdfast::core

// What the pool does when time passes: limits, pings, the queue's deadline, the end of a back-off.
#include <algorithm>

#include "config/pool.h"
#include "proxy/core/upstream_pool.h"

namespace holdfast::core {

namespace {
// For the answer of an idle worker: it comes at once; this is for a loaded machine.
constexpr Duration kPingLimit = std::chrono::seconds(5);
}  // namespace

void UpstreamPool::set_deadline(Connection& connection, Time when) {
  connection.deadline = when;
  look_again_at(when);
}

void UpstreamPool::set_idle_deadlines(Found found, Time now) {
  Connection& connection = *found.connection;
  std::optional<Time> first;
  const auto consider = [&first](Time time) { first = std::min(first.value_or(time), time); };
  if (config_->recycle.idle > Duration::zero()) consider(*connection.idle_until);
  if (config_->recycle.lifetime > Duration::zero()) consider(connection.opened + config_->recycle.lifetime);
  if (config_->ping > Duration::zero() && found.member->application.barriers_work())
    consider(now + config_->ping);
  connection.deadline = first;
  if (first) look_again_at(*first);
}

void UpstreamPool::on_time(Time now) {
  if (!next_deadline_ || now < *next_deadline_) return;
  next_deadline_.reset();
  for (PoolMember& each : members_) {
    while (const std::optional<Ticket> due = each.back_off.take_due(now)) enqueue_again(*due, now);
  }
  std::vector<ConnectionId> due;
  for_each_connection([&](const Connection& connection) {
    if (connection.deadline && *connection.deadline <= now) due.push_back(connection.id);
  });
  for (const ConnectionId id : due) {
    const Found found = find(id);
    if (found && found.connection->deadline && *found.connection->deadline <= now) on_deadline(found, now);
  }
  expire_waiters(now);
  serve_waiters(now);
  // What is left decides when to look again (open_for_waiters() has added its own).
  for_each_connection([this](const Connection& connection) {
    if (connection.deadline) look_again_at(*connection.deadline);
  });
  if (const Ticket* const oldest = queue_.oldest()) look_again_at(deadline(*oldest));
  for (const PoolMember& each : members_) {
    if (const auto until = each.back_off.until(now)) look_again_at(*until);
    if (const auto next = each.back_off.next_due()) look_again_at(*next);
  }
}

void UpstreamPool::on_deadline(Found found, Time now) {
  Connection& connection = *found.connection;
  switch (connection.state) {
    case ConnectionState::connecting:
      back_off(*found.member, now);
      begin_close(found, {CloseReason::connect_timeout}, now);
      return;
    case ConnectionState::proving:
      if (!found.member->application.known()) {
        found.member->application.no_answer();
        // Closed, it would lie in php's backlog all the same, and its successor behind it.
        const Time end = connection.since + std::max(config_->timeouts.connect, config_->timeouts.first_byte);
        if (now < end) {
          set_deadline(connection, end);
          return;
        }
      }
      give_up_proof(found, now);
      return;
    case ConnectionState::proving_again: give_up_proof(found, now); return;
    case ConnectionState::idle: {
      CloseReason reason = worn_out(connection, now);
      if (reason == CloseReason::none && idle_too_long(connection, now)) reason = CloseReason::idle;
      if (reason != CloseReason::none) {
        begin_close(found, {reason}, now);
      } else {
        begin_barrier(found, ConnectionState::pinging, kPingLimit, now);
      }
      return;
    }
    case ConnectionState::settling:
      begin_close(
          found,
          config_->keep_alive ? Loss{CloseReason::settle_timeout, true} : Loss{CloseReason::request_done},
          now);
      return;
    case ConnectionState::pinging: begin_close(found, {CloseReason::ping_timeout, true}, now); return;
    case ConnectionState::quiet: become_idle(found, now); return;
    case ConnectionState::draining: begin_close(found, {CloseReason::drain_limit, true}, now); return;
    case ConnectionState::ending: ask_whether_ended(found, now); return;
    case ConnectionState::held: found.member->connections.forget(connection); return;
    case ConnectionState::leased:
    case ConnectionState::closing:
    case ConnectionState::closing_held:
    case ConnectionState::gone:
    case ConnectionState::count_: connection.deadline.reset(); return;
  }
}

}  // namespace holdfast::core

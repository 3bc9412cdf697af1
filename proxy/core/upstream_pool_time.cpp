// What the pool does when time passes (limits, pings, the queue's deadline) and when the operator says so.
#include <algorithm>

#include "proxy/core/upstream_pool.h"

namespace holdfast::core {

std::optional<Time> UpstreamPool::next_deadline() const {
  return next_deadline_;
}

void UpstreamPool::set_deadline(Connection& connection, Time when) {
  connection.deadline = when;
  look_again_at(when);
}

void UpstreamPool::set_idle_deadlines(Connection& connection, Time now) {
  connection.deadline.reset();
  if (config_.recycle.idle > Duration::zero()) set_deadline(connection, *connection.idle_until);
  if (config_.recycle.lifetime > Duration::zero()) {
    const Time end = connection.opened + config_.recycle.lifetime;
    set_deadline(connection, std::min(connection.deadline.value_or(end), end));
  }
  if (config_.ping > Duration::zero() && barrier_support_ == BarrierSupport::yes) {
    const Time ping = now + config_.ping;
    set_deadline(connection, std::min(connection.deadline.value_or(ping), ping));
  }
}

void UpstreamPool::on_time(Time now) {
  if (!next_deadline_ || now < *next_deadline_) return;
  next_deadline_.reset();
  std::vector<ConnectionId> due;
  for (const auto& [id, connection] : connections_) {
    if (connection.deadline && *connection.deadline <= now) due.push_back(id);
  }
  for (const ConnectionId id : due) {
    Connection* connection = find(id);
    if (connection != nullptr && connection->deadline && *connection->deadline <= now)
      on_deadline(id, *connection, now);
  }
  expire_waiters(now);
  if (open_after_ && now >= *open_after_) open_after_.reset();
  if (crowded_until_ && now >= *crowded_until_) crowded_until_.reset();
  serve_waiters(now);
  // What is left decides when to look again (open_for_waiters() has added its own).
  for (const auto& [id, connection] : connections_) {
    if (connection.deadline) look_again_at(*connection.deadline);
  }
  if (const Waiter* oldest = queue_.oldest()) look_again_at(oldest->deadline_);
  if (open_after_) look_again_at(*open_after_);
}

void UpstreamPool::on_deadline(ConnectionId id, Connection& connection, Time now) {
  switch (connection.state) {
    case ConnectionState::connecting:
      if (connection.awaiting == Awaiting::proof && barrier_support_ == BarrierSupport::unknown) {
        silent_ = true;
        // Closed, it would lie in php's backlog all the same, and its successor behind it.
        const Time end = connection.since + std::max(config_.timeouts.connect, config_.timeouts.first_byte);
        if (now < end) {
          set_deadline(connection, end);
          return;
        }
      }
      if (connection.awaiting != Awaiting::nothing) {
        give_up_proof(id, connection, now);
        return;
      }
      back_off(now);
      begin_close(id, connection, CloseReason::connect_timeout, false, now);
      return;
    case ConnectionState::idle: {
      CloseReason reason = CloseReason::none;
      if (worn_out(connection, now, reason) ||
          (config_.recycle.idle > Duration::zero() && now >= *connection.idle_until)) {
        begin_close(id, connection, reason == CloseReason::none ? CloseReason::idle : reason, false, now);
        return;
      }
      begin_barrier(id, connection, ConnectionState::settling, Awaiting::ping, kPingLimit, now);
      return;
    }
    case ConnectionState::settling:
      if (connection.awaiting == Awaiting::quiet_time) {
        become_idle(id, connection, now);
      } else {
        const bool ping = connection.awaiting == Awaiting::ping;
        begin_close(id, connection, ping ? CloseReason::ping_timeout : CloseReason::settle_timeout, true,
                    now);
      }
      return;
    case ConnectionState::draining:
      if (connection.awaiting == Awaiting::held_slot) {
        forget(id);
      } else if (connection.awaiting == Awaiting::end_of_stream) {
        begin_close(id, connection, CloseReason::request_done, false, now);
      } else {
        begin_close(id, connection, CloseReason::drain_limit, true, now);
      }
      return;
    case ConnectionState::leased:
    case ConnectionState::closing: connection.deadline.reset(); return;
  }
}

// -----------------------------------------------------------------------------------------------------------
// operator

void UpstreamPool::resume(Time now) {
  paused_ = false;
  serve_waiters(now);
}

void UpstreamPool::recycle(Time now) {
  const std::vector<ConnectionId> idle = idle_;
  for (auto& [id, connection] : connections_) connection.retire = true;
  for (const ConnectionId id : idle) begin_close(id, *find(id), CloseReason::recycled, false, now);
}

void UpstreamPool::shut_down(Time now) {
  stopping_ = true;
  probe_wanted_ = false;
  // Those who wait are served all the same: nobody could say resume any more.
  resume(now);
  const std::vector<ConnectionId> idle = idle_;
  for (const ConnectionId id : idle) begin_close(id, *find(id), CloseReason::shutdown, false, now);
  if (queue_.empty()) close_unneeded(now);
}

bool UpstreamPool::takes(const config::Pool& config) const {
  return config.address == config_.address && config.application == config_.application &&
         config.keep_alive == config_.keep_alive;
}

void UpstreamPool::configure(const config::Pool& config, Time now) {
  const Duration longer = config.recycle.idle - config_.recycle.idle;
  config_ = config;
  ceiling_ = std::max(config_.max_connections, counts_.total());
  for (auto& [id, connection] : connections_) {
    if (connection.idle_until) *connection.idle_until += longer;
  }
  for (Waiter* waiter = queue_.oldest(); waiter != nullptr; waiter = WaiterQueue::after(*waiter))
    set_queue_deadline(*waiter);
  retire_surplus(now);
  const std::vector<ConnectionId> idle = idle_;
  for (const ConnectionId id : idle) {
    Connection& connection = *find(id);
    CloseReason reason = CloseReason::none;
    if (worn_out(connection, now, reason)) {
      begin_close(id, connection, reason, false, now);
    } else if (!connection.proven && config_.settle != config::Settle::never &&
               barrier_support_ == BarrierSupport::yes) {
      // settle: never has not asked whether its script has ended.
      begin_barrier(id, connection, ConnectionState::settling, Awaiting::settle, kRunOnMost, now);
    } else {
      set_idle_deadlines(connection, now);
    }
  }
  serve_waiters(now);
}

// Idle ones first, the longest unused before others; those that will go anyway count.
void UpstreamPool::retire_surplus(Time now) {
  std::uint32_t surplus = counts_.total() - std::min(counts_.total(), config_.max_connections);
  for (const auto& [id, connection] : connections_) {
    if (surplus > 0 && (connection.state == ConnectionState::closing || connection.retire)) --surplus;
  }
  const std::vector<ConnectionId> idle = idle_;
  for (const ConnectionId id : idle) {
    if (surplus == 0) return;
    if (find(id)->retire) continue;
    begin_close(id, *find(id), CloseReason::recycled, false, now);
    --surplus;
  }
  for (auto& [id, connection] : connections_) {
    if (surplus == 0) return;
    if (connection.state == ConnectionState::closing || connection.retire) continue;
    connection.retire = true;
    --surplus;
  }
}

}  // namespace holdfast::core

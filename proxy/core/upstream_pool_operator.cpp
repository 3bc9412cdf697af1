// What the operator tells a pool: pause, resume, recycle, other limits, stop.
#include <algorithm>

#include "config/pool.h"
#include "proxy/core/upstream_pool.h"

namespace holdfast::core {

void UpstreamPool::pause() {
  if (mode_ == Mode::serving) mode_ = Mode::paused;
}

void UpstreamPool::resume(Time now) {
  if (mode_ == Mode::paused) mode_ = Mode::serving;
  serve_waiters(now);
}

void UpstreamPool::serve_the_last(Time now) {
  if (mode_ != Mode::stopping) mode_ = Mode::serving_last;
  serve_waiters(now);
}

void UpstreamPool::recycle(Time now) {
  for (PoolMember& each : members_) {
    each.connections.for_each([](Connection& connection) { connection.retire = true; });
    const std::vector<Connection*> idle = each.connections.idle();
    for (Connection* connection : idle) begin_close({&each, connection}, {CloseReason::recycled}, now);
  }
}

void UpstreamPool::shut_down(Time now) {
  // Those who wait are served all the same: nobody could say resume any more.
  mode_ = Mode::stopping;
  for (PoolMember& each : members_) each.probe_wanted = false;
  serve_waiters(now);
  for (PoolMember& each : members_) {
    const std::vector<Connection*> idle = each.connections.idle();
    for (Connection* connection : idle) begin_close({&each, connection}, {CloseReason::shutdown}, now);
  }
  if (queue_.empty()) close_unneeded(now);
}

bool UpstreamPool::takes(const config::Pool& config) const {
  return config.address == config_->address && config.application == config_->application &&
         config.keep_alive == config_->keep_alive;
}

void UpstreamPool::configure(const config::Pool& config, Time now) {
  const Duration longer = config.recycle.idle - config_->recycle.idle;
  *config_ = config;
  for (PoolMember& each : members_) {
    each.connections.set_most(config_->max_connections);
    each.connections.for_each([longer](Connection& connection) {
      if (connection.idle_until) *connection.idle_until += longer;
    });
  }
  if (const Ticket* const oldest = queue_.oldest()) look_again_at(deadline(*oldest));
  for (PoolMember& each : members_) {
    retire_surplus(each, now);
    reconsider_idle(each, now);
  }
  serve_waiters(now);
}

void UpstreamPool::reconsider_idle(PoolMember& member, Time now) {
  const std::vector<Connection*> idle = member.connections.idle();
  for (Connection* connection : idle) {
    const Found found{&member, connection};
    if (const CloseReason reason = worn_out(*connection, now); reason != CloseReason::none) {
      begin_close(found, {reason}, now);
    } else if (!connection->proven && config_->settle != config::Settle::never &&
               member.application.barriers_work()) {
      // settle: never has not asked whether its script has ended.
      begin_barrier(found, ConnectionState::settling, kRunOnMost, now);
    } else {
      set_idle_deadlines(found, now);
    }
  }
}

// Idle ones first, the longest unused before others; those that will go anyway count.
void UpstreamPool::retire_surplus(PoolMember& member, Time now) {
  const auto goes = [](const Connection& connection) {
    return connection.retire || phase_of(connection.state) == ConnectionPhase::closing;
  };
  const std::uint32_t total = member.connections.counts().total();
  std::uint32_t surplus = total - std::min(total, member.connections.most());
  if (surplus == 0) return;
  member.connections.for_each([&](const Connection& connection) {
    if (surplus > 0 && goes(connection)) --surplus;
  });
  const std::vector<Connection*> idle = member.connections.idle();
  for (Connection* connection : idle) {
    if (surplus == 0) return;
    if (connection->retire) continue;
    begin_close({&member, connection}, {CloseReason::recycled}, now);
    --surplus;
  }
  member.connections.for_each([&](Connection& connection) {
    if (surplus == 0 || goes(connection)) return;
    connection.retire = true;
    --surplus;
  });
}

}  // namespace holdfast::core

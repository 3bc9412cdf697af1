// Decisions of the pool: leasing, opening, proving, closing. The queue's links and the counting are in
// upstream_pool_queue.cpp, what time and the operator do in upstream_pool_time.cpp.
#include "proxy/core/upstream_pool.h"

#include <algorithm>
#include <cassert>

namespace holdfast::core {

using namespace std::chrono_literals;

namespace {
// A barrier that takes longer than this shows a script that runs on after END_REQUEST.
constexpr Duration kRunOnDelay = 10ms;
// How long such a sight keeps requests from skipping the barrier.
constexpr Duration kRunOnMemory = 60s;
// Prompt barriers in a row before a repeatable request may skip one, and skips in a row before one is made
// again.
constexpr std::uint32_t kPromptBarriersToTrust = 16;
constexpr std::uint32_t kHandoversInRow = 15;
// A waiter expects a settling connection back within this time; later a new one is opened for it.
constexpr Duration kSettleGrace = 3ms;
// Work after fastcgi_finish_request() may be long, and closing would break it off: only a lost worker is
// meant here.
constexpr Duration kSettleLimit = 10min;
// Without a barrier (old php, other applications): time for an EOF or stray bytes to show before reuse.
constexpr Duration kQuietTime = 5ms;
// keep_alive: false: php closes first; this is for one that does not.
constexpr Duration kEndOfStreamLimit = 1s;
constexpr Duration kBackOffFirst = 10ms;
constexpr Duration kBackOffMost = 500ms;
}  // namespace

std::string_view connection_state_name(ConnectionState state) {
  switch (state) {
    case ConnectionState::connecting: return "connecting";
    case ConnectionState::idle: return "idle";
    case ConnectionState::leased: return "leased";
    case ConnectionState::settling: return "settling";
    case ConnectionState::draining: return "draining";
    case ConnectionState::closing: return "closing";
  }
  return "";
}

UpstreamPool::UpstreamPool(const config::Pool& config, std::uint64_t seed)
    : config_(config), random_(static_cast<std::minstd_rand::result_type>(seed)) {
  // Only php-fpm is ever asked unbidden: libfcgi and uWSGI never answer GET_VALUES. One request a connection
  // needs none.
  if (config_.application != config::Application::php_fpm || !config_.keep_alive)
    barrier_support_ = BarrierSupport::no;
}

void UpstreamPool::start(Time now) {
  probe_wanted_ = true;
  open_for_waiters(now);
}

// ----------------------------------------------------------------------------------------------------------
// exchanges

void UpstreamPool::enqueue(Waiter& waiter, bool repeatable, Time now) {
  assert(!waiter.queued_);
  waiter.enqueued_ = now;
  waiter.deadline_ = now + config_.queue.timeout;
  waiter.repeatable_ = repeatable;
  link_back(waiter);
  serve_waiters(now);
  // The queue proper is what cannot be served at once nor soon: one place in it for each connection on its
  // way.
  if (waiter.queued_ && waiting_ > config_.queue.size + counts_.connecting + counts_.settling) {
    unlink(waiter);
    ++stats_.queue_full;
    actions_.push_back(
        {.kind = PoolAction::Kind::reject, .waiter = &waiter, .reject_reason = RejectReason::queue_full});
  }
}

void UpstreamPool::enqueue_again(Waiter& waiter, Time now) {
  assert(!waiter.queued_);
  if (now >= waiter.deadline_) {
    ++stats_.queue_timeout;
    actions_.push_back(
        {.kind = PoolAction::Kind::reject, .waiter = &waiter, .reject_reason = RejectReason::queue_timeout});
    return;
  }
  // Once bitten: a second lease without proof could fail the same way, and a request is repeated only once.
  waiter.repeatable_ = false;
  link_front(waiter);
  serve_waiters(now);
}

void UpstreamPool::cancel(Waiter& waiter, Time now) {
  if (waiter.queued_) {
    unlink(waiter);
    ++stats_.abandoned;
    return;
  }
  // Decided upon in this very turn, and not carried out yet: the decision is taken back.
  const auto of_waiter = [&waiter](const PoolAction& action) { return action.waiter == &waiter; };
  const auto found = std::find_if(actions_.begin(), actions_.end(), of_waiter);
  if (found == actions_.end()) return;
  const PoolAction action = *found;
  actions_.erase(found);
  if (action.kind == PoolAction::Kind::lease) lease_unused(action.connection, now);
}

void UpstreamPool::serve_waiters(Time now) {
  if (!paused_) {
    while (first_waiter_ != nullptr && !idle_.empty()) {
      const ConnectionId id = idle_.back();
      lease(id, *find(id), now);
    }
  }
  open_for_waiters(now);
}

void UpstreamPool::lease(ConnectionId id, Connection& connection, Time now) {
  Waiter& waiter = *first_waiter_;
  unlink(waiter);
  const bool reused = connection.requests > 0;
  ++connection.requests;
  ++stats_.leases;
  if (reused) ++stats_.reused;
  actions_.push_back({.kind = PoolAction::Kind::lease,
                      .connection = id,
                      .waiter = &waiter,
                      .peek = reused && (!waiter.repeatable_ || barrier_support_ == BarrierSupport::no),
                      .reused = reused});
  connection.proven = false;
  connection.awaiting = Awaiting::nothing;
  connection.deadline.reset();
  move(id, connection, ConnectionState::leased, now);
}

void UpstreamPool::open_for_waiters(Time now) {
  const std::uint32_t most = config_.max_connections;
  if (stopping_ && first_waiter_ == nullptr) return;
  if (probe_wanted_ && connections_.empty() && (!open_after_ || now >= *open_after_)) open_one(now);
  if (paused_ || first_waiter_ == nullptr || counts_.total() >= most) return;
  if (open_after_ && now < *open_after_) {
    next_deadline_ = std::min(next_deadline_.value_or(*open_after_), *open_after_);
    return;
  }
  std::size_t soon = counts_.connecting;
  if (counts_.settling > 0) {
    for (auto& [id, connection] : connections_) {
      if (connection.state != ConnectionState::settling || now - connection.since >= kSettleGrace) continue;
      ++soon;
      const Time again = connection.since + kSettleGrace;
      next_deadline_ = std::min(next_deadline_.value_or(again), again);
    }
  }
  // One at a time while the application's ways are unknown, or while it seems to be away.
  const bool one_by_one = barrier_support_ == BarrierSupport::unknown || connect_failures_ > 0;
  while (waiting_ > soon && counts_.total() < most && !(one_by_one && counts_.connecting > 0)) {
    open_one(now);
    ++soon;
  }
}

void UpstreamPool::open_one(Time now) {
  probe_wanted_ = false;
  const ConnectionId id = ++last_id_;
  Connection& connection = connections_[id];
  connection.opened = connection.since = now;
  ++counts_.connecting;
  set_deadline(connection, now + config_.timeouts.connect);
  actions_.push_back({.kind = PoolAction::Kind::open, .connection = id});
}

// --------------------------------------------------------------------------------------------------------
// connections

void UpstreamPool::connected(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::connecting) return;
  ++stats_.opened;
  connection->since = now;
  connection->idle_until = now + config_.recycle.idle;
  if (barrier_support_ == BarrierSupport::unknown) {
    begin_barrier(id, *connection, ConnectionState::connecting, Awaiting::proof, config_.timeouts.connect,
                  now);
  } else if (barrier_support_ == BarrierSupport::yes && ghosts_ > 0) {
    begin_barrier(id, *connection, ConnectionState::connecting, Awaiting::proof, config_.timeouts.first_byte,
                  now);
  } else {
    application_is_there();
    become_idle(id, *connection, now);
  }
}

void UpstreamPool::connect_failed(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::connecting) return;
  back_off(now);
  begin_close(id, *connection, CloseReason::connect_failed, false, now);
}

void UpstreamPool::begin_barrier(ConnectionId id, Connection& connection, ConnectionState state,
                                 Awaiting awaiting, Duration limit, Time now) {
  move(id, connection, state, now);
  connection.awaiting = awaiting;
  set_deadline(connection, now + limit);
  ++stats_.barriers;
  actions_.push_back({.kind = PoolAction::Kind::barrier, .connection = id});
}

void UpstreamPool::barrier_answered(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  const bool connecting = connection->state == ConnectionState::connecting;
  if (!connecting && connection->state != ConnectionState::settling) return;
  if (connecting && barrier_support_ == BarrierSupport::unknown && connection->awaiting == Awaiting::proof) {
    // One answer is not enough: php before 8.2.13 answers, then closes.
    begin_barrier(id, *connection, ConnectionState::connecting, Awaiting::second_proof,
                  config_.timeouts.connect, now);
    return;
  }
  if (connecting) {
    barrier_support_ = BarrierSupport::yes;
    silent_probes_ = 0;
    application_is_there();
    if (ghosts_ > 0) --ghosts_;
  } else if (connection->awaiting == Awaiting::settle) {
    note_barrier_delay(now - connection->since, now);
  }
  connection->proven = true;
  become_idle(id, *connection, now);
}

void UpstreamPool::become_idle(ConnectionId id, Connection& connection, Time now) {
  CloseReason reason = CloseReason::none;
  const bool of_use = (!stopping_ && config_.keep_alive) || first_waiter_ != nullptr;
  if (worn_out(connection, now, reason) || !of_use) {
    if (reason == CloseReason::none) reason = stopping_ ? CloseReason::shutdown : CloseReason::request_done;
    begin_close(id, connection, reason, false, now);
    return;
  }
  move(id, connection, ConnectionState::idle, now);
  connection.awaiting = Awaiting::nothing;
  connection.deadline.reset();
  idle_.push_back(id);
  if (config_.recycle.idle > Duration::zero()) set_deadline(connection, *connection.idle_until);
  if (config_.recycle.lifetime > Duration::zero()) {
    const Time end = connection.opened + config_.recycle.lifetime;
    set_deadline(connection, std::min(connection.deadline.value_or(end), end));
  }
  if (config_.ping > Duration::zero() && barrier_support_ == BarrierSupport::yes) {
    const Time ping = now + config_.ping;
    set_deadline(connection, std::min(connection.deadline.value_or(ping), ping));
  }
  serve_waiters(now);
}

void UpstreamPool::lease_refused(ConnectionId id, Waiter& waiter, Time now) {
  Connection* connection = find(id);
  if (connection != nullptr && connection->state == ConnectionState::leased) {
    begin_close(id, *connection, CloseReason::stale, false, now);
  }
  enqueue_again(waiter, now);
}

void UpstreamPool::lease_unused(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::leased) return;
  --connection->requests;
  --stats_.leases;
  ++stats_.abandoned;
  if (connection->requests == 0) {
    become_idle(id, *connection, now);
  } else {
    --stats_.reused;
    released(id, now);  // handed over perhaps without a barrier: prove it now
  }
}

bool UpstreamPool::worn_out(const Connection& connection, Time now, CloseReason& reason) const {
  if (connection.retire) {
    reason = CloseReason::recycled;
  } else if (config_.recycle.requests > 0 && connection.requests >= config_.recycle.requests) {
    reason = CloseReason::request_limit;
  } else if (config_.recycle.lifetime > Duration::zero() &&
             now - connection.opened >= config_.recycle.lifetime) {
    reason = CloseReason::lifetime;
  }
  return reason != CloseReason::none;
}

bool UpstreamPool::may_hand_over(Time now) {
  if (first_waiter_ == nullptr || paused_) return false;
  if (config_.settle == config::Settle::never) return true;
  if (config_.settle == config::Settle::always || !first_waiter_->repeatable_) return false;
  if (run_on_until_ && now < *run_on_until_) return false;
  if (barrier_support_ == BarrierSupport::no) return true;
  if (prompt_barriers_ < kPromptBarriersToTrust) return false;
  if (handovers_in_row_ >= kHandoversInRow) {
    handovers_in_row_ = 0;
    return false;
  }
  ++handovers_in_row_;
  return true;
}

void UpstreamPool::released(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (connection->state != ConnectionState::leased && connection->state != ConnectionState::draining) return;
  connection->idle_until = now + config_.recycle.idle;
  CloseReason reason = CloseReason::none;
  if (!config_.keep_alive) {
    // php shuts its side after END_REQUEST; waiting for that leaves TIME_WAIT with it, as without a pooler.
    move(id, *connection, ConnectionState::draining, now);
    connection->awaiting = Awaiting::end_of_stream;
    set_deadline(*connection, now + kEndOfStreamLimit);
  } else if (worn_out(*connection, now, reason)) {
    begin_close(id, *connection, reason, false, now);
  } else if (may_hand_over(now)) {
    ++stats_.handed_over;
    lease(id, *connection, now);
  } else if (config_.settle == config::Settle::never) {
    become_idle(id, *connection, now);
  } else if (barrier_support_ == BarrierSupport::yes) {
    begin_barrier(id, *connection, ConnectionState::settling, Awaiting::settle, kSettleLimit, now);
  } else {
    move(id, *connection, ConnectionState::settling, now);
    connection->awaiting = Awaiting::quiet_time;
    set_deadline(*connection, now + kQuietTime);
  }
}

void UpstreamPool::abandoned(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::leased) return;
  if (config_.client_abort == config::ClientAbort::close) {
    begin_close(id, *connection, CloseReason::client_abort, true, now);
    return;
  }
  move(id, *connection, ConnectionState::draining, now);
  connection->awaiting = Awaiting::nothing;
  set_deadline(*connection, now + config_.timeouts.first_byte);
}

void UpstreamPool::lost(ConnectionId id, CloseReason reason, bool script_may_run, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state == ConnectionState::closing) return;
  if (connection->awaiting == Awaiting::held_slot) return;
  if (connection->state == ConnectionState::connecting && connection->awaiting == Awaiting::second_proof) {
    barrier_support_ = BarrierSupport::no;
    reason = CloseReason::no_get_values;
  } else if (connection->state == ConnectionState::connecting) {
    back_off(now);
  } else if (connection->awaiting == Awaiting::end_of_stream) {
    reason = CloseReason::request_done;
    script_may_run = false;
  }
  const bool unexpected = reason == CloseReason::peer_closed || reason == CloseReason::reset ||
                          reason == CloseReason::no_get_values;
  begin_close(id, *connection, reason, script_may_run, now);
  // The application may be restarting: look again, so that readiness is true and the next request need not
  // wait.
  if (unexpected && counts_.total() == counts_.closing && !stopping_) probe_wanted_ = true;
}

void UpstreamPool::begin_close(ConnectionId id, Connection& connection, CloseReason reason,
                               bool script_may_run, Time now) {
  move(id, connection, ConnectionState::closing, now);
  connection.awaiting = Awaiting::nothing;
  connection.deadline.reset();
  if (script_may_run && barrier_support_ == BarrierSupport::yes) ++ghosts_;
  if (script_may_run && barrier_support_ == BarrierSupport::no) connection.awaiting = Awaiting::held_slot;
  ++stats_.closed[static_cast<std::size_t>(reason)];
  actions_.push_back({.kind = PoolAction::Kind::close, .connection = id, .reason = reason});
}

void UpstreamPool::closed(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::closing) return;
  if (connection->awaiting == Awaiting::held_slot) {
    // Nobody tells us when the script ends: the slot stays counted for as long as a silent one is granted.
    move(id, *connection, ConnectionState::draining, now);
    set_deadline(*connection, now + config_.timeouts.first_byte);
    return;
  }
  --counts_.closing;
  connections_.erase(id);
  if (counts_.total() == 0 && !reachable_ && !stopping_) probe_wanted_ = true;
  serve_waiters(now);
}

void UpstreamPool::saw_run_on(Time now) {
  run_on_until_ = now + kRunOnMemory;
  prompt_barriers_ = 0;
}

void UpstreamPool::note_barrier_delay(Duration delay, Time now) {
  if (delay > kRunOnDelay) {
    saw_run_on(now);
  } else if (prompt_barriers_ < kPromptBarriersToTrust) {
    ++prompt_barriers_;
  }
}

void UpstreamPool::application_is_there() {
  connect_failures_ = 0;
  open_after_.reset();
  reachable_ = true;
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
  next_deadline_ = std::min(next_deadline_.value_or(*open_after_), *open_after_);
}

}  // namespace holdfast::core

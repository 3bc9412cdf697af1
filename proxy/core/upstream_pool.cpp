// Decisions of the pool: leasing, settling, closing. Opening is in upstream_pool_open.cpp, proofs and
// barriers in upstream_pool_proof.cpp, the queue's links and the counting in upstream_pool_queue.cpp, what
// time and the operator do in upstream_pool_time.cpp.
#include "proxy/core/upstream_pool.h"

#include <algorithm>
#include <cassert>

namespace holdfast::core {

using namespace std::chrono_literals;

namespace {
// Without a barrier (old php, other applications): time for an EOF or stray bytes to show before reuse.
constexpr Duration kQuietTime = 5ms;
// keep_alive: false: the application closes first; this is for one that does not. php-fpm does, as soon as
// its script has ended.
constexpr Duration kEndOfStreamLimit = 1s;
// The longest silence of a script whose client has left; a longer one is no answer that is about to end.
constexpr Duration kDrainMost = 10s;
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
    : config_(config),
      ceiling_(config.max_connections),
      queue_(seed),
      random_(static_cast<std::minstd_rand::result_type>(seed)) {
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

void UpstreamPool::enqueue(Waiter& waiter, bool repeatable, AddressKey address, Time now) {
  assert(!waiter.queued());
  waiter.enqueued_ = now;
  waiter.repeatable_ = repeatable;
  waiter.address_ = address;
  waiter.place_ = ++last_place_;
  set_queue_deadline(waiter);
  if (!paused_ && queue_.empty() && !idle_.empty()) {
    const ConnectionId id = idle_.back();
    lease(id, *find(id), waiter, now);
    return;
  }
  queue_.add(waiter, false);
  serve_waiters(now);
  // The queue proper is what cannot be served at once nor soon: one place in it for each connection on its
  // way, or kept back only until the first has shown the application's ways.
  std::size_t soon = counts_.connecting + counts_.settling;
  if (barrier_support_ == BarrierSupport::unknown && connect_failures_ == 0 && !silent_)
    soon += ceiling_ - counts_.total();
  if (waiter.queued() && queue_.size() > config_.queue.size + soon)
    reject(queue_.one_too_many(waiter), RejectReason::queue_full);
}

void UpstreamPool::enqueue_again(Waiter& waiter, Time now) {
  assert(!waiter.queued());
  waiter.repeatable_ = false;  // one failure is enough: only a proven connection from here on
  set_queue_deadline(waiter);
  if (now >= waiter.deadline_) {
    reject(waiter, RejectReason::queue_timeout);
    return;
  }
  queue_.add(waiter, true);
  serve_waiters(now);
}

std::vector<Waiter*> UpstreamPool::take_waiters() {
  std::vector<Waiter*> all;
  all.reserve(queue_.size());
  while (Waiter* waiter = queue_.oldest()) {
    queue_.remove(*waiter);
    all.push_back(waiter);
  }
  return all;
}

void UpstreamPool::adopt(Waiter& waiter, bool again, Time now) {
  assert(!waiter.queued());
  if (again) waiter.repeatable_ = false;
  waiter.place_ = ++last_place_;
  set_queue_deadline(waiter);
  queue_.add(waiter, false);
  serve_waiters(now);
}

void UpstreamPool::cancel(Waiter& waiter, Time now) {
  if (waiter.queued()) {
    queue_.remove(waiter);
    ++stats_.abandoned;
    return;
  }
  const auto pending = std::find_if(actions_.begin(), actions_.end(),
                                    [&](const PoolAction& action) { return action.waiter == &waiter; });
  if (pending == actions_.end()) return;
  const PoolAction action = *pending;
  actions_.erase(pending);
  if (action.kind == PoolAction::Kind::lease) lease_unused(action.connection, now);
}

void UpstreamPool::serve_waiters(Time now) {
  if (!paused_) {
    while (!queue_.empty() && !idle_.empty()) {
      const ConnectionId id = idle_.back();
      lease(id, *find(id), queue_.take_next(), now);
    }
  }
  open_for_waiters(now);
}

void UpstreamPool::lease(ConnectionId id, Connection& connection, Waiter& waiter, Time now) {
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

// --------------------------------------------------------------------------------------------------------
// connections

void UpstreamPool::connect_failed(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::connecting) return;
  back_off(now);
  begin_close(id, *connection, CloseReason::connect_failed, false, now);
}

void UpstreamPool::become_idle(ConnectionId id, Connection& connection, Time now) {
  CloseReason reason = CloseReason::none;
  const bool of_use = (!stopping_ && config_.keep_alive) || !queue_.empty();
  if (worn_out(connection, now, reason) || !of_use) {
    if (reason == CloseReason::none) reason = stopping_ ? CloseReason::shutdown : CloseReason::request_done;
    begin_close(id, connection, reason, false, now);
    open_for_waiters(now);
    return;
  }
  move(id, connection, ConnectionState::idle, now);
  connection.awaiting = Awaiting::nothing;
  // By its last use: one that was only pinged goes back to where it was, so that what is not needed ages.
  auto place = idle_.end();
  while (place != idle_.begin() && find(*(place - 1))->idle_until > connection.idle_until) --place;
  idle_.insert(place, id);
  set_idle_deadlines(connection, now);
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
    connection->proven = barrier_support_ == BarrierSupport::yes;  // nothing was written since
    become_idle(id, *connection, now);
  } else {
    --stats_.reused;
    settle(id, *connection, now);  // handed over perhaps without a barrier: prove it now
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

void UpstreamPool::released(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (connection->state != ConnectionState::leased && connection->state != ConnectionState::draining) return;
  if (connection->awaiting != Awaiting::nothing) return;  // a held slot, or released before
  refusals_ = 0;
  settle(id, *connection, now);
}

void UpstreamPool::settle(ConnectionId id, Connection& connection, Time now) {
  connection.idle_until = now + config_.recycle.idle;
  CloseReason reason = CloseReason::none;
  if (!config_.keep_alive) {
    // php shuts its side after END_REQUEST; waiting for that leaves TIME_WAIT with it, as without a pooler.
    move(id, connection, ConnectionState::draining, now);
    connection.awaiting = Awaiting::end_of_stream;
    const bool php = config_.application == config::Application::php_fpm;
    set_deadline(connection, now + (php ? kRunOnMost : kEndOfStreamLimit));
    return;
  }
  const bool goes = worn_out(connection, now, reason);
  if (!goes && may_hand_over(now)) {
    ++stats_.handed_over;
    lease(id, connection, queue_.take_next(), now);
  } else if (!goes && config_.settle == config::Settle::never) {
    become_idle(id, connection, now);
  } else if (barrier_support_ == BarrierSupport::yes) {
    // A worn-out one too: until its script has really ended, its slot is not free for another connection.
    begin_barrier(id, connection, ConnectionState::settling, Awaiting::settle, kRunOnMost, now);
  } else {
    move(id, connection, ConnectionState::settling, now);
    connection.awaiting = Awaiting::quiet_time;
    set_deadline(connection, now + kQuietTime);
  }
}

void UpstreamPool::abandoned(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::leased) return;
  if (config_.client_abort == config::ClientAbort::close) {
    begin_close(id, *connection, CloseReason::client_abort, true, now);
    return;
  }
  drain(id, now);
}

void UpstreamPool::drain(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::leased) return;
  move(id, *connection, ConnectionState::draining, now);
  connection->awaiting = Awaiting::nothing;
  // Those who came before this, or come now, must not be refused for a script that nobody waits for.
  const Duration limit = std::min<Duration>(kDrainMost, config_.queue.timeout / 2);
  set_deadline(*connection, now + std::min<Duration>(limit, config_.timeouts.first_byte));
}

void UpstreamPool::lost(ConnectionId id, CloseReason reason, bool script_may_run, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state == ConnectionState::closing) return;
  if (connection->awaiting == Awaiting::held_slot) return;
  const bool peer_ended = reason == CloseReason::peer_closed || reason == CloseReason::eof_in_request ||
                          reason == CloseReason::reset;
  // Those that came up together, as before a restart, are one.
  if (peer_ended && !connection->proven && connection->requests <= 1 && connection->opened > last_refusal_) {
    ++refusals_;
    last_refusal_ = now;
  }
  if (connection->awaiting == Awaiting::second_proof && peer_ended) {
    barrier_support_ = BarrierSupport::no;
    reason = CloseReason::no_get_values;
  } else if (connection->state == ConnectionState::connecting) {
    back_off(now);
  } else if (connection->awaiting == Awaiting::end_of_stream && peer_ended) {
    reason = CloseReason::request_done;
    script_may_run = false;
  }
  begin_close(id, *connection, reason, script_may_run, now);
  open_for_waiters(now);  // somebody may have counted on this one
}

// Does this end say that the application may be restarting, or gone?
bool UpstreamPool::is_alarming(const Connection& connection, CloseReason reason) const {
  // php-fpm closes a new connection that stays silent for 5 s (php-fpm.md 1.2): without a barrier to keep it,
  // looking again would occupy a worker for ever.
  if (reason == CloseReason::peer_closed) return connection.requests > 0 || connection.proven;
  return reason == CloseReason::reset || reason == CloseReason::eof_in_request ||
         reason == CloseReason::stale || reason == CloseReason::no_get_values ||
         reason == CloseReason::ping_timeout;
}

void UpstreamPool::begin_close(ConnectionId id, Connection& connection, CloseReason reason,
                               bool script_may_run, Time now) {
  move(id, connection, ConnectionState::closing, now);
  connection.awaiting = Awaiting::nothing;
  connection.deadline.reset();
  // Where new connections are proven first, a worker that is still busy is in nobody's way.
  if (script_may_run && barrier_support_ == BarrierSupport::no) connection.awaiting = Awaiting::held_slot;
  ++stats_.closed[static_cast<std::size_t>(reason)];
  actions_.push_back({.kind = PoolAction::Kind::close, .connection = id, .reason = reason});
  // The last one: look again, so that readiness is true and the next request need not wait.
  if (is_alarming(connection, reason) && counts_.total() == counts_.closing && !stopping_)
    probe_wanted_ = true;
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
  forget(id);
  if (counts_.total() == 0 && !reachable_ && !stopping_) probe_wanted_ = true;
  serve_waiters(now);
}

void UpstreamPool::application_is_there() {
  connect_failures_ = 0;
  open_after_.reset();
  reachable_ = true;
}

}  // namespace holdfast::core

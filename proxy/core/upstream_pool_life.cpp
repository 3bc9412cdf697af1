// The life of a connection, as the driver reports it: up, proven, leased, released, lost, closed.
#include <cassert>

#include "config/pool.h"
#include "proxy/core/upstream_pool.h"

namespace holdfast::core {

using namespace std::chrono_literals;

namespace {
// Without a barrier (old php, other applications): time for an EOF or stray bytes to show before reuse.
constexpr Duration kQuietTime = 5ms;
// keep_alive: false: the application closes first. php-fpm does, as soon as its script has ended.
constexpr Duration kEndOfStreamLimit = 1s;
// The longest silence of a script whose client has left; a longer one is no answer that is about to end.
constexpr Duration kDrainMost = 10s;

bool peer_ended(CloseReason reason) {
  return reason == CloseReason::peer_closed || reason == CloseReason::eof_in_request ||
         reason == CloseReason::reset;
}

// Does this end say that the application may be restarting, or gone?
bool is_alarming(const Connection& connection, CloseReason reason) {
  // php-fpm closes a new connection that stays silent for 5 s (php-fpm.md 1.2): without a barrier to keep it,
  // looking again would occupy a worker for ever.
  if (reason == CloseReason::peer_closed) return connection.requests > 0 || connection.proven;
  return reason == CloseReason::reset || reason == CloseReason::eof_in_request ||
         reason == CloseReason::stale || reason == CloseReason::no_get_values ||
         reason == CloseReason::ping_timeout;
}

void application_is_there(PoolMember& member) {
  member.back_off.succeeded();
  member.application.set_reachable(true);
}
}  // namespace

// ----------------------------------------------------------------------------------------------------------
// coming up

void UpstreamPool::connected(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found.is(ConnectionState::connecting)) return;
  ++stats_.opened;
  found.connection->idle_until = now + config_->recycle.idle;
  const Application& application = found.member->application;
  if (application.barriers_fail()) {
    application_is_there(*found.member);
    become_idle(found, now);
  } else if (application.barriers_work()) {
    begin_barrier(found, ConnectionState::proving, config_->timeouts.first_byte, now);
    found.member->knocking.called(now);
    open_for_waiters(now);  // who must wait may have to knock
  } else {
    begin_barrier(found, ConnectionState::proving, config_->timeouts.connect, now);
  }
}

void UpstreamPool::connect_failed(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found || phase_of(found.connection->state) != ConnectionPhase::connecting) return;
  back_off(*found.member, now);
  begin_close(found, {CloseReason::connect_failed}, now);
}

void UpstreamPool::begin_barrier(Found found, ConnectionState state, Duration limit, Time now) {
  found.member->connections.move(*found.connection, state, now);
  set_deadline(*found.connection, now + limit);
  ++stats_.barriers;
  actions_.push_back({.kind = PoolAction::Kind::barrier, .connection = found.connection->id});
}

void UpstreamPool::barrier_answered(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found) return;
  Connection& connection = *found.connection;
  Application& application = found.member->application;
  const ConnectionState state = connection.state;
  const bool is_new = state == ConnectionState::proving || state == ConnectionState::proving_again;
  if (!is_new && state != ConnectionState::settling && state != ConnectionState::pinging) return;
  application.served();
  if (is_new) {
    application.answered();
    if (state == ConnectionState::proving && !application.known()) {
      // One answer is not enough: php before 8.2.13 answers, then closes.
      begin_barrier(found, ConnectionState::proving_again, config_->timeouts.connect, now);
      return;
    }
    application_is_there(*found.member);
    if (application.barriers_fail()) {  // another one has shown it meanwhile
      become_idle(found, now);
      return;
    }
    application.kept_after_answer();
    application.worker_found();
    found.member->knocking.start_over();
  } else if (state == ConnectionState::settling) {
    if (!config_->keep_alive) application.left_open();
    const Duration took = now - connection.since;
    stats_.settle.observe(took);
    application.barrier_took(took, now);
  }
  connection.proven = true;
  become_idle(found, now);
}

void UpstreamPool::saw_odd_answer(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found || !found.member->application.answered_oddly()) return;
  // What runs on it goes on. One that has only been asked gives way to one that never will be.
  if (phase_of(found.connection->state) != ConnectionPhase::connecting) return;
  begin_close(found, {CloseReason::no_get_values}, now);
  open_for_waiters(now);
}

void UpstreamPool::saw_run_on(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found) return;
  if (phase_of(found.connection->state) == ConnectionPhase::connecting) {
    saw_odd_answer(id, now);  // nothing was begun that could run on
  } else {
    found.member->application.saw_run_on(now);
  }
}

// ----------------------------------------------------------------------------------------------------------
// leases

void UpstreamPool::lease(PoolMember& member, Connection& connection, const Ticket& ticket, Time now) {
  const bool reused = connection.requests > 0;
  ++connection.requests;
  ++stats_.leases;
  if (reused) ++stats_.reused;
  actions_.push_back({.kind = PoolAction::Kind::lease,
                      .connection = connection.id,
                      .waiter = ticket.id,
                      .peek = reused && (!ticket.repeatable || member.application.barriers_fail()),
                      .reused = reused,
                      .in_company = ticket.in_company,
                      .may_half_close = reused && !connection.proven &&
                                        config_->application == config::Application::php_fpm});
  connection.proven = false;
  connection.deadline.reset();
  member.connections.move(connection, ConnectionState::leased, now);
}

void UpstreamPool::lease_refused(ConnectionId id, const Ticket& ticket, Time now) {
  const Found found = find(id);
  if (found.is(ConnectionState::leased)) begin_close(found, {CloseReason::stale}, now);
  enqueue_again(ticket, now);
}

void UpstreamPool::lease_unused(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found.is(ConnectionState::leased)) return;
  Connection& connection = *found.connection;
  found.member->connections.free_slot(connection);
  --connection.requests;
  --stats_.leases;
  ++stats_.abandoned;
  if (connection.requests == 0) {
    connection.proven = found.member->application.barriers_work();  // nothing was written since
    become_idle(found, now);
  } else {
    --stats_.reused;
    settle(found, now);  // handed over perhaps without a barrier: prove it now
  }
}

void UpstreamPool::released(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found.is(ConnectionState::leased) && !found.is(ConnectionState::draining)) return;
  found.member->application.served();
  found.member->connections.free_slot(*found.connection);
  settle(found, now);
}

bool UpstreamPool::may_hand_over(PoolMember& member, Time now) {
  if (queue_.empty() || paused()) return false;
  if (config_->settle == config::Settle::never) return true;
  if (config_->settle == config::Settle::always || !queue_.next()->repeatable) return false;
  return member.application.may_skip_barrier(now);
}

void UpstreamPool::settle(Found found, Time now) {
  Connection& connection = *found.connection;
  connection.idle_until = now + config_->recycle.idle;
  if (!config_->keep_alive) {
    // php shuts its side after END_REQUEST; waiting for that leaves TIME_WAIT with it, as without a pooler.
    found.member->connections.move(connection, ConnectionState::ending, now);
    set_deadline(connection, now + kEndOfStreamLimit);
    return;
  }
  const bool stays = worn_out(connection, now) == CloseReason::none;
  if (stays && may_hand_over(*found.member, now)) {
    ++stats_.handed_over;
    lease(*found.member, connection, queue_.take_next(), now);
  } else if (stays && config_->settle == config::Settle::never) {
    become_idle(found, now);
  } else if (found.member->application.barriers_work()) {
    // A worn-out one too: until its script has really ended, its slot is not free for another connection.
    begin_barrier(found, ConnectionState::settling, kRunOnMost, now);
  } else {
    found.member->connections.move(connection, ConnectionState::quiet, now);
    set_deadline(connection, now + kQuietTime);
  }
}

// keep_alive: false, and it has not closed in time. A script of php-fpm that runs on does not answer; one that has left
// the connection open does, and php before 8.2.13 closes then.
void UpstreamPool::ask_whether_ended(Found found, Time now) {
  if (config_->application == config::Application::php_fpm) {
    begin_barrier(found, ConnectionState::settling, kRunOnMost - kEndOfStreamLimit, now);
  } else {
    found.member->application.left_open();
    begin_close(found, {CloseReason::request_done}, now);
  }
}

CloseReason UpstreamPool::worn_out(const Connection& connection, Time now) const {
  if (!config_->keep_alive && connection.requests > 0) return CloseReason::request_done;
  if (connection.retire) return CloseReason::recycled;
  if (config_->recycle.requests > 0 && connection.requests >= config_->recycle.requests)
    return CloseReason::request_limit;
  if (config_->recycle.lifetime > Duration::zero() && now - connection.opened >= config_->recycle.lifetime)
    return CloseReason::lifetime;
  return CloseReason::none;
}

void UpstreamPool::become_idle(Found found, Time now) {
  Connection& connection = *found.connection;
  CloseReason reason = worn_out(connection, now);
  const bool waited_for = !queue_.empty() && !paused();
  const bool of_use = (!stopping() && config_->keep_alive) || !queue_.empty();
  if (reason == CloseReason::none && !of_use)
    reason = stopping() ? CloseReason::shutdown : CloseReason::request_done;
  if (reason == CloseReason::none && !waited_for && idle_too_long(connection, now))
    reason = CloseReason::idle;  // a reload has shortened recycle.idle, or a ping took that long
  if (reason != CloseReason::none) {
    begin_close(found, {reason}, now);
    open_for_waiters(now);
    return;
  }
  found.member->connections.move(connection, ConnectionState::idle, now);
  serve_waiters(now);
  if (connection.state == ConnectionState::idle) set_idle_deadlines(found, now);
}

bool UpstreamPool::idle_too_long(const Connection& connection, Time now) const {
  return config_->recycle.idle > Duration::zero() && now >= *connection.idle_until;
}

void UpstreamPool::abandoned(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found.is(ConnectionState::leased)) return;
  if (config_->client_abort == config::ClientAbort::close) {
    begin_close(found, {CloseReason::client_abort, true}, now);
    return;
  }
  drain(id, now);
}

void UpstreamPool::drain(ConnectionId id, Time now) {
  const Found found = find(id);
  if (!found.is(ConnectionState::leased)) return;
  found.member->connections.move(*found.connection, ConnectionState::draining, now);
  // Those who came before this, or come now, must not be refused for a script that nobody waits for.
  const Duration limit = std::min<Duration>(kDrainMost, config_->queue.timeout / 2);
  set_deadline(*found.connection, now + std::min<Duration>(limit, config_->timeouts.first_byte));
}

// ----------------------------------------------------------------------------------------------------------
// the end

void UpstreamPool::lost(ConnectionId id, Loss loss, Time now) {
  const Found found = find(id);
  if (!found || phase_of(found.connection->state) == ConnectionPhase::closing ||
      found.is(ConnectionState::held))
    return;
  const Connection& connection = *found.connection;
  Application& application = found.member->application;
  if (loss.reason == CloseReason::reset || loss.reason == CloseReason::eof_in_request)
    found.member->back_off.broke(now);
  const bool ended = peer_ended(loss.reason);
  if (ended && !connection.proven && connection.requests <= 1)
    application.turned_away(connection.opened, now);
  if (found.is(ConnectionState::proving_again) && ended) {
    application.closed_after_answer();
    loss = {CloseReason::no_get_values};
  } else if (phase_of(connection.state) == ConnectionPhase::connecting) {
    back_off(*found.member, now);
  } else if ((found.is(ConnectionState::ending) || found.is(ConnectionState::settling)) && ended &&
             !config_->keep_alive) {
    loss = {CloseReason::request_done};
  }
  begin_close(found, loss, now);
  open_for_waiters(now);  // somebody may have counted on this one
}

void UpstreamPool::begin_close(Found found, Loss loss, Time now) {
  PoolMember& member = *found.member;
  // Where new connections are proven first, a worker that is still busy is in nobody's way.
  const bool hold = loss.script_may_run && member.application.barriers_fail();
  found.connection->deadline.reset();
  member.connections.move(*found.connection, hold ? ConnectionState::closing_held : ConnectionState::closing,
                          now);
  ++stats_.closed[static_cast<std::size_t>(loss.reason)];
  actions_.push_back(
      {.kind = PoolAction::Kind::close, .connection = found.connection->id, .reason = loss.reason});
  // The last one: look again, so that readiness is true and the next request need not wait.
  const PoolCounts& counts = member.connections.counts();
  if (is_alarming(*found.connection, loss.reason) && counts.total() == counts.closing && !stopping())
    member.probe_wanted = true;
}

void UpstreamPool::closed(ConnectionId id, Time now) {
  const Found found = find(id);
  if (found.is(ConnectionState::closing_held)) {
    // Nobody tells us when the script ends: the slot stays counted for as long as a silent one is granted.
    found.member->connections.move(*found.connection, ConnectionState::held, now);
    set_deadline(*found.connection, now + config_->timeouts.first_byte);
    return;
  }
  if (!found.is(ConnectionState::closing)) return;
  PoolMember& member = *found.member;
  member.connections.forget(*found.connection);
  if (member.connections.empty() && !member.application.reachable() && !stopping())
    member.probe_wanted = true;
  serve_waiters(now);
}

}  // namespace holdfast::core

// What the pool knows of the application and how: proving a new connection, the barrier and when it may be
// skipped.
#include "proxy/core/upstream_pool.h"

namespace holdfast::core {

using namespace std::chrono_literals;

namespace {
// A barrier that takes longer than this may show a script that runs on after END_REQUEST, or a machine that
// has too few processors: with four runnable processes for each, one in 2500 takes 10 to 25 ms, none more.
constexpr Duration kPromptDelay = 25ms;
// One that takes this long is no accident of the scheduler.
constexpr Duration kRunOnDelay = 250ms;
// Prompt barriers in a row that make a slow one before them an accident.
constexpr std::uint32_t kPromptBarriersToForgive = 64;
// How long such a sight keeps requests from skipping the barrier; or until so many prompt barriers in a row
// (each request makes one meanwhile) show that such scripts are rarer than one in some hundred.
constexpr Duration kRunOnMemory = 60s;
constexpr std::uint32_t kPromptBarriersToForget = 1000;
// Barriers skipped in a row before one is made again.
constexpr std::uint32_t kHandoversInRow = 15;
}  // namespace

void UpstreamPool::connected(ConnectionId id, Time now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->state != ConnectionState::connecting) return;
  if (connection->awaiting != Awaiting::nothing) return;
  ++stats_.opened;
  connection->since = now;
  connection->idle_until = now + config_.recycle.idle;
  if (barrier_support_ == BarrierSupport::unknown) {
    begin_barrier(id, *connection, ConnectionState::connecting, Awaiting::proof, config_.timeouts.connect,
                  now);
  } else if (barrier_support_ == BarrierSupport::yes) {
    begin_barrier(id, *connection, ConnectionState::connecting, Awaiting::proof, config_.timeouts.first_byte,
                  now);
    last_call_ = now;
    open_for_waiters(now);  // who must wait may have to knock
  } else {
    application_is_there();
    become_idle(id, *connection, now);
  }
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
  if (connection->awaiting == Awaiting::nothing || connection->awaiting == Awaiting::quiet_time) return;
  if (connecting) silent_ = false;
  refusals_ = 0;
  if (connecting && barrier_support_ == BarrierSupport::unknown && connection->awaiting == Awaiting::proof) {
    // One answer is not enough: php before 8.2.13 answers, then closes.
    begin_barrier(id, *connection, ConnectionState::connecting, Awaiting::second_proof,
                  config_.timeouts.connect, now);
    return;
  }
  if (connecting && barrier_support_ == BarrierSupport::no) {  // another one has shown it meanwhile
    application_is_there();
    become_idle(id, *connection, now);
    return;
  }
  if (connecting) {
    barrier_support_ = BarrierSupport::yes;
    application_is_there();
    // There are more workers than were known of, or one has become free.
    knocks_ = 0;
    crowded_until_.reset();
    crowded_for_ = {};
  } else if (connection->awaiting == Awaiting::settle) {
    note_barrier_delay(now - connection->since, now);
  }
  connection->proven = true;
  become_idle(id, *connection, now);
}

void UpstreamPool::saw_odd_answer(ConnectionId id, Time now) {
  if (barrier_support_ == BarrierSupport::no) return;
  barrier_support_ = BarrierSupport::no;
  answers_oddly_ = true;
  Connection* connection = find(id);
  // What runs on it goes on. One that has only been asked gives way to one that never will be.
  if (connection == nullptr || connection->state != ConnectionState::connecting) return;
  begin_close(id, *connection, CloseReason::no_get_values, false, now);
  open_for_waiters(now);
}

bool UpstreamPool::may_hand_over(Time now) {
  if (queue_.empty() || paused_) return false;
  if (config_.settle == config::Settle::never) return true;
  if (config_.settle == config::Settle::always || !queue_.next()->repeatable_) return false;
  if (scripts_run_on(now)) return false;
  if (barrier_support_ == BarrierSupport::no) return true;
  if (prompt_barriers_ < kPromptBarriersToTrust) return false;
  if (handovers_in_row_ >= kHandoversInRow) {
    handovers_in_row_ = 0;
    return false;
  }
  ++handovers_in_row_;
  return true;
}

void UpstreamPool::note_barrier_delay(Duration delay, Time now) {
  stats_.settle.observe(delay);
  if (delay <= kPromptDelay) {
    if (prompt_barriers_ < kPromptBarriersToForget) ++prompt_barriers_;
    if (prompt_barriers_ >= kPromptBarriersToForgive) slow_barrier_seen_ = false;
    if (prompt_barriers_ >= kPromptBarriersToForget) run_on_until_.reset();
    return;
  }
  // The first is a suspicion: trust must be earned again. The second confirms it.
  prompt_barriers_ = 0;
  if (slow_barrier_seen_ || delay > kRunOnDelay) saw_run_on(now);
  slow_barrier_seen_ = true;
}

void UpstreamPool::saw_run_on(Time now) {
  run_on_until_ = now + kRunOnMemory;
  prompt_barriers_ = 0;
}

}  // namespace holdfast::core

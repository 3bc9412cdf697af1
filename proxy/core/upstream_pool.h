// A bounded pool of connections to one application and the queue in front of it: decides who gets which
// connection, when one is opened, proven, kept or closed. Pure: no socket, no clock. Inputs are what
// happened; outputs are actions that one driver (Upstream in proxy/) carries out afterwards, so nothing
// re-enters. Who waits is an id.
//
// It is made of parts, each of which keeps its own books and is tested by itself:
//   WaitQueue      who waits, and whose turn it is
//   PoolMember     one of each address (one today); choose_member() is the balance rule between them
//     ConnectionSet  the connections, their states (connection_state.h has the diagram), their ceiling
//     Application    what is known of the application: barriers, run-on, reachable, workers
//     BackOff        when to connect again, and the requests that pause before they are tried again
//     Knocking       the pace at which a sleeping master of php-fpm is woken
// What is here joins them: what an event means for all of them together.
//
// proving: FCGI_GET_VALUES on a new connection, before its first request. connect() is a place in php's
// backlog and no worker (php-fpm.md 7), so a request stays in the queue until a worker has answered: on a new
// connection, or on one that falls idle, whichever is first. Not where barriers do not work (generic, old
// php, keep_alive: false): there a new connection is leased as soon as it is up.
//   - The first of an address: does the application keep the connection after it (php-fpm.md 8.3)? An answer
//     or an end teaches, silence does not: a php-fpm without a free worker is silent as well. Until it has
//     answered nobody is served, and the queue's limits hold; the connection keeps its place in the backlog
//     for timeouts.first_byte. `application: generic` is the user's word for one that never answers.
//   - One that no worker takes holds nobody. It keeps its place in the backlog for timeouts.first_byte, then
//     it is closed, and for a while no more are opened than workers have answered.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/part.h"
#include "config/snapshot.h"
#include "proxy/core/pool_action.h"
#include "proxy/core/pool_member.h"
#include "proxy/core/pool_stats.h"
#include "proxy/core/time.h"
#include "proxy/core/wait_queue.h"

namespace holdfast::core {

class UpstreamPool {
 public:
  // `seed`: for back-off jitter and the queue; another one in each process.
  UpstreamPool(const config::Pool& config, std::uint64_t seed);
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;
  ~UpstreamPool();

  // Opens one connection to see that the application is there (readiness), and learns its ways.
  void start(Time now);

  // --- exchanges
  // Queues and, where possible, leases at once. On a full queue a reject action follows, for whoever has to
  // go. `id`: the caller's name for it, not 0, of nobody else who waits. The ticket is for the calls below.
  Ticket enqueue(WaiterId id, bool repeatable, AddressKey address, Time now);
  // A retry: keeps its place by arrival and its deadline, and is never too many for the queue. Only a proven
  // connection from here on: one failure is enough.
  void enqueue_again(Ticket ticket, Time now);
  // The same after BackOff::kRetryPause, for one that a dying worker took along.
  void enqueue_later(Ticket ticket, Time now);
  // When its time in the queue is over, by the limit in force.
  Time deadline(const Ticket& ticket) const;
  // All who wait or pause, in order of arrival, taken out; and one of them put into another pool's queue,
  // under an id of that one's, where its time goes on.
  std::vector<Ticket> take_waiters();
  Ticket adopt(WaiterId id, const Ticket& theirs, Time now);
  // The client left while queued, or before its lease or rejection was taken. No action follows for this
  // waiter; a lease that was granted meanwhile is as unused.
  void cancel(WaiterId id, Time now);
  bool waits(WaiterId id) const { return queue_.contains(id); }

  // --- connections; ids unknown or already closing are ignored, so late events do no harm
  void connected(ConnectionId id, Time now);
  // ECONNREFUSED, ENOENT, EAGAIN, ...: tried again with back-off while somebody waits.
  void connect_failed(ConnectionId id, Time now);
  void barrier_answered(ConnectionId id, Time now);
  // The peek found something: the waiter goes back to its place, the connection is closed.
  void lease_refused(ConnectionId id, const Ticket& ticket, Time now);
  // The waiter had gone when its lease came: nothing was written, the connection is as good as before.
  void lease_unused(ConnectionId id, Time now);
  // The request has ended with END_REQUEST at a clean boundary.
  void released(ConnectionId id, Time now);
  // The client left while its request runs here: the rest will be drained (released() may still come).
  void abandoned(ConnectionId id, Time now);
  // The same whatever client_abort says: nobody wants the rest of this answer.
  void drain(ConnectionId id, Time now);
  // The connection must go.
  void lost(ConnectionId id, Loss loss, Time now);
  void closed(ConnectionId id, Time now);
  // An answer to FCGI_GET_VALUES that php-fpm does not give: barriers prove nothing here.
  void saw_odd_answer(ConnectionId id, Time now);
  // A script was seen to run on after END_REQUEST on this connection (stray output).
  void saw_run_on(ConnectionId id, Time now);

  // --- time
  std::optional<Time> next_deadline() const { return next_deadline_; }
  void on_time(Time now);

  // --- operator
  void pause();  // nothing once it is to serve the last or to stop
  void resume(Time now);
  void serve_the_last(Time now);  // the proxy will stop: who waits is served, and nobody is held any more
  void recycle(Time now);         // closes idle connections now, the others when they are released
  void shut_down(Time now);       // those who wait are served, none is kept; may be called again
  // Other limits and manners for the same pool (a reload): what is open, runs and waits stays. Of connections
  // above a lowered max_connections the idle ones are closed now, the others when they are released.
  // Precondition: takes(config).
  void configure(const config::Pool& config, Time now);
  // The same application in the same manner? Else the connections are of no use.
  bool takes(const config::Pool& config) const;

  // Takes the actions that the inputs so far have caused, in order.
  void take_actions(std::vector<PoolAction>& out);
  bool has_actions() const { return !actions_.empty(); }

  // --- looking in
  bool paused() const { return mode_ == Mode::paused; }
  PoolCounts counts() const { return member().connections.counts(); }
  std::size_t waiting() const { return queue_.size(); }
  Duration oldest_wait(Time now) const;
  const PoolStats& stats() const { return stats_; }
  // The last attempt to connect succeeded, or a connection is up.
  bool reachable() const { return application().reachable(); }
  bool barrier_supported() const { return application().barriers_work(); }
  // Scripts have lately run on after END_REQUEST: with `settle: auto` no request skips the barrier.
  bool scripts_run_on(Time now) const { return application().scripts_run_on(now); }
  // No worker took the last new connections: how many workers were found before. 0: all is well.
  std::uint32_t workers_found() const { return application().workers_found(); }
  const Application& application() const { return member().application; }
  ConnectionState state(ConnectionId id) const;
  void for_each_connection(auto&& visit) const {
    for (const PoolMember& each : members_) each.connections.for_each(visit);
  }
  const config::Pool& config() const { return *config_; }

  // nullptr, or which invariant does not hold: of each part, and between them. Walks all that is there.
  const char* check() const;

 private:
  // How long a script may run on before the pool's eyes. Work after fastcgi_finish_request() may be long, and
  // closing would break it off: only a lost worker is meant here.
  static constexpr Duration kRunOnMost = std::chrono::minutes(10);

  // How it serves. From `stopping` there is no way back, from `serving_last` only there.
  enum class Mode : std::uint8_t {
    serving,
    paused,        // by the operator: nobody is served
    serving_last,  // the proxy will stop: cannot be paused any more
    stopping,      // as serving_last, and no connection is kept
  };
  struct Found {
    PoolMember* member = nullptr;
    Connection* connection = nullptr;
    explicit operator bool() const { return connection != nullptr; }
    bool is(ConnectionState state) const { return connection != nullptr && connection->state == state; }
  };

  const PoolMember& member() const { return members_.front(); }
  Found find(ConnectionId id);
  bool stopping() const { return mode_ == Mode::stopping; }

  // --- the queue
  void serve_waiters(Time now);
  PoolMember* with_idle();
  std::size_t places_soon() const;
  void reject(WaiterId id, RejectReason reason);
  void expire_waiters(Time now);

  // --- opening
  void open_for_waiters(Time now);
  void open_wanted(Time now);
  std::size_t expected_soon(Time now);
  void open_one(PoolMember& member, Time now);
  bool may_open(const PoolMember& member, Time now);
  bool knock(PoolMember& member, Time now);
  void give_up_proof(Found found, Time now);
  void close_unneeded(Time now);
  void back_off(PoolMember& member, Time now);

  // --- the life of a connection
  void lease(PoolMember& member, Connection& connection, const Ticket& ticket, Time now);
  void settle(Found found, Time now);
  void become_idle(Found found, Time now);
  void begin_barrier(Found found, ConnectionState state, Duration limit, Time now);
  void ask_whether_ended(Found found, Time now);
  void begin_close(Found found, Loss loss, Time now);
  bool may_hand_over(PoolMember& member, Time now);
  bool idle_too_long(const Connection& connection, Time now) const;
  CloseReason worn_out(const Connection& connection, Time now) const;

  // --- time
  void on_deadline(Found found, Time now);
  void set_deadline(Connection& connection, Time when);
  void set_idle_deadlines(Found found, Time now);
  void look_again_at(Time when) { next_deadline_ = std::min(next_deadline_.value_or(when), when); }

  // --- operator
  void retire_surplus(PoolMember& member, Time now);
  void reconsider_idle(PoolMember& member, Time now);

  config::Part<config::Pool> config_;
  WaitQueue queue_;
  std::vector<PoolMember> members_;  // of each address; one today
  PoolStats stats_;
  std::vector<PoolAction> actions_;
  ConnectionId last_id_ = 0;
  std::optional<Time> next_deadline_;
  Mode mode_ = Mode::serving;
};

}  // namespace holdfast::core

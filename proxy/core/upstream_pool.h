// The bounded set of connections to one upstream address and the queue in front of it: decides who gets which
// connection, when one is opened, proven, kept or closed. Pure: no socket, no clock. Inputs are what
// happened; outputs are actions that one driver (Upstream in proxy/) carries out afterwards, so nothing
// re-enters.
//
// Life of a connection (`connecting` to `closing` all count against max_connections):
//
//   open --> connecting --connected--> [proving] --+--> idle --lease--> leased --END_REQUEST--> settling
//   --proven--> idle
//                |                                 |     |  ^              |  \                     |
//                |                                 |     +--ping: settling-+   \--client left--> draining
//                --END--> settling
//                +---------- any failure, limit, or EOF --------> closing --closed()--> gone
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
//   - The master of `pm = ondemand` counts a worker that it has just forked as free, and is woken by new
//     connections only. So while requests wait, silent connections are followed by a knock: one more, or the
//     youngest of them opened anew. A few times, for each that is closed lies dead in the backlog.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "proxy/core/close_reason.h"
#include "proxy/core/histogram.h"
#include "proxy/core/time.h"
#include "proxy/core/waiter_queue.h"

namespace holdfast::core {

using ConnectionId = std::uint64_t;  // never reused; 0 is none

enum class ConnectionState : std::uint8_t { connecting, idle, leased, settling, draining, closing };
std::string_view connection_state_name(ConnectionState state);

enum class RejectReason : std::uint8_t { queue_full, queue_timeout };

struct PoolAction {
  enum class Kind : std::uint8_t {
    open,     // connect `connection`; then connected() or connect_failed()
    lease,    // send `waiter`'s request on `connection`; `peek`: look for EOF or stray bytes first, and
              // lease_refused() if any
    barrier,  // write an empty FCGI_GET_VALUES on `connection`; then barrier_answered()
    close,    // close `connection`; then closed()
    reject,   // `waiter` is no longer queued: answer 503
  };
  Kind kind;
  ConnectionId connection = 0;
  Waiter* waiter = nullptr;
  bool peek = false;
  bool reused = false;  // lease: the connection has carried a request before
  CloseReason reason = CloseReason::none;
  RejectReason reject_reason = RejectReason::queue_full;
};

struct PoolStats {
  std::uint64_t opened = 0;  // connections that came up
  std::uint64_t leases = 0;
  std::uint64_t reused = 0;       // leases of a connection that had carried a request
  std::uint64_t handed_over = 0;  // leases without a barrier since the last request
  std::uint64_t barriers = 0;
  std::uint64_t queue_full = 0;
  std::uint64_t queue_timeout = 0;
  std::uint64_t abandoned = 0;  // waiters that left before a lease
  std::uint64_t connect_errors = 0;
  std::array<std::uint64_t, kCloseReasons> closed{};
  Histogram settle;  // from END_REQUEST to the barrier's answer: how long scripts run on
};

struct PoolCounts {
  std::uint32_t connecting = 0, idle = 0, leased = 0, settling = 0, draining = 0, closing = 0;
  std::uint32_t total() const { return connecting + idle + leased + settling + draining + closing; }
};

class UpstreamPool {
 public:
  // `seed`: for back-off jitter and the queue.
  UpstreamPool(const config::Pool& config, std::uint64_t seed);

  // Opens one connection to see that the application is there (readiness), and learns its ways.
  void start(Time now);

  // --- exchanges
  // Queues and, where possible, leases at once. On a full queue a reject action follows, for whoever has to
  // go.
  void enqueue(Waiter& waiter, bool repeatable, AddressKey address, Time now);
  // A retry: keeps its place by arrival and its deadline, and is never too many for the queue.
  void enqueue_again(Waiter& waiter, Time now);
  // All who wait, in order of arrival, taken out of the queue; and one of them put into another pool's, where
  // its time goes on.
  std::vector<Waiter*> take_waiters();
  void adopt(Waiter& waiter, bool again, Time now);
  // The client left while queued, or before its lease or rejection was taken. No action follows for this
  // waiter; a lease that was granted meanwhile is as unused.
  void cancel(Waiter& waiter, Time now);

  // --- connections; ids unknown or already closing are ignored, so late events do no harm
  void connected(ConnectionId id, Time now);
  // ECONNREFUSED, ENOENT, EAGAIN, ...: tried again with back-off while somebody waits.
  void connect_failed(ConnectionId id, Time now);
  void barrier_answered(ConnectionId id, Time now);
  // The peek found something: the waiter goes back to its place, the connection is closed.
  void lease_refused(ConnectionId id, Waiter& waiter, Time now);
  // The waiter had gone when its lease came: nothing was written, the connection is as good as before.
  void lease_unused(ConnectionId id, Time now);
  // The request has ended with END_REQUEST at a clean boundary.
  void released(ConnectionId id, Time now);
  // The client left while its request runs here: the rest will be drained (released() may still come).
  void abandoned(ConnectionId id, Time now);
  // The same whatever client_abort says: nobody wants the rest of this answer.
  void drain(ConnectionId id, Time now);
  // EOF, fault, reset, timeout: the connection must go. `script_may_run`: php may still be busy with it.
  void lost(ConnectionId id, CloseReason reason, bool script_may_run, Time now);
  void closed(ConnectionId id, Time now);
  // An answer to FCGI_GET_VALUES that php-fpm does not give: barriers prove nothing here.
  void saw_odd_answer(ConnectionId id, Time now);
  // A script was seen to run on after END_REQUEST (stray output).
  void saw_run_on(Time now);

  // --- time
  std::optional<Time> next_deadline() const;
  void on_time(Time now);

  // --- operator
  void pause() { paused_ = !stopping_ && !last_served_; }
  void resume(Time now);
  // The proxy will stop: who waits is served, and nobody is held any more.
  void serve_the_last(Time now) {
    last_served_ = true;
    resume(now);
  }
  void recycle(Time now);    // closes idle connections now, the others when they are released
  void shut_down(Time now);  // those who wait are served, none is kept; may be called again
  // Other limits and manners for the same pool (a reload): what is open, runs and waits stays. Of connections
  // above a lowered max_connections the idle ones are closed now, the others when they are released.
  // Precondition: takes(config).
  void configure(const config::Pool& config, Time now);
  // The same application in the same manner? Else the connections are of no use.
  bool takes(const config::Pool& config) const;
  bool paused() const { return paused_; }
  // Scripts have lately run on after END_REQUEST: with `settle: auto` no request skips the barrier.
  bool scripts_run_on(Time now) const { return run_on_until_ && now < *run_on_until_; }

  // Takes the actions that the inputs so far have caused, in order.
  void take_actions(std::vector<PoolAction>& out);
  bool has_actions() const { return !actions_.empty(); }

  // --- looking in
  PoolCounts counts() const { return counts_; }
  std::size_t waiting() const { return queue_.size(); }
  Duration oldest_wait(Time now) const;
  const PoolStats& stats() const { return stats_; }
  // The last attempt to connect succeeded, or a connection is up.
  bool reachable() const { return reachable_; }
  bool barrier_supported() const { return barrier_support_ == BarrierSupport::yes; }
  bool answers_oddly() const { return answers_oddly_; }
  // Asked first of all for its ways, the application takes connections and does not answer.
  bool silent() const { return silent_; }
  // New connections that the application closed before it answered anything, one after the other.
  std::uint32_t refusals() const { return refusals_; }
  // No worker took the last new connections: how many workers were found before. 0: all is well.
  std::uint32_t workers_found() const { return crowded_for_ > Duration::zero() ? workers_found_ : 0; }
  std::optional<ConnectionState> state(ConnectionId id) const;
  void for_each_connection(auto&& visit) const {
    for (const auto& [id, connection] : connections_)
      visit(id, connection.state, connection.requests, connection.since);
  }
  const config::Pool& config() const { return config_; }

  // Aborts when an invariant does not hold: counts, the cap, idle means proven, queue links.
  void check() const;

 private:
  // Prompt barriers in a row before a repeatable request may skip one.
  static constexpr std::uint32_t kPromptBarriersToTrust = 16;

  enum class BarrierSupport : std::uint8_t { unknown, yes, no };
  enum class Awaiting : std::uint8_t {
    nothing,
    proof,
    second_proof,
    settle,
    ping,
    quiet_time,
    end_of_stream,
    held_slot
  };

  // For the answer of an idle worker: it comes at once; this is for a loaded machine.
  static constexpr Duration kPingLimit = std::chrono::seconds(5);
  // How long a script may run on before the pool's eyes. Work after fastcgi_finish_request() may be long, and
  // closing would break it off: only a lost worker is meant here.
  static constexpr Duration kRunOnMost = std::chrono::minutes(10);

  struct Connection {
    ConnectionState state = ConnectionState::connecting;
    Awaiting awaiting = Awaiting::nothing;  // in connecting, settling and draining: what for
    Time opened{};
    Time since{};  // of the present state
    std::optional<Time> deadline;
    std::optional<Time> idle_until;  // recycle.idle, from the end of the last request
    std::uint64_t requests = 0;
    bool proven = false;  // a barrier was answered since the last request
    bool retire = false;  // recycle() was called: close when released
  };

  void move(ConnectionId id, Connection& connection, ConnectionState to, Time now);
  std::uint32_t& count_of(ConnectionState state);
  Connection* find(ConnectionId id);
  void set_deadline(Connection& connection, Time when);
  void set_idle_deadlines(Connection& connection, Time now);
  void retire_surplus(Time now);
  void forget(ConnectionId id);  // its slot is free

  void serve_waiters(Time now);
  void open_for_waiters(Time now);
  void open_one(Time now);
  bool may_open(Time now);
  bool knock(Time now);
  void give_up_proof(ConnectionId id, Connection& connection, Time now);
  void close_unneeded(Time now);
  bool proving(const Connection& connection) const {
    return connection.state == ConnectionState::connecting && connection.awaiting != Awaiting::nothing;
  }
  void look_again_at(Time when) { next_deadline_ = std::min(next_deadline_.value_or(when), when); }
  void lease(ConnectionId id, Connection& connection, Waiter& waiter, Time now);
  void settle(ConnectionId id, Connection& connection, Time now);
  void become_idle(ConnectionId id, Connection& connection, Time now);
  void begin_barrier(ConnectionId id, Connection& connection, ConnectionState state, Awaiting awaiting,
                     Duration limit, Time now);
  void begin_close(ConnectionId id, Connection& connection, CloseReason reason, bool script_may_run,
                   Time now);
  bool is_alarming(const Connection& connection, CloseReason reason) const;
  void on_deadline(ConnectionId id, Connection& connection, Time now);
  void expire_waiters(Time now);
  bool may_hand_over(Time now);
  bool worn_out(const Connection& connection, Time now, CloseReason& reason) const;
  void note_barrier_delay(Duration delay, Time now);
  void back_off(Time now);
  // One that waits for its proof is in the backlog still.
  std::uint32_t held_by_workers() const {
    return counts_.idle + counts_.leased + counts_.settling + counts_.draining;
  }
  void application_is_there();
  void set_queue_deadline(Waiter& waiter);
  void reject(Waiter& waiter, RejectReason reason);

  config::Pool config_;
  std::uint32_t ceiling_;  // max_connections; more while those above a lowered one are still there
  std::unordered_map<ConnectionId, Connection> connections_;
  std::vector<ConnectionId> idle_;  // by idle_until: the last, most recently used one is leased first
  PoolCounts counts_;
  PoolStats stats_;
  std::vector<PoolAction> actions_;
  WaiterQueue queue_;
  std::uint64_t last_place_ = 0;
  ConnectionId last_id_ = 0;
  std::optional<Time> next_deadline_;

  BarrierSupport barrier_support_ = BarrierSupport::unknown;
  bool answers_oddly_ = false;
  bool silent_ = false;                // the first barrier is not answered in time
  std::uint32_t prompt_barriers_ = 0;  // answered at once, since the last slow one; no more than are of use
  bool slow_barrier_seen_ = false;     // lately: one more, and scripts run on
  std::uint32_t handovers_in_row_ = 0;
  std::optional<Time> run_on_until_;

  std::optional<Time> open_after_;  // back-off
  std::uint32_t connect_failures_ = 0;
  Time last_call_{};          // a connection was opened, or came up
  std::uint32_t knocks_ = 0;  // since the last proof
  bool reopen_ = false;       // the second half of a knock
  std::optional<Time> crowded_until_;
  std::uint32_t workers_found_ = 0;  // when crowded
  Duration crowded_for_{};           // the last time
  std::minstd_rand random_;
  std::uint32_t refusals_ = 0;
  Time last_refusal_{};
  bool reachable_ = false;
  bool probe_wanted_ = false;  // open one although nobody waits: readiness
  bool paused_ = false;
  bool last_served_ = false;
  bool stopping_ = false;
};

}  // namespace holdfast::core

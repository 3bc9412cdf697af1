// A pool and its waiters on a table, for directed tests: each input returns the actions that it caused as one
// line, such as "lease 1 A reused, open 2". Time passes as the driver lets it pass: the pool is asked only at
// its own next_deadline(), so that one which comes too late shows as an action that does not come.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/pool.h"
#include "proxy/core/upstream_pool.h"

namespace holdfast::core::testing {

using namespace std::chrono_literals;

// Small limits; no ping, so that an idle connection is left alone unless a test is about pings.
inline config::Pool small_pool() {
  config::Pool config;
  config.max_connections = 2;
  config.queue.size = 3;
  config.ping = config::Duration::zero();
  return config;
}

class Scene {
 public:
  explicit Scene(const config::Pool& config = small_pool()) : pool(config, 1) {}

  // --- inputs
  std::string start() {
    return after([&] { pool.start(now); });
  }
  std::string ask(const std::string& name, bool repeatable = true, AddressKey address = 1) {
    return after([&] { enqueue(name, repeatable, address); });
  }
  // Without taking the actions that it causes.
  void enqueue(const std::string& name, bool repeatable = true, AddressKey address = 1) {
    Ticket& ticket = tickets_[name];
    if (ticket.id == 0) ticket.id = tickets_.size();
    ticket = pool.enqueue(ticket.id, repeatable, address, now);
  }
  std::string ask_once_only(const std::string& name) { return ask(name, false); }
  std::string ask_again(const std::string& name) {
    return after([&] { pool.enqueue_again(tickets_.at(name), now); });
  }
  std::string ask_later(const std::string& name) {
    return after([&] { pool.enqueue_later(tickets_.at(name), now); });
  }
  std::string cancel(const std::string& name) {
    return after([&] { pool.cancel(tickets_.at(name).id, now); });
  }
  std::string connected(ConnectionId id) {
    return after([&] { pool.connected(id, now); });
  }
  std::string connect_failed(ConnectionId id) {
    return after([&] { pool.connect_failed(id, now); });
  }
  std::string answered(ConnectionId id) {
    return after([&] { pool.barrier_answered(id, now); });
  }
  std::string released(ConnectionId id) {
    return after([&] { pool.released(id, now); });
  }
  std::string abandoned(ConnectionId id) {
    return after([&] { pool.abandoned(id, now); });
  }
  std::string closed(ConnectionId id) {
    return after([&] { pool.closed(id, now); });
  }
  std::string lost(ConnectionId id, CloseReason reason, bool script_may_run = false) {
    return after([&] { pool.lost(id, {reason, script_may_run}, now); });
  }
  std::string refused(ConnectionId id, const std::string& name) {
    return after([&] { pool.lease_refused(id, tickets_.at(name), now); });
  }
  std::string unused(ConnectionId id) {
    return after([&] { pool.lease_unused(id, now); });
  }
  std::string resume() {
    return after([&] { pool.resume(now); });
  }
  std::string recycle() {
    return after([&] { pool.recycle(now); });
  }
  std::string configure(const config::Pool& config) {
    REQUIRE(pool.takes(config));
    return after([&] { pool.configure(config, now); });
  }
  std::string shut_down() {
    return after([&] { pool.shut_down(now); });
  }

  // Lets time pass; the pool is woken at its deadlines only.
  std::string pass(Duration duration) {
    const Time end = now + duration;
    std::string log;
    for (int turns = 0; pool.next_deadline() && *pool.next_deadline() <= end; ++turns) {
      REQUIRE(turns < 10000);
      now = std::max(now, *pool.next_deadline());
      pool.on_time(now);
      check();
      // Else the driver would spin.
      REQUIRE((!pool.next_deadline() || *pool.next_deadline() > now));
      const std::string acts = take();
      if (!log.empty() && !acts.empty()) log += ", ";
      log += acts;
    }
    now = end;
    return log;
  }

  // --- short ways to a beginning
  // The first connection is up, proven and idle: the application is known to answer barriers.
  void learn() {
    REQUIRE(start() == "open 1");
    REQUIRE(connected(1) == "barrier 1");
    REQUIRE(answered(1) == "barrier 1");
    REQUIRE(answered(1) == "");
    REQUIRE(pool.barrier_supported());
  }
  // Connections 1..count carry "r1".. "r<count>".
  void lease_all(ConnectionId count) {
    learn();
    REQUIRE(ask("r1") == "lease 1 r1");
    for (ConnectionId id = 2; id <= count; ++id) {
      const std::string number = std::to_string(id);
      REQUIRE(ask("r" + number) == "open " + number);
      REQUIRE(proven(id) == "lease " + number + " r" + number);
    }
  }
  // Comes up, and a worker answers at once.
  std::string proven(ConnectionId id) {
    REQUIRE(connected(id) == "barrier " + std::to_string(id));
    return answered(id);
  }
  // The script has ended and the barrier after it is answered at once.
  std::string finish(ConnectionId id) {
    REQUIRE(released(id) == "barrier " + std::to_string(id));
    return answered(id);
  }
  // The first connection is found not to keep after GET_VALUES; connection 2 is idle.
  void learn_old_php() {
    REQUIRE(start() == "open 1");
    REQUIRE(connected(1) == "barrier 1");
    REQUIRE(answered(1) == "barrier 1");
    REQUIRE(lost(1, CloseReason::peer_closed) == "close 1 no_get_values");
    REQUIRE(closed(1) == "open 2");
    REQUIRE(connected(2) == "");
    REQUIRE(state(2) == "idle");
    REQUIRE_FALSE(pool.barrier_supported());
  }

  // --- looking in
  bool waits(const std::string& name) const {
    const auto found = tickets_.find(name);
    return found != tickets_.end() && pool.waits(found->second.id);
  }
  const Ticket& ticket(const std::string& name) const { return tickets_.at(name); }
  std::string state(ConnectionId id) const { return std::string(connection_state_name(pool.state(id))); }
  bool silent() const { return pool.application().barriers() == Application::Barriers::silent; }
  void check() const {
    const char* const fault = pool.check();
    REQUIRE_MESSAGE(fault == nullptr, fault);
  }
  std::string take() {
    check();
    std::vector<PoolAction> actions;
    pool.take_actions(actions);
    std::string text;
    for (const PoolAction& action : actions) {
      if (!text.empty()) text += ", ";
      text += describe(action);
    }
    return text;
  }

  UpstreamPool pool;
  Time now{1000s};

 private:
  std::string after(auto&& input) {
    input();
    return take();
  }
  std::string name_of(WaiterId wanted) const {
    for (const auto& [name, ticket] : tickets_) {
      if (ticket.id == wanted) return name;
    }
    return "?";
  }
  std::string describe(const PoolAction& action) const {
    const std::string id = std::to_string(action.connection);
    switch (action.kind) {
      case PoolAction::Kind::open: return "open " + id;
      case PoolAction::Kind::lease:
        return "lease " + id + " " + name_of(action.waiter) + (action.reused ? " reused" : "") +
               (action.peek ? " peek" : "") + (action.in_company ? " in company" : "");
      case PoolAction::Kind::barrier: return "barrier " + id;
      case PoolAction::Kind::close:
        return "close " + id + " " + std::string(close_reason_name(action.reason));
      case PoolAction::Kind::reject:
        return "reject " + name_of(action.waiter) +
               (action.reject_reason == RejectReason::queue_full ? " full" : " timeout");
    }
    return "?";
  }

  std::map<std::string, Ticket> tickets_;
};

}  // namespace holdfast::core::testing

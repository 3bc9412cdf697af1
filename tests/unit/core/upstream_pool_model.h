// The naive model of the pool, for the test with random operations: waiters in a plain list, connections in a
// map, and what the pool owes to each, checked at every action and after every input. Plays the driver, and
// now and then refuses or drops a lease. What happens is decided by the test.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "config/pool.h"
#include "proxy/core/upstream_pool.h"

namespace holdfast::core::testing {

using namespace std::chrono_literals;

inline constexpr Duration kOpensSoon =
    650ms;  // the longest back-off with its jitter; a settle grace is shorter

struct Person {
  Ticket ticket;
  bool repeatable = true;
  Time arrived{};
  Time deadline{};
  std::uint64_t arrival = 0;
  AddressKey address = 0;
  bool in_line = false;
  std::uint64_t returned = 0;   // the driver's round in which its lease was refused
  std::optional<Time> resumes;  // in line, but it pauses before it is tried again
};

struct Link {
  enum class Phase : std::uint8_t { connecting, up, leased, draining, closing };
  Phase phase = Phase::connecting;
  Person* person = nullptr;
  bool asked = false;    // a barrier is not answered yet
  bool quiet = false;    // one was, since the last request
  bool taken = false;    // a worker has accepted it
  bool running = false;  // that worker runs a script
  bool dead = false;     // that worker is gone; the pool has not been told
  int requests = 0;
};

// The application: max_connections workers, some more or too few, one connection each, and the others wait in
// the backlog in their order. A worker whose connection is closed goes on until its script ends.
class Model {
 public:
  explicit Model(unsigned seed)
      : random_(seed),
        config_(random_config()),
        pool_(config_, seed),
        workers_(config_.max_connections + static_cast<std::size_t>(below(2))) {}
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const PoolStats& stats() const { return pool_.stats(); }

 protected:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool one_in(int n) { return below(n) == 0; }

  // ---- one input, and everything that must hold after it
  void act(auto&& input) {
    input();
    carry_out();
    check_pool();
    check_line();
    check_deadline();
  }

  // The driver: carries out actions until there are none; refuses and drops some leases.
  void carry_out() {
    std::vector<PoolAction> actions;
    for (int rounds = 0; pool_.has_actions(); ++rounds) {
      REQUIRE(rounds < 1000);
      pool_.take_actions(actions);
      ++round_;
      for (const PoolAction& action : actions) carry_out(action);
    }
  }

  void carry_out(const PoolAction& action) {
    switch (action.kind) {
      case PoolAction::Kind::open:
        REQUIRE_FALSE(links_.contains(action.connection));
        links_[action.connection] = {};
        REQUIRE(links_.size() + held_slots() <= config_.max_connections);
        return;
      case PoolAction::Kind::lease: take_lease(action); return;
      case PoolAction::Kind::barrier: {
        Link& link = links_.at(action.connection);
        REQUIRE(config_.application == config::Application::php_fpm);
        REQUIRE((config_.keep_alive || link.requests == 1));  // it was to be closed after that
        REQUIRE_FALSE(link.asked);
        REQUIRE(link.phase == Link::Phase::up);
        link.asked = true;
        return;
      }
      case PoolAction::Kind::close: {
        Link& link = links_.at(action.connection);
        REQUIRE(link.phase != Link::Phase::closing);
        if (link.phase == Link::Phase::leased) REQUIRE(link.person == nullptr);
        if (link.taken && !link.dead && link.running) ++ghosts_;
        link.dead = true;
        link.phase = Link::Phase::closing;
        take_from_backlog();
        return;
      }
      case PoolAction::Kind::reject: {
        Person& person = person_of(action.waiter);
        REQUIRE(person.in_line);
        REQUIRE_FALSE(pool_.waits(person.ticket.id));
        if (action.reject_reason == RejectReason::queue_timeout) {
          REQUIRE(person.deadline <= now_);
        } else {
          // The newest, or the newest of an address that has more.
          const std::size_t left = in_line_of(person.address) - 1;
          for (const auto& other : people_) {
            if (other->in_line && !other->resumes && other->address == person.address)
              REQUIRE(other->arrival <= person.arrival);
            if (other->arrival == arrivals_ && other.get() != &person)
              REQUIRE(in_line_of(other->address) <= left + 1);
          }
          REQUIRE(pool_.waiting() >= config_.queue.size);
        }
        leave_line(person);
        return;
      }
    }
  }

  void take_lease(const PoolAction& action) {
    Person& person = person_of(action.waiter);
    Link& link = links_.at(action.connection);
    // First come, first served, of each address; and the addresses in turn.
    REQUIRE(person.in_line);
    REQUIRE_FALSE(pool_.waits(person.ticket.id));
    for (const auto& other : people_) {
      // What is carried out in this round was decided in the last, perhaps before that one returned.
      const bool just_returned = other->returned > 0 && other->returned + 1 >= round_;
      if (!other->in_line || other->resumes || just_returned) continue;
      if (other->address == person.address) {
        REQUIRE(other->arrival >= person.arrival);
      } else if (last_return_ == 0 || last_return_ + 1 < round_) {
        REQUIRE(turns_.at(other->address) >= turns_.at(person.address));
      }
    }
    leave_line(person);
    turns_[person.address] = ++last_turn_;
    REQUIRE_FALSE(pool_.paused());
    // Nobody else is on it, and it is what the rules want it to be.
    REQUIRE(link.phase == Link::Phase::up);
    REQUIRE(link.person == nullptr);
    REQUIRE_FALSE(link.asked);
    REQUIRE(action.reused == (link.requests > 0));
    if (!config_.keep_alive) REQUIRE(link.requests == 0);
    if (config_.recycle.requests > 0)
      REQUIRE(static_cast<std::uint64_t>(link.requests) < config_.recycle.requests);
    // No request waits in the backlog.
    if (config_.keep_alive && pool_.barrier_supported()) REQUIRE(link.taken);
    if (action.reused && pool_.barrier_supported() && config_.settle != config::Settle::never &&
        (config_.settle == config::Settle::always || !person.repeatable))
      REQUIRE(link.quiet);
    if (action.reused && !person.repeatable) REQUIRE(action.peek);
    if (one_in(12)) {  // its client has left
      act_again([&] { pool_.lease_unused(action.connection, now_); });
      return;
    }
    if (action.reused && (action.peek || !link.running) && one_in(12)) {
      link.phase = Link::Phase::up;
      back_in_line(person);
      person.returned = last_return_ = round_;
      act_again([&] { pool_.lease_refused(action.connection, person.ticket, now_); });
      return;
    }
    ++link.requests;
    link.quiet = false;
    link.running = true;
    link.phase = Link::Phase::leased;
    link.person = &person;
  }
  // An input from inside the driver: its actions come with the next round.
  void act_again(auto&& input) {
    input();
    check_pool();
  }
  void check_pool() const {
    const char* const fault = pool_.check();
    REQUIRE_MESSAGE(fault == nullptr, fault);
  }

  // ---- the application
  void take_from_backlog() {
    std::size_t busy = ghosts_;
    for (const auto& [id, link] : links_) busy += link.taken && !link.dead ? 1 : 0;
    while (busy < workers_ && !backlog_.empty()) {
      const auto found = links_.find(backlog_.front());
      backlog_.pop_front();
      // One that was closed meanwhile with nothing on it takes no more than a moment.
      if (found == links_.end() || found->second.phase == Link::Phase::closing) continue;
      found->second.taken = true;
      ++busy;
    }
  }
  void worker_dies(Link& link) {
    link.dead = true;
    link.running = false;
    take_from_backlog();
  }

  // ---- the model's line
  Person& person_of(WaiterId id) {
    for (auto& person : people_) {
      if (person->ticket.id == id) return *person;
    }
    REQUIRE(false);
    std::abort();
  }
  void leave_line(Person& person) {
    person.in_line = false;
    person.resumes.reset();
    std::erase(pausing_, &person);
  }
  void pause_in_line(Person& person) {
    person.in_line = true;
    person.resumes = now_ + BackOff::kRetryPause;
    pausing_.push_back(&person);
  }
  // In the order in which they began to pause: the last of them has the next turn.
  void end_pauses() {
    while (!pausing_.empty() && *pausing_.front()->resumes <= now_) {
      Person& person = *pausing_.front();
      pausing_.pop_front();
      person.resumes.reset();
      back_in_line(person);
      person.returned = last_return_ = round_;
    }
  }
  void back_in_line(Person& person) {
    person.in_line = true;
    // It had its turn, and has the next one; unless it is too late.
    if (now_ < person.deadline) turns_[person.address] = first_turn_--;
  }
  void join_line(Person& person) {
    if (in_line_of(person.address) == 0) turns_[person.address] = ++last_turn_;
    person.in_line = true;
  }
  std::size_t in_line_of(AddressKey address) const {
    std::size_t count = 0;
    for (const auto& person : people_)
      count += person->in_line && !person->resumes && person->address == address ? 1 : 0;
    return count;
  }

  void check_line() {
    std::size_t in_line = 0;
    std::optional<Time> oldest;
    for (const auto& person : people_) {
      REQUIRE((person->in_line && !person->resumes) == pool_.waits(person->ticket.id));
      if (!person->in_line || person->resumes) continue;
      ++in_line;
      if (!oldest || person->arrived < *oldest) oldest = person->arrived;
    }
    REQUIRE(in_line == pool_.waiting());
    REQUIRE(pool_.oldest_wait(now_) == (oldest ? now_ - *oldest : Duration::zero()));
    REQUIRE(links_.size() + held_slots() == pool_.counts().total());
  }

  // Liveness: whatever is due some time, the pool wants to be woken for.
  void check_deadline() {
    const Time next = pool_.next_deadline().value_or(Time::max());
    for (const auto& person : people_) {
      if (person->in_line) REQUIRE(next <= person->resumes.value_or(person->deadline));
    }
    const PoolCounts counts = pool_.counts();
    const bool ends_by_itself = counts.connecting + counts.settling + counts.draining == 0;
    if (!ends_by_itself) REQUIRE(next < Time::max());
    if (counts.idle > 0 && config_.recycle.idle > Duration::zero())
      REQUIRE(next <= now_ + config_.recycle.idle);
    if (counts.idle > 0 && config_.ping > Duration::zero() && pool_.barrier_supported())
      REQUIRE(next <= now_ + config_.ping);
    // Some time it looks again whether there are more workers than were found.
    const bool crowded = pool_.workers_found() > 0 && counts.total() >= pool_.workers_found();
    if (pool_.waiting() > 0 && !pool_.paused() && counts.total() < config_.max_connections &&
        counts.connecting == 0 && !crowded)
      REQUIRE(next <= now_ + kOpensSoon);
  }

  // A reload: other limits for the same application, whose workers stay as many as they are.
  void reconfigure() {
    config::Pool next = random_config();
    next.address = config_.address;
    next.application = config_.application;
    next.keep_alive = config_.keep_alive;
    next.max_connections = static_cast<std::uint32_t>(1 + below(static_cast<int>(max_connections_most_)));
    REQUIRE(pool_.takes(next));
    config_ = next;
    for (auto& person : people_) person->deadline = person->arrived + config_.queue.timeout;
    act([&] { pool_.configure(next, now_); });
  }

  std::size_t held_slots() const {
    std::size_t held = 0;
    for (const ConnectionId id : held_) held += pool_.state(id) != ConnectionState::gone ? 1 : 0;
    return held;
  }

  std::mt19937 random_;
  config::Pool config_;
  UpstreamPool pool_;
  Time now_{1000s};
  std::vector<std::unique_ptr<Person>> people_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t round_ = 0;
  std::uint64_t last_return_ = 0;  // the last round in which a lease was refused
  std::deque<Person*> pausing_;
  std::map<AddressKey, std::int64_t> turns_;
  std::int64_t last_turn_ = 0;
  std::int64_t first_turn_ = 0;
  std::map<ConnectionId, Link> links_;
  std::set<ConnectionId> held_;
  std::uint32_t max_connections_most_ = config_.max_connections;
  std::size_t workers_;
  std::size_t ghosts_ = 0;  // workers that run scripts of closed connections
  std::deque<ConnectionId> backlog_;

 private:
  config::Pool random_config() {
    config::Pool config;
    config.application = one_in(5) ? config::Application::generic : config::Application::php_fpm;
    config.keep_alive = !one_in(6);
    config.max_connections = static_cast<std::uint32_t>(1 + below(4));
    config.queue.size = static_cast<std::uint32_t>(below(7));
    config.queue.timeout = config::Duration(1 + below(3000));
    config.timeouts.connect = config::Duration(1 + below(2000));
    config.timeouts.first_byte = config::Duration(1 + below(4000));
    config.recycle.idle = config::Duration(below(3) * 700);
    config.recycle.requests = static_cast<std::uint64_t>(below(3) * 4);
    config.recycle.lifetime = config::Duration(below(3) * 2000);
    config.settle = std::array{config::Settle::automatic, config::Settle::always, config::Settle::never}.at(
        static_cast<std::size_t>(below(3)));
    config.ping = config::Duration(below(3) * 250);
    config.client_abort = one_in(3) ? config::ClientAbort::close : config::ClientAbort::drain;
    return config;
  }
};

}  // namespace holdfast::core::testing

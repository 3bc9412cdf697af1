// Random operations on the pool, against a naive model of what it owes to everybody: waiters in a plain list,
// connections in a map. The world answers late, wrongly, twice or not at all; pool.check() runs after every
// step. In the end the faults stop, and everybody must have been served or turned away. Prints its seed.
#include <doctest/doctest.h>

#include "upstream_pool_model.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;

namespace {

class World : public Model {
 public:
  explicit World(unsigned seed) : Model(seed) {
    // What the application is like.
    const int kind = below(4);
    answers_ = kind != 0;
    keeps_after_answer_ = kind != 1;
    quiet_start_ = below(2) == 0;
    calm_ = 1 + below(8);
    // Where no barrier tells, a request is lost in the backlog of too few workers.
    const bool proves = answers_ && keeps_after_answer_ && config_.keep_alive &&
                        config_.application == holdfast::config::Application::php_fpm;
    if (proves && one_in(8))
      workers_ = static_cast<std::size_t>(1 + below(static_cast<int>(max_connections_most_)));
  }
  void run(int steps) {
    if (!quiet_start_) act([&] { pool_.start(now_); });
    for (int i = 0; i < steps; ++i) step();
    finish();
  }

 private:
  // ---- what may happen
  Link* pick(Link::Phase phase, ConnectionId& id, bool alive = false) {
    std::vector<ConnectionId> fitting;
    for (const auto& [each, link] : links_) {
      if (link.phase == phase && !(alive && (link.dead || !link.taken))) fitting.push_back(each);
    }
    if (fitting.empty()) return nullptr;
    id = fitting[static_cast<std::size_t>(below(static_cast<int>(fitting.size())))];
    return &links_.at(id);
  }

  void step() {
    switch (below(22)) {
      case 0:
      case 1:
      case 2: arrive(); return;
      case 3: client_leaves(); return;
      case 4:
      case 5: connect(!one_in(3 * calm_)); return;
      case 6:
      case 7:
      case 16: answer(); return;
      case 8:
      case 9:
      case 17:
      case 18:
      case 19: end_request(); return;
      case 10:
        if (one_in(calm_)) lose_request();
        return;
      case 11:
        if (one_in(calm_)) lose_any();
        return;
      case 12: close_one(); return;
      case 13: time_passes(); return;
      case 14: late_report(); return;
      case 15: operate(); return;
      case 20: script_ends(); return;
      case 21:
        if (one_in(2 * calm_)) lose_worker();
        return;
      default: return;
    }
  }

  void arrive() {
    people_.push_back(std::make_unique<Person>());
    Person& person = *people_.back();
    person.repeatable = !one_in(3);
    person.arrived = now_;
    person.deadline = now_ + config_.queue.timeout;
    person.arrival = ++arrivals_;
    person.address = static_cast<AddressKey>(below(3));
    join_line(person);
    act([&] { person.ticket = pool_.enqueue(person.arrival, person.repeatable, person.address, now_); });
  }

  void client_leaves() {
    if (people_.empty()) return;
    Person& person = *people_[static_cast<std::size_t>(below(static_cast<int>(people_.size())))];
    if (person.in_line) {
      leave_line(person);
      act([&] { pool_.cancel(person.ticket.id, now_); });
      return;
    }
    for (auto& [id, link] : links_) {
      if (link.person != &person) continue;
      const ConnectionId connection = id;
      link.person = nullptr;
      link.phase = Link::Phase::draining;
      act([&] { pool_.abandoned(connection, now_); });
      return;
    }
  }

  void connect(bool well) {
    ConnectionId id = 0;
    Link* link = pick(Link::Phase::connecting, id);
    if (link == nullptr) return;
    if (!well) {
      act([&] { pool_.connect_failed(id, now_); });
      return;
    }
    link->phase = Link::Phase::up;
    backlog_.push_back(id);
    take_from_backlog();
    act([&] { pool_.connected(id, now_); });
  }

  void answer() {
    if (!answers_) return;
    for (auto& [each, link] : links_) {
      if (!link.asked || link.phase != Link::Phase::up || link.dead || link.running || !link.taken) continue;
      const ConnectionId id = each;
      link.asked = false;
      link.quiet = true;
      const bool known = pool_.barrier_supported();
      act([&] { pool_.barrier_answered(id, now_); });
      if (keeps_after_answer_ || known || !links_.contains(id)) return;
      Link& closed = links_.at(id);
      worker_dies(closed);
      if (closed.phase == Link::Phase::up) act([&] { pool_.lost(id, {CloseReason::peer_closed}, now_); });
      return;
    }
  }

  void end_request() {
    ConnectionId id = 0;
    Link* link = pick(one_in(3) ? Link::Phase::draining : Link::Phase::leased, id, true);
    if (link == nullptr) return;
    link->person = nullptr;
    link->phase = Link::Phase::up;
    // Or it runs on. Without barriers nobody could tell.
    link->running = pool_.barrier_supported() && one_in(5);
    act([&] { pool_.released(id, now_); });
  }

  void script_ends() {
    if (ghosts_ > 0 && one_in(4)) --ghosts_;
    for (auto& [id, link] : links_) {
      if (link.running && link.phase == Link::Phase::up && one_in(2)) link.running = false;
    }
    act([&] { take_from_backlog(); });
  }

  void lose_worker() {
    ConnectionId id = 0;
    if (Link* link = pick(one_in(2) ? Link::Phase::leased : Link::Phase::up, id, true)) worker_dies(*link);
  }

  void lose_request() {
    ConnectionId id = 0;
    Link* link = pick(Link::Phase::leased, id);
    if (link == nullptr) return;
    Person* person = link->person;
    link->person = nullptr;
    const bool script_lost = !link->dead && one_in(2);
    if (!script_lost) worker_dies(*link);
    const CloseReason reason = one_in(2) ? CloseReason::eof_in_request : CloseReason::response_timeout;
    act([&] {
      pool_.lost(id, {reason, script_lost}, now_);
      if (person == nullptr || one_in(2)) return;
      if (one_in(3)) {
        pause_in_line(*person);
        pool_.enqueue_later(person->ticket, now_);
        return;
      }
      back_in_line(*person);
      pool_.enqueue_again(person->ticket, now_);
    });
  }

  void lose_any() {
    const Link::Phase phase = std::array{Link::Phase::up, Link::Phase::up, Link::Phase::draining}.at(
        static_cast<std::size_t>(below(3)));
    ConnectionId id = 0;
    Link* link = pick(phase, id);
    if (link == nullptr) return;
    const CloseReason reason =
        link->dead ? CloseReason::peer_closed
                   : std::array{CloseReason::peer_closed, CloseReason::reset, CloseReason::foreign_record}.at(
                         static_cast<std::size_t>(below(3)));
    // Whether a script runs is not asked where the pool knows that none does (keep_alive: false).
    const bool script = config_.keep_alive && reason == CloseReason::foreign_record;
    if (reason != CloseReason::foreign_record) worker_dies(*link);
    act([&] { pool_.lost(id, {reason, script}, now_); });
  }

  void close_one() {
    ConnectionId id = 0;
    Link* link = pick(Link::Phase::closing, id);
    if (link == nullptr) return;
    links_.erase(id);
    pool_.closed(id, now_);
    if (pool_.state(id) != ConnectionState::gone)
      held_.insert(id);  // a slot for a script that nobody sees end
    act([] {});
  }

  void time_passes() {
    const Time soon = now_ + std::chrono::microseconds(1 + below(one_in(4) ? 900'000 : 6'000));
    const std::optional<Time> next = pool_.next_deadline();
    now_ = next && (one_in(2) || *next < soon) ? std::max(now_, *next) : soon;
    end_pauses();
    act([&] { pool_.on_time(now_); });
    // What is due has been done; nobody is late, and the driver does not spin.
    REQUIRE((!pool_.next_deadline() || *pool_.next_deadline() > now_));
    for (const auto& person : people_) {
      if (person->in_line && !person->resumes) REQUIRE(person->deadline > now_);
    }
  }

  // Reports for ids that are unknown or gone, and for living ones that are not about to do such a thing.
  void late_report() {
    std::vector<ConnectionId> ids = {0, 1'000'000, static_cast<ConnectionId>(below(40))};
    for (const ConnectionId id : ids) {
      const auto found = links_.find(id);
      const bool living = found != links_.end();
      if (living && found->second.phase == Link::Phase::connecting) continue;
      const PoolCounts before = pool_.counts();
      pool_.connected(id, now_);
      if (!living || !found->second.asked) pool_.barrier_answered(id, now_);
      if (!living || found->second.phase == Link::Phase::up || found->second.phase == Link::Phase::closing) {
        pool_.released(id, now_);
        pool_.abandoned(id, now_);
        pool_.lease_unused(id, now_);
      }
      if (!living || found->second.phase == Link::Phase::closing)
        pool_.lost(id, {CloseReason::reset, true}, now_);
      if (!living || found->second.phase != Link::Phase::closing) pool_.closed(id, now_);
      REQUIRE_FALSE(pool_.has_actions());
      REQUIRE(pool_.counts().total() == before.total());
      REQUIRE(pool_.counts().leased == before.leased);
    }
    act([] {});
  }

  void operate() {
    const int what = below(12);
    if (what == 0) pool_.pause();
    if (what == 1 || what == 2) act([&] { pool_.resume(now_); });
    if (what == 3) act([&] { pool_.recycle(now_); });
    if (what == 4 && !links_.empty() && links_.begin()->second.requests > 0)
      pool_.saw_run_on(links_.begin()->first, now_);
    if (what == 5 && one_in(3)) reconfigure();
  }

  void lose(ConnectionId id, CloseReason reason = CloseReason::peer_closed) {
    links_.at(id).person = nullptr;
    act([&] { pool_.lost(id, {reason}, now_); });
  }

  // Faults off: everything is answered at once, else time goes on to the next thing due.
  bool settle_one() {
    ghosts_ = 0;
    for (auto& [id, link] : links_) link.running = link.running && link.phase != Link::Phase::up;
    take_from_backlog();
    for (const auto& [id, link] : links_) {
      switch (link.phase) {
        case Link::Phase::connecting: connect(true); return true;
        case Link::Phase::leased:
        case Link::Phase::draining:
          if (link.dead) {
            lose(id);
          } else if (!link.taken) {  // in the backlog, where no barrier could tell
            lose(id, CloseReason::response_timeout);
          } else {
            end_request();
          }
          return true;
        case Link::Phase::closing: close_one(); return true;
        case Link::Phase::up:
          if (link.dead) {
            lose(id);
            return true;
          }
          if (link.asked && link.taken && !link.running) {
            answer();
            return true;
          }
          break;
      }
    }
    return false;
  }

  void finish() {
    answers_ = keeps_after_answer_ = true;
    act([&] { pool_.resume(now_); });
    const auto busy = [&] {
      const PoolCounts counts = pool_.counts();
      return pool_.waiting() > 0 || !pausing_.empty() || counts.total() > counts.idle;
    };
    for (int turns = 0; busy(); ++turns) {
      REQUIRE(turns < 20'000);
      if (settle_one()) continue;
      REQUIRE(pool_.next_deadline().has_value());  // else it waits for ever
      time_passes();
    }
    act([&] { pool_.shut_down(now_); });
    for (int turns = 0; pool_.counts().total() > 0; ++turns) {
      REQUIRE(turns < 1000);
      if (!settle_one()) time_passes();
    }
    for (const auto& person : people_) REQUIRE_FALSE(pool_.waits(person->ticket.id));
    if (pool_.next_deadline()) time_passes();
  }

  bool answers_ = true;
  bool keeps_after_answer_ = true;
  bool quiet_start_ = false;
  int calm_ = 1;  // one in so many of the faults that could happen does
};

}  // namespace

TEST_CASE("random operations keep every promise, 2000 seeds") {
  PoolStats sum;
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    World world(seed);
    world.run(350);
    const PoolStats& stats = world.stats();
    sum.leases += stats.leases;
    sum.reused += stats.reused;
    sum.handed_over += stats.handed_over;
    sum.queue_full += stats.queue_full;
    sum.queue_timeout += stats.queue_timeout;
    sum.abandoned += stats.abandoned;
  }
  // Else the worlds have become too hostile to show anything.
  CHECK(sum.leases > 20'000);
  CHECK(sum.reused > 10'000);
  CHECK(sum.handed_over > 2'000);
  CHECK(sum.queue_full > 2'000);
  CHECK(sum.queue_timeout > 2'000);
  CHECK(sum.abandoned > 2'000);
}

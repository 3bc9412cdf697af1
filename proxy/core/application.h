// What the pool knows of the application at one address, and how it has learned it: whether barriers
// (FCGI_GET_VALUES, php-fpm.md 8.3) work there, whether its scripts run on after END_REQUEST, whether it is
// there at all, whether it turns connections away, and with how many workers it was last found. Decides
// nothing of a connection. Time comes in.
//
//   unknown --no answer in time--> silent
//      ^ |                           |
//      | +---- kept after an answer -+--------> works
//      +------ an answer ------------+            |
//      |                                          |
//      +-- closed after an answer --> lacking     |
//      +-- another answer than php-fpm's --> odd <+
//
// Out of `lacking` and `odd` there is no way: a pool of another application is another pool.
#pragma once

#include <cstdint>
#include <optional>

#include "proxy/core/time.h"

namespace holdfast::core {

class Application {
 public:
  enum class Barriers : std::uint8_t {
    unknown,
    silent,   // unknown, and asked first of all it takes connections and does not answer
    works,    // each answer shows a worker that has nothing else to do
    lacking,  // it closes after an answer (php before 8.2.13), or was never asked
    odd,      // it answered as php-fpm does not: an answer proves nothing
  };

  // Prompt barriers in a row before a repeatable request may skip one.
  static constexpr std::uint32_t kPromptBarriersToTrust = 16;
  // Barriers skipped in a row before one is made again.
  static constexpr std::uint32_t kHandoversInRow = 15;

  // `asks`: it is asked unbidden at all.
  explicit Application(bool asks) : barriers_(asks ? Barriers::unknown : Barriers::lacking) {}

  // --- barriers
  Barriers barriers() const { return barriers_; }
  bool known() const { return barriers_ != Barriers::unknown && barriers_ != Barriers::silent; }
  bool barriers_work() const { return barriers_ == Barriers::works; }
  bool barriers_fail() const { return barriers_ == Barriers::lacking || barriers_ == Barriers::odd; }
  // The first question of all is not answered in time. Precondition: not known().
  void no_answer() { become(Barriers::silent); }
  // A new connection was answered: it is silent no more.
  void answered() {
    if (barriers_ == Barriers::silent) become(Barriers::unknown);
  }
  void kept_after_answer() { become(Barriers::works); }
  void closed_after_answer() {
    if (!known()) become(Barriers::lacking);
  }
  // False: that is known already, or it is not asked.
  bool answered_oddly();

  // --- scripts that run on after END_REQUEST
  // How long the barrier after a request has taken.
  void barrier_took(Duration delay, Time now);
  // A script was seen to run on (stray output).
  void saw_run_on(Time now);
  bool scripts_run_on(Time now) const { return run_on_until_ && now < *run_on_until_; }
  // May a repeatable request be given to a connection whose last script has not been proven to have ended?
  // Counts: after some in a row it is no, once.
  bool may_skip_barrier(Time now);

  // keep_alive: false, and it did not close after its request.
  bool leaves_open() const { return leaves_open_; }
  void left_open();

  // --- is it there
  bool reachable() const { return reachable_; }
  void set_reachable(bool reachable);

  // --- does it turn connections away
  // The application has ended a connection that was opened at `opened` and did nothing for us.
  void turned_away(Time opened, Time now);
  void served() { set_refusals(0); }
  // New connections that it closed before it answered anything, one after the other; those that came up
  // together, as before a restart, are one.
  std::uint32_t refusals() const { return refusals_; }

  // --- how many workers
  // No worker took a new connection in the longest time that is granted; so many workers have taken others.
  // For a while no more are to be opened than that: twice as long each time. Of several that are given up
  // together the first one counts.
  void no_worker(std::uint32_t workers, Time now);
  // A worker took a new connection: there are more than were known of, or one has become free.
  void worker_found();
  // 0: all is well.
  std::uint32_t workers_found() const { return crowded_for_ > Duration::zero() ? workers_found_ : 0; }
  // Until when no more than workers_found() are to be opened; nothing: now already.
  std::optional<Time> crowded_until(Time now) const;

  // Grows with each change of what an operator is told of: barriers(), leaves_open(), reachable(), refusals()
  // and workers_found().
  std::uint32_t changes() const { return changes_; }

 private:
  void become(Barriers barriers);
  void set_refusals(std::uint32_t refusals);

  Barriers barriers_;
  std::uint32_t prompt_barriers_ = 0;  // answered at once, since the last slow one; no more than are of use
  bool slow_barrier_seen_ = false;     // lately: one more, and scripts run on
  std::uint32_t handovers_in_row_ = 0;
  std::optional<Time> run_on_until_;
  bool leaves_open_ = false;
  bool reachable_ = false;
  std::uint32_t refusals_ = 0;
  Time last_refusal_{};
  std::uint32_t workers_found_ = 0;  // when crowded
  Duration crowded_for_{};           // the last time; 0: not crowded
  Time crowded_until_{};
  std::uint32_t changes_ = 0;
};

}  // namespace holdfast::core

// See application.h.
#include "proxy/core/application.h"

#include <algorithm>
#include <cassert>

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
// After no worker took a new connection, no more are opened than workers were found: for this long, twice as
// long each time.
constexpr Duration kCrowdedFirst = 1s;
constexpr Duration kCrowdedMost = 10min;
}  // namespace

void Application::become(Barriers barriers) {
  if (barriers_ == barriers) return;
  assert(!barriers_fail());  // what was learned there stays
  barriers_ = barriers;
  ++changes_;
}

bool Application::answered_oddly() {
  if (barriers_fail()) return false;
  become(Barriers::odd);
  return true;
}

bool Application::may_skip_barrier(Time now) {
  if (scripts_run_on(now)) return false;
  if (barriers_fail()) return true;  // there is none
  if (prompt_barriers_ < kPromptBarriersToTrust) return false;
  if (handovers_in_row_ >= kHandoversInRow) {
    handovers_in_row_ = 0;
    return false;
  }
  ++handovers_in_row_;
  return true;
}

void Application::barrier_took(Duration delay, Time now) {
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

void Application::saw_run_on(Time now) {
  run_on_until_ = now + kRunOnMemory;
  prompt_barriers_ = 0;
}

void Application::set_reachable(bool reachable) {
  if (reachable_ == reachable) return;
  reachable_ = reachable;
  ++changes_;
}

void Application::turned_away(Time opened, Time now) {
  if (opened <= last_refusal_) return;
  set_refusals(refusals_ + 1);
  last_refusal_ = now;
}

void Application::left_open() {
  if (leaves_open_) return;
  leaves_open_ = true;
  ++changes_;
}

void Application::set_refusals(std::uint32_t refusals) {
  if (refusals_ == refusals) return;
  refusals_ = refusals;
  ++changes_;
}

void Application::no_worker(std::uint32_t workers, Time now) {
  ++changes_;
  workers_found_ = workers;
  if (crowded_until(now)) return;
  crowded_for_ = std::clamp<Duration>(2 * crowded_for_, kCrowdedFirst, kCrowdedMost);
  crowded_until_ = now + crowded_for_;
}

void Application::worker_found() {
  if (crowded_for_ == Duration::zero()) return;
  crowded_for_ = {};
  crowded_until_ = {};
  ++changes_;
}

std::optional<Time> Application::crowded_until(Time now) const {
  if (crowded_for_ == Duration::zero() || now >= crowded_until_) return std::nullopt;
  return crowded_until_;
}

}  // namespace holdfast::core

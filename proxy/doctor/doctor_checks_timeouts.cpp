// php-fpm's two timeouts that meddle with kept connections: request_terminate_timeout, whose clock also runs
// while a connection is idle (fpm_request_check_timed_out(), php bug #78405), and process_control_timeout,
// which decides what a reload does to running requests (fpm_pctl_action_next()).
#include <algorithm>

#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

using std::chrono::seconds;

constexpr config::Duration kDay = std::chrono::hours(24);  // no timeout of ours may be longer

// php-fpm's file has no milliseconds.
std::string in_whole_seconds(config::Duration duration) {
  return std::to_string((duration.count() + 999) / 1000) + "s";
}

// Well below `limit`, which is a second at least.
std::string ping_below(config::Duration limit) {
  return in_seconds(std::min<config::Duration>(seconds(1), limit / 4));
}

const Change kNewerPhp = {"command", 0, "install php 8.2.13 or later, which can be pinged"};

void idle_is_not_pinged(const DoctorFacts& facts, const PoolFacts& pool, config::Duration limit,
                        Findings& found) {
  const config::Duration idle = pool.pool.recycle.idle;
  // So little of the limit that the next request hardly misses it.
  const config::Duration short_idle = limit / 10;
  if (idle.count() > 0 && idle <= short_idle) {
    found.ok("terminate_timeout", "request_terminate_timeout = " + in_seconds(limit) +
                                      ", idle connections are closed after " + in_seconds(idle));
    return;
  }
  const bool dies_idle = idle.count() == 0 || idle >= limit;
  const bool can_ping = pool.answers.values != FpmAnswers::Values::closes;
  const std::string what = "request_terminate_timeout = " + in_seconds(limit) +
                           ", idle connections are kept " +
                           (idle.count() == 0 ? "for ever" : in_seconds(idle)) + " and not pinged";
  const std::string why =
      std::string("php-fpm starts that clock when a worker begins to wait for the next request. ") +
      (dies_idle
           ? "It kills the worker of an idle connection, or the request that comes shortly before, half done."
           : "The idle time is charged to the next request, which may be killed half done, long before the "
             "time "
             "it was promised.");
  std::vector<Change> changes;
  changes.push_back(can_ping ? own_change(facts, pool, "ping", ping_below(limit)) : kNewerPhp);
  changes.push_back(
      own_change(facts, pool, "recycle.idle", in_seconds(std::min<config::Duration>(short_idle, kDay))));
  found.add(dies_idle ? FindingSeverity::error : FindingSeverity::warning, "terminate_timeout", what, why,
            std::move(changes));
}

void check_terminate(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  const config::Pool& ours = pool.pool;
  const config::Duration limit = seconds(pool.fpm->seconds("request_terminate_timeout").value_or(0));
  const std::string text = "request_terminate_timeout = " + in_seconds(limit);
  if (limit.count() == 0) {
    found.add(
        FindingSeverity::info, "terminate_timeout", "request_terminate_timeout is off",
        "A script that hangs (on a lock, on a remote service) keeps its worker for ever: "
        "max_execution_time does "
        "not count waiting. Holdfast gives up after timeouts.first_byte = " +
            in_seconds(ours.timeouts.first_byte) + ", but the worker does not.",
        {fpm_change(*pool.fpm, "request_terminate_timeout", in_whole_seconds(ours.timeouts.first_byte))});
    return;
  }
  if (ours.keep_alive && !ping_works(pool)) {
    idle_is_not_pinged(facts, pool, limit, found);
  } else if (ours.keep_alive && ours.ping >= limit) {
    found.add(FindingSeverity::error, "terminate_timeout",
              "ping: " + in_seconds(ours.ping) + " is not shorter than " + text,
              "php-fpm kills the worker of an idle connection before the ping resets its clock.",
              {own_change(facts, pool, "ping", ping_below(limit))});
  } else if (ours.timeouts.first_byte < limit) {
    found.add(FindingSeverity::info, "terminate_timeout",
              text + ", but timeouts.first_byte = " + in_seconds(ours.timeouts.first_byte),
              "A script between the two is answered 504 while it goes on and keeps its worker.",
              {limit <= kDay ? own_change(facts, pool, "timeouts.first_byte", in_seconds(limit))
                             : fpm_change(*pool.fpm, "request_terminate_timeout",
                                          in_whole_seconds(ours.timeouts.first_byte))});
  } else {
    found.ok("terminate_timeout", text);
  }
}

void check_control(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  const std::int64_t limit = pool.fpm_global.seconds("process_control_timeout").value_or(0);
  if (limit == 0) {
    found.add(FindingSeverity::warning, "control_timeout",
              "process_control_timeout = 0: a reload kills running requests",
              "php-fpm's reload (systemctl reload, kill -USR2) sends SIGTERM to its workers at once: what "
              "they work on "
              "is cut off, and answered 502 where it may not be repeated.",
              {fpm_change(pool.fpm_global, "process_control_timeout", "10s")});
  } else if (pool.pool.keep_alive && !ping_works(pool)) {
    const config::Duration terminate = seconds(pool.fpm->seconds("request_terminate_timeout").value_or(0));
    const std::string ping = terminate.count() > 0 ? ping_below(terminate) : "1s";
    found.add(FindingSeverity::warning, "control_timeout",
              "process_control_timeout = " + std::to_string(limit) + "s, and idle connections are not pinged",
              "A worker with an idle connection does not notice a reload: php-fpm waits the whole " +
                  std::to_string(limit) +
                  " s while new connections lie in the backlog. A ping lets it go at once.",
              {pool.answers.values == FpmAnswers::Values::closes ? kNewerPhp
                                                                 : own_change(facts, pool, "ping", ping)});
  } else {
    found.ok("control_timeout", "process_control_timeout = " + std::to_string(limit) + "s");
  }
}

}  // namespace

void check_timeouts(const DoctorFacts& facts, const PoolFacts& pool, std::vector<Finding>& out) {
  if (!pool.fpm) return;
  Findings found(out, "pool " + pool.pool.name);
  check_terminate(facts, pool, found);
  check_control(facts, pool, found);
}

}  // namespace holdfast

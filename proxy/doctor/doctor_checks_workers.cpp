// Are there enough workers for our connections, is pm the right one, is the backlog long enough.
#include <algorithm>

#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

bool same_application(const PoolFacts& a, const PoolFacts& b) {
  if (a.fpm && b.fpm) return a.fpm->name == b.fpm->name && a.fpm->file == b.fpm->file;
  return a.pool.address == b.pool.address;
}

// Connections of all our pools that end at this php-fpm pool: each pool counts only its own.
struct OurConnections {
  std::uint64_t sum = 0;
  std::size_t pools = 0;
  std::string text() const {
    const std::string number = "up to " + grouped(sum) + (sum == 1 ? " connection" : " connections");
    return pools == 1 ? number : number + " from " + std::to_string(pools) + " pools of ours together";
  }
};

OurConnections connections_to(const DoctorFacts& facts, const PoolFacts& pool) {
  OurConnections ours;
  for (const PoolFacts& each : facts.pools) {
    if (!same_application(each, pool)) continue;
    ours.sum += each.pool.max_connections;
    ++ours.pools;
  }
  return ours;
}

// One less than the workers, shared among our pools. Nothing where that is no less than what is set.
std::vector<Change> fewer_connections(const DoctorFacts& facts, const PoolFacts& pool, std::uint64_t workers,
                                      std::size_t pools) {
  const std::uint64_t share = workers > 1 ? (workers - 1) / pools : 0;
  if (share == 0 || share >= pool.pool.max_connections) return {};
  return {own_change(facts, pool, "max_connections", std::to_string(share))};
}

// Why php-fpm's own configuration says nothing here.
std::string unknown_reason(const DoctorFacts& facts) {
  if (facts.fpm_configs.empty()) return "no configuration of php-fpm was found on this machine";
  for (const FpmConfig& config : facts.fpm_configs) {
    if (!config.problems.empty()) return config.problems.front();
  }
  return "no pool of " + facts.fpm_configs.front().file + " listens at this address";
}

void check_max_children(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  const OurConnections all = connections_to(facts, pool);
  const std::uint64_t connections = all.sum;
  const std::string ours = all.text();
  const auto children = pool.fpm ? pool.fpm->number("pm.max_children") : std::nullopt;
  if (!children || *children < 1) {
    found.add(FindingSeverity::info, "workers", ours + "; pm.max_children is not known",
              "php-fpm does not tell it by FastCGI, and " + unknown_reason(facts) +
                  ". See that it is at least " + grouped(connections + 1) +
                  ", or name the file with --fpm-config.",
              {});
    return;
  }
  const auto workers = static_cast<std::uint64_t>(*children);
  const Change more = fpm_change(*pool.fpm, "pm.max_children", std::to_string(connections + 1));
  const std::string what = ours + ", and pm.max_children = " + grouped(workers);
  std::vector<Change> changes = fewer_connections(facts, pool, workers, all.pools);
  if (connections > workers) {
    changes.push_back(more);
    const bool proven = pool.pool.application == config::Application::php_fpm && pool.pool.keep_alive;
    found.add(
        FindingSeverity::error, "workers", what,
        "A connection holds a worker for as long as it is open, idle or not. " +
            grouped(connections - workers) + " of ours would find none, and nobody else either. " +
            (proven ? "Requests wait in our queue instead, for the connections that have one."
                    : "php-fpm leaves them in its backlog without a word, the requests on them wait until "
                      "they time out, and still run when their clients have long gone."),
        std::move(changes));
  } else if (connections == workers) {
    changes.insert(changes.begin(), more);
    found.add(
        FindingSeverity::warning, "workers", what + ": none is left for anybody else",
        "Another client of this php-fpm (a status page, a second server, cron) waits for as long as our "
        "connections are kept, and so do we while a worker is replaced.",
        std::move(changes));
  } else {
    found.ok("workers", what);
  }
}

// How many workers a burst finds when nothing has happened for a while; php-fpm's own rule where it is not
// set.
std::int64_t spare_workers(const FpmSection& fpm) {
  const std::int64_t least = fpm.number("pm.min_spare_servers").value_or(1);
  const std::int64_t most = fpm.number("pm.max_spare_servers").value_or(least);
  return fpm.number("pm.start_servers").value_or(least + (most - least) / 2);
}

void check_dynamic(const PoolFacts& pool, const Change& to_static, Findings& found) {
  const std::int64_t found_at_once = pool.fpm ? spare_workers(*pool.fpm) : 0;
  if (pool.fpm && found_at_once < static_cast<std::int64_t>(pool.pool.max_connections)) {
    found.add(
        FindingSeverity::warning, "pm",
        "pm = dynamic with " + std::to_string(found_at_once) + " workers at the start, for up to " +
            std::to_string(pool.pool.max_connections) + " connections",
        "php-fpm looks once a second whether more are needed, and forks one, then two, four, ...: after a "
        "quiet time requests wait in our queue for seconds while pm.max_children would allow more.",
        {to_static, fpm_change(*pool.fpm, "pm.start_servers", std::to_string(pool.pool.max_connections))});
    return;
  }
  found.add(
      FindingSeverity::info, "pm", "pm = dynamic, and connections are kept",
      "php-fpm counts a worker with an idle kept connection as active, so it forks spare workers beside "
      "ours and may log \"server reached pm.max_children\" while nobody works. Harmless; static is "
      "calmer.",
      {to_static});
}

void check_pm(const PoolFacts& pool, Findings& found) {
  std::optional<std::string> pm = pool.fpm ? pool.fpm->text("pm") : std::nullopt;
  const auto told = pool.answers.status.find("process manager");
  if (!pm && told != pool.answers.status.end()) pm = told->second;
  if (!pm) return;
  const Change to_static =
      pool.fpm ? fpm_change(*pool.fpm, "pm", "static") : Change{"php-fpm's pool file", 0, "pm = static"};
  if (*pm == "static" || !pool.pool.keep_alive) {
    found.ok("pm", "pm = " + *pm);
  } else if (*pm == "ondemand") {
    found.add(FindingSeverity::warning, "pm", "pm = ondemand, and connections are kept",
              "php-fpm counts a worker with an idle kept connection as active: it is never stopped, and "
              "pm.process_idle_timeout counts only after recycle.idle. Each new connection waits for a fork, "
              "and in a burst php-fpm overlooks some: we open those again after 20 ms and more (closed: "
              "no_worker) until it forks.",
              {to_static});
  } else {
    check_dynamic(pool, to_static, found);
  }
}

// -1 means as long as the kernel allows; so does a default since php 8.2 (511 before).
void check_backlog(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  if (!pool.fpm) return;
  const std::optional<std::int64_t> set = pool.fpm->number("listen.backlog");
  const auto somaxconn = static_cast<std::int64_t>(facts.system.somaxconn.value_or(4096));
  const auto needed = static_cast<std::int64_t>(connections_to(facts, pool).sum);
  if (!set) {
    found.ok("backlog", "listen.backlog is php-fpm's default");
    return;
  }
  if (*set > somaxconn) {
    found.add(FindingSeverity::warning, "backlog",
              "listen.backlog = " + std::to_string(*set) +
                  ", but net.core.somaxconn = " + std::to_string(somaxconn),
              "The kernel silently cuts the backlog to somaxconn.",
              {sysctl_change(facts, "net.core.somaxconn", std::to_string(*set)),
               fpm_change(*pool.fpm, "listen.backlog", "-1")});
  } else if (*set >= 0 && *set < needed) {
    found.add(FindingSeverity::warning, "backlog",
              "listen.backlog = " + std::to_string(*set) + " is shorter than our " + std::to_string(needed) +
                  " connections",
              "When php-fpm restarts, all of them come back at once; past the backlog a Unix socket answers "
              "EAGAIN and "
              "TCP drops the SYN for a second.",
              {fpm_change(*pool.fpm, "listen.backlog", "-1")});
  } else {
    found.ok("backlog", "listen.backlog = " + std::to_string(*set));
  }
}

}  // namespace

void check_workers(const DoctorFacts& facts, const PoolFacts& pool, std::vector<Finding>& out) {
  Findings found(out, "pool " + pool.pool.name);
  check_max_children(facts, pool, found);
  check_pm(pool, found);
  check_backlog(facts, pool, found);
}

}  // namespace holdfast

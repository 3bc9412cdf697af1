// Limits of the process and of the kernel that are not about ports: descriptors, somaxconn, conntrack.
#include "proxy/core/descriptor_plan.h"
#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

void check_descriptors(const DoctorFacts& facts, Findings& found) {
  core::DescriptorNeeds needs;
  needs.listeners = facts.listening.size();
  for (const PoolFacts& pool : facts.pools) needs.upstream_connections += pool.pool.max_connections + 1;
  const std::uint64_t clients = facts.clients_max;
  const std::uint64_t needed = core::descriptors_for(clients, needs);
  const std::string what =
      "descriptors: hard limit " + grouped(facts.nofile_max) + ", needed up to " + grouped(needed);
  if (facts.nofile_max >= needed) {
    found.ok("fd_limit", what);
    return;
  }
  const std::uint64_t possible = core::clients_by_descriptors(facts.nofile_max, needs);
  std::vector<Change> changes = {{"holdfast.service", 0, "LimitNOFILE=" + std::to_string(needed)},
                                 {"shell", 0, "ulimit -Hn " + std::to_string(needed)}};
  if (possible > 0 && possible < clients)
    changes.push_back(own_change(facts, "client.max_connections", std::to_string(possible)));
  found.add(
      FindingSeverity::warning, "fd_limit", what,
      "client.max_connections = " + grouped(clients) +
          " and the connections of all pools must fit, and for each client a file that is sent to it or "
          "spooled for it. As it is " +
          grouped(possible) +
          " clients are let in. (Seen here is the limit of this shell; that of a service stands in its "
          "unit.)",
      std::move(changes));
}

void check_somaxconn(const DoctorFacts& facts, Findings& found) {
  constexpr std::uint64_t kFew =
      511;  // what servers have asked for since nginx; the kernel's default was 128
  if (!facts.system.somaxconn) return;
  const std::string what = "net.core.somaxconn = " + grouped(*facts.system.somaxconn);
  if (*facts.system.somaxconn < kFew) {
    found.add(FindingSeverity::warning, "somaxconn", what + " is low",
              "It bounds the backlog of every listener, ours and php-fpm's: a burst of new clients past it "
              "is dropped "
              "and tries again after a second. The default is 4,096 since Linux 5.4.",
              {sysctl_change(facts, "net.core.somaxconn", "4096")});
    return;
  }
  found.ok("somaxconn", what);
}

void check_conntrack(const DoctorFacts& facts, Findings& found) {
  const auto& [count, max] = std::pair(facts.system.conntrack_count, facts.system.conntrack_max);
  if (!max || *max == 0) {
    found.ok("conntrack", "connection tracking is not loaded");
    return;
  }
  if (!count) {  // the count is of the namespace, and hidden in some
    found.ok("conntrack", "connection tracking: room for " + grouped(*max));
    return;
  }
  const std::uint64_t percent = *count * 100 / *max;
  const std::string what = "connection tracking: " + grouped(*count) + " of " + grouped(*max) + " entries (" +
                           std::to_string(percent) + " %)";
  constexpr std::uint64_t kFull = 95;
  constexpr std::uint64_t kMuch = 75;
  if (percent < kMuch) {
    found.ok("conntrack", what);
    return;
  }
  found.add(percent >= kFull ? FindingSeverity::error : FindingSeverity::warning, "conntrack", what,
            "A full table drops new connections of every kind (\"nf_conntrack: table full\" in the kernel's "
            "log); ssh is "
            "among the first to be missed. A closed connection keeps its entry for 120 s.",
            {sysctl_change(facts, "net.netfilter.nf_conntrack_max", std::to_string(*max * 4))});
}

}  // namespace

void check_system(const DoctorFacts& facts, std::vector<Finding>& out) {
  Findings found(out, "system");
  check_descriptors(facts, found);
  check_somaxconn(facts, found);
  check_conntrack(facts, found);
}

}  // namespace holdfast

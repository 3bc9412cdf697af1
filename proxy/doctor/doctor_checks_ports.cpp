// Ephemeral ports and TIME_WAIT. A connection stays in TIME_WAIT for 60 s (TCP_TIMEWAIT_LEN,
// include/net/tcp.h) at the end that closed first. Without FCGI_KEEP_CONN that is php-fpm, on its own port;
// where the proxy closes first, each connection costs one of its ephemeral ports.
#include <algorithm>

#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

constexpr std::uint64_t kTimeWaitSeconds = 60;
constexpr std::uint32_t kFewPorts = 10'000;
constexpr const char* kRangeKey = "net.ipv4.ip_local_port_range";

bool short_tcp(const PoolFacts& pool) {
  return pool.pool.address.kind == config::Address::Kind::tcp && !pool.pool.keep_alive;
}

std::string range_text(const net::PortRange& range) {
  return grouped(range.size()) + " ports (" + std::to_string(range.first) + "-" + std::to_string(range.last) +
         ")";
}

void check_short_connections(const DoctorFacts& facts, const net::PortRange& range,
                             std::vector<Finding>& out) {
  const std::uint64_t a_second = range.size() / kTimeWaitSeconds;
  for (const PoolFacts& pool : facts.pools) {
    if (!short_tcp(pool)) continue;
    Findings found(out, "pool " + pool.pool.name);
    std::vector<Change> changes = {own_change(facts, pool, "keep_alive", "true")};
    if (is_loopback(pool.pool.address)) {
      changes.push_back(own_change(facts, pool, "address",
                                   "unix:/run/php/php-fpm.sock   # and the same as php-fpm's listen"));
    }
    found.add(FindingSeverity::warning, "short_connections",
              "keep_alive: false over TCP: each request leaves a connection in TIME_WAIT for 60 s",
              "php-fpm closes first, so they lie on its port " + std::to_string(pool.pool.address.port) +
                  " and cost memory. Where the proxy closes first (a client left, a timeout) each takes one "
                  "of our " +
                  range_text(range) + ": they last for " + grouped(a_second) +
                  " new connections a second, then connect() fails with EADDRNOTAVAIL.",
              std::move(changes));
  }
}

void check_range(const DoctorFacts& facts, const net::PortRange& range, Findings& found) {
  const std::string last =
      "they last for " + grouped(range.size() / kTimeWaitSeconds) + " new TCP connections a second";
  if (range.size() < kFewPorts) {
    found.add(FindingSeverity::warning, "port_range", "only " + range_text(range) + "; " + last,
              "Each outgoing connection that we close first keeps its port for 60 s; when none is left, "
              "connect() fails "
              "with EADDRNOTAVAIL.",
              {sysctl_change(facts, kRangeKey, "32768 60999")});
    return;
  }
  found.ok("port_range", range_text(range) + "; " + last);
}

// A port that the kernel may lend to an outgoing connection of any program may be taken when its service
// restarts.
void check_overlap(const DoctorFacts& facts, const net::PortRange& range, Findings& found) {
  std::vector<std::uint16_t> ports;
  const auto add = [&ports](const config::Address& address) {
    if (address.kind == config::Address::Kind::tcp && address.port != 0) ports.push_back(address.port);
  };
  for (const config::Address& address : facts.listening) add(address);
  for (const PoolFacts& pool : facts.pools) {
    if (is_loopback(pool.pool.address)) add(pool.pool.address);
  }
  std::string list;
  for (const std::uint16_t port : ports) {
    const auto& reserved = facts.system.reserved_ports;
    const bool kept = std::any_of(reserved.begin(), reserved.end(),
                                  [port](const net::PortRange& each) { return each.contains(port); });
    if (range.contains(port) && !kept) list += (list.empty() ? "" : ",") + std::to_string(port);
  }
  if (list.empty()) return;
  // The kernel takes the list as a whole: what is reserved already stays in it.
  std::string reserved;
  for (const net::PortRange& each : facts.system.reserved_ports) {
    reserved += std::to_string(each.first) +
                (each.last > each.first ? "-" + std::to_string(each.last) : std::string()) + ",";
  }
  std::vector<Change> changes = {sysctl_change(facts, "net.ipv4.ip_local_reserved_ports", reserved + list)};
  const net::PortRange usual{};
  if (std::none_of(ports.begin(), ports.end(), [&usual](std::uint16_t port) { return usual.contains(port); }))
    changes.push_back(sysctl_change(facts, kRangeKey, "32768 60999"));
  found.add(FindingSeverity::warning, "port_overlap",
            "port " + list + " lies within the ephemeral range " + std::to_string(range.first) + "-" +
                std::to_string(range.last),
            "While its service is down the kernel may lend the port to any outgoing connection; the service "
            "then does "
            "not start again (EADDRINUSE).",
            std::move(changes));
}

void check_reuse(const DoctorFacts& facts, Findings& found) {
  const std::optional<std::uint64_t> reuse = facts.system.tcp_tw_reuse;
  if (!reuse) return;
  const bool wanted = std::any_of(facts.pools.begin(), facts.pools.end(), short_tcp);
  const std::string what = "net.ipv4.tcp_tw_reuse = " + std::to_string(*reuse);
  if (*reuse == 0 && wanted) {
    found.add(FindingSeverity::warning, "tw_reuse", what + ": off",
              "Short TCP connections to php-fpm then run out of ports sooner. It helps the connecting side "
              "alone; the "
              "kernel's default 2 allows it on loopback.",
              {sysctl_change(facts, "net.ipv4.tcp_tw_reuse", "2")});
  } else if (*reuse == 1) {
    found.add(
        FindingSeverity::info, "tw_reuse", what + ": on for all connections",
        "It helps only the side that connects, and hides the cost of short connections without removing it. "
        "With kept connections it is not needed; the default is 2 (loopback only).",
        {});
  } else {
    found.ok("tw_reuse", what);
  }
}

void check_recycle(const DoctorFacts& facts, Findings& found) {
  constexpr const char* kWhy =
      "tcp_tw_recycle was removed in Linux 4.12: it refused clients behind one NAT address whose clocks "
      "differ, and "
      "since 4.10 timestamps are random per connection, so it would refuse everybody. No setting takes its "
      "place; "
      "keeping connections open does what it was meant for.";
  if (facts.system.tcp_tw_recycle.value_or(0) != 0) {
    found.add(FindingSeverity::error, "tw_recycle",
              "net.ipv4.tcp_tw_recycle = 1: clients behind NAT are refused", kWhy,
              {sysctl_change(facts, "net.ipv4.tcp_tw_recycle", "0")});
    return;
  }
  for (const net::SysctlLine& line : facts.system.sysctl_lines) {
    if (line.key != "net.ipv4.tcp_tw_recycle") continue;
    found.add(FindingSeverity::warning, "tw_recycle", line.file + " still sets net.ipv4.tcp_tw_recycle", kWhy,
              {{line.file, line.line, "(remove this line)"}});
    return;
  }
  found.add(FindingSeverity::info, "tw_recycle", "net.ipv4.tcp_tw_recycle, of much old advice, is not set",
            kWhy, {});
}

void check_buckets(const DoctorFacts& facts, const net::PortRange& range, Findings& found) {
  const std::optional<std::uint64_t> buckets = facts.system.tcp_max_tw_buckets;
  if (!buckets) return;
  const std::string what = "net.ipv4.tcp_max_tw_buckets = " + grouped(*buckets);
  constexpr std::uint64_t kFewBuckets = 4096;  // what the kernel gives the smallest machines
  const bool many_needed = std::any_of(facts.pools.begin(), facts.pools.end(), short_tcp);
  if (*buckets < kFewBuckets || (many_needed && *buckets < range.size())) {
    found.add(FindingSeverity::warning, "tw_buckets", what + " is low",
              "Past it the kernel drops connections out of TIME_WAIT early (\"time wait bucket table "
              "overflow\" in its "
              "log), and late segments of one connection may meet the next. It is a guard against floods, "
              "not a cure.",
              {sysctl_change(facts, "net.ipv4.tcp_max_tw_buckets", "65536")});
    return;
  }
  found.ok("tw_buckets", what + (facts.system.time_wait_now
                                     ? ", " + grouped(*facts.system.time_wait_now) + " in TIME_WAIT now"
                                     : ""));
}

}  // namespace

void check_ports(const DoctorFacts& facts, std::vector<Finding>& out) {
  const net::PortRange range = facts.system.port_range.value_or(net::PortRange{});
  check_short_connections(facts, range, out);
  Findings found(out, "system");
  check_range(facts, range, found);
  check_overlap(facts, range, found);
  check_reuse(facts, found);
  check_recycle(facts, found);
  check_buckets(facts, range, found);
}

}  // namespace holdfast

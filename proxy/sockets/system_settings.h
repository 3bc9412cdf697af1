// The kernel's network settings as /proc/sys shows them, and what sysctl files ask for. Readers only; what is
// right or wrong about a value is doctor's affair. The roots are arguments, so tests use a folder of their
// own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/sockets/socket_table.h"

namespace holdfast::net {

// A line of /etc/sysctl.conf or /etc/sysctl.d/*.conf.
struct SysctlLine {
  std::string file;
  int line = 0;
  std::string key;  // dots, as in "net.ipv4.tcp_tw_reuse"
  std::string value;
};

// nullopt: the kernel has no such setting (not built in, module not loaded, or another network namespace
// hides it).
struct SystemSettings {
  std::optional<std::uint64_t> somaxconn;
  std::optional<PortRange> port_range;
  std::vector<PortRange> reserved_ports;
  std::optional<std::uint64_t> tcp_tw_reuse;        // 0 off, 1 on, 2 loopback only
  std::optional<std::uint64_t> tcp_tw_recycle;      // present only before Linux 4.12
  std::optional<std::uint64_t> tcp_max_tw_buckets;  // of this network namespace
  std::optional<std::uint64_t> conntrack_count;
  std::optional<std::uint64_t> conntrack_max;
  std::optional<std::uint64_t> time_wait_now;  // from /proc/net/sockstat
  std::vector<SysctlLine> sysctl_lines;
};

std::optional<PortRange> read_port_range(const std::string& proc_sys);

// Reads below `root` ("" for the real one): root/proc/sys/..., root/proc/net/sockstat, root/etc/sysctl*.
SystemSettings read_system_settings(const std::string& root = "");

// "8080,9000-9010" as ip_local_reserved_ports has it.
std::vector<PortRange> parse_port_list(const std::string& text);

}  // namespace holdfast::net

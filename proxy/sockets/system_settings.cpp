// Readers of /proc/sys and of sysctl files; see system_settings.h.
#include "proxy/sockets/system_settings.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "proxy/text/ascii.h"

namespace holdfast::net {

namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<std::uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::string trim(const std::string& text) {
  return std::string(text::trim_line(text));
}

// sysctl.conf(5): "key = value", comments with '#' or ';', a '-' before the key ignores errors, and slashes
// may stand for dots.
void read_sysctl_file(const std::string& path, std::vector<SysctlLine>& out) {
  std::ifstream file(path);
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    text = trim(text);
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    std::string key = trim(text.substr(0, equals));
    if (!key.empty() && key[0] == '-') key.erase(0, 1);
    std::replace(key.begin(), key.end(), '/', '.');
    out.push_back({path, number, key, trim(text.substr(equals + 1))});
  }
}

std::vector<SysctlLine> read_sysctl_lines(const std::string& root) {
  std::vector<SysctlLine> lines;
  read_sysctl_file(root + "/etc/sysctl.conf", lines);
  std::vector<std::string> files;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(root + "/etc/sysctl.d", failure)) {
    // Debian links 99-sysctl.conf to ../sysctl.conf: the same lines again.
    if (entry.path().extension() == ".conf" && !entry.is_symlink(failure)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) read_sysctl_file(file, lines);
  return lines;
}

// "TCP: inuse 9 orphan 0 tw 14105 alloc 12 mem 2"
std::optional<std::uint64_t> read_time_wait(const std::string& path) {
  std::istringstream text(read_text(path).value_or(""));
  std::string line;
  while (std::getline(text, line)) {
    if (line.rfind("TCP:", 0) != 0) continue;
    std::istringstream fields(line.substr(4));
    std::string name;
    std::uint64_t value = 0;
    while (fields >> name >> value) {
      if (name == "tw") return value;
    }
  }
  return std::nullopt;
}

std::optional<std::uint16_t> to_port(const std::string& text) {
  std::uint16_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<PortRange> read_port_range(const std::string& proc_sys) {
  std::ifstream file(proc_sys + "/net/ipv4/ip_local_port_range");
  PortRange range;
  if (!(file >> range.first >> range.last)) return std::nullopt;
  return range;
}

std::vector<PortRange> parse_port_list(const std::string& text) {
  std::vector<PortRange> ranges;
  std::istringstream items(text);
  std::string item;
  while (std::getline(items, item, ',')) {
    item = trim(item);
    const std::size_t dash = item.find('-');
    const std::optional<std::uint16_t> first = to_port(item.substr(0, dash));
    const std::optional<std::uint16_t> last =
        dash == std::string::npos ? first : to_port(item.substr(dash + 1));
    if (first && last) ranges.push_back({*first, *last});
  }
  return ranges;
}

SystemSettings read_system_settings(const std::string& root) {
  const std::string proc_sys = root + "/proc/sys";
  const std::string ipv4 = proc_sys + "/net/ipv4/";
  const std::string netfilter = proc_sys + "/net/netfilter/";
  SystemSettings settings;
  settings.somaxconn = read_number(proc_sys + "/net/core/somaxconn");
  settings.port_range = read_port_range(proc_sys);
  settings.reserved_ports = parse_port_list(read_text(ipv4 + "ip_local_reserved_ports").value_or(""));
  settings.tcp_tw_reuse = read_number(ipv4 + "tcp_tw_reuse");
  settings.tcp_tw_recycle = read_number(ipv4 + "tcp_tw_recycle");
  settings.tcp_max_tw_buckets = read_number(ipv4 + "tcp_max_tw_buckets");
  settings.conntrack_count = read_number(netfilter + "nf_conntrack_count");
  settings.conntrack_max = read_number(netfilter + "nf_conntrack_max");
  settings.time_wait_now = read_time_wait(root + "/proc/net/sockstat");
  settings.sysctl_lines = read_sysctl_lines(root);
  return settings;
}

}  // namespace holdfast::net

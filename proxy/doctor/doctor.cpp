// diagnose(): runs the groups of checks and sorts; and what the groups share.
#include "proxy/doctor/doctor.h"

#include <algorithm>

#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

std::string_view severity_name(FindingSeverity severity) {
  switch (severity) {
    case FindingSeverity::ok: return "ok";
    case FindingSeverity::info: return "info";
    case FindingSeverity::warning: return "warning";
    case FindingSeverity::error: return "error";
  }
  return "?";
}

std::vector<Finding> diagnose(const DoctorFacts& facts) {
  std::vector<Finding> findings;
  for (const PoolFacts& pool : facts.pools) {
    check_reach(facts, pool, findings);
    if (pool.pool.application == config::Application::generic) continue;  // the rest is about php-fpm
    check_workers(facts, pool, findings);
    check_timeouts(facts, pool, findings);
  }
  check_roots(facts, findings);
  check_rights(facts, findings);
  check_hidden(facts, findings);
  check_front(facts, findings);
  check_ports(facts, findings);
  check_system(facts, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return findings;
}

int exit_status_of(const std::vector<Finding>& findings) {
  FindingSeverity worst = FindingSeverity::ok;
  for (const Finding& finding : findings) worst = std::max(worst, finding.severity);
  switch (worst) {
    case FindingSeverity::ok:
    case FindingSeverity::info: return 0;
    case FindingSeverity::warning: return 1;
    case FindingSeverity::error: return 2;
  }
  return 2;
}

bool may_connect(const Account& account, const SocketFile& file) {
  constexpr std::uint32_t kOwnerWrite = 0200;
  constexpr std::uint32_t kGroupWrite = 0020;
  constexpr std::uint32_t kOthersWrite = 0002;
  if (account.uid == 0) return true;
  // The kernel takes the first class that fits, not the best one (path_resolution(7)).
  if (account.uid == file.uid) return (file.mode & kOwnerWrite) != 0;
  const bool in_group =
      std::find(account.groups.begin(), account.groups.end(), file.gid) != account.groups.end();
  return (file.mode & (in_group ? kGroupWrite : kOthersWrite)) != 0;
}

Change fpm_change(const FpmSection& section, const std::string& key, const std::string& value) {
  const std::string text = key + " = " + value;
  const FpmSetting* setting = section.find(key);
  if (setting != nullptr) return {setting->file, setting->line, text};
  return {section.file, 0, "[" + section.name + "] " + text};
}

Change own_change(const DoctorFacts& facts, const PoolFacts& pool, const std::string& key,
                  const std::string& value) {
  return own_change(facts, "pools." + pool.pool.name + "." + key, value);
}

Change own_change(const DoctorFacts& facts, const std::string& key, const std::string& value) {
  return {facts.config_file, 0, key + ": " + value};
}

Change sysctl_change(const DoctorFacts& facts, const std::string& key, const std::string& value) {
  const std::string text = key + " = " + value;
  // The last line that sets it is the one that counts.
  for (auto at = facts.system.sysctl_lines.rbegin(); at != facts.system.sysctl_lines.rend(); ++at) {
    if (at->key == key) return {at->file, at->line, text};
  }
  return {"/etc/sysctl.d/90-holdfast.conf", 0, text};
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

bool ping_works(const PoolFacts& pool) {
  using Values = FpmAnswers::Values;
  if (pool.pool.application != config::Application::php_fpm) return false;
  return pool.pool.ping.count() > 0 && pool.answers.values != Values::closes;
}

bool is_loopback(const config::Address& address) {
  return address.kind == config::Address::Kind::tcp &&
         (address.host == "localhost" || address.host == "::1" || address.host.rfind("127.", 0) == 0);
}

std::string in_seconds(config::Duration duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + "s" : std::to_string(count) + "ms";
}

}  // namespace holdfast

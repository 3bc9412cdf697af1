// Set-ups for the tests of doctor: two that are as they should be, and a check of one finding.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/doctor/doctor.h"

namespace holdfast::doctor_test {

inline constexpr const char* kPoolFile = "/etc/php/8.2/fpm/pool.d/www.conf";
inline constexpr std::uint32_t kWwwData = 33;
inline constexpr std::uint32_t kHoldfast = 990;

inline void set(FpmSection& section, const std::string& key, const std::string& value) {
  const int line = static_cast<int>(section.settings.size()) + 10;
  section.settings[key] = {value, section.file,
                           section.find(key) != nullptr ? section.find(key)->line : line};
}

// A set-up as it should be: Unix socket, kept connections, enough workers, a graceful reload.
inline DoctorFacts good() {
  DoctorFacts facts;
  facts.config_file = "holdfast.yaml";
  facts.account = {"holdfast", kHoldfast, {kHoldfast, kWwwData}};
  facts.nofile_max = 65536;
  facts.listening = {{config::Address::Kind::tcp, "127.0.0.1", 8080, {}},
                     {config::Address::Kind::tcp, "127.0.0.1", 9180, {}}};
  facts.clients_max = 10000;
  facts.listening = {{config::Address::Kind::tcp, "127.0.0.1", 8080, {}},
                     {config::Address::Kind::tcp, "127.0.0.1", 9180, {}}};
  facts.clients_max = 10000;
  facts.system.somaxconn = 4096;
  facts.system.port_range = net::PortRange{};
  facts.system.tcp_tw_reuse = 2;
  facts.system.tcp_max_tw_buckets = 131072;
  facts.system.conntrack_count = 100;
  facts.system.conntrack_max = 262144;

  PoolFacts pool;
  pool.pool.name = "php";
  pool.pool.address = {config::Address::Kind::unix_socket, {}, 0, "/run/php/php8.2-fpm.sock"};
  pool.socket_file = SocketFile{0, true, 0660, kWwwData, kWwwData, "www-data", "www-data"};
  pool.fpm = FpmSection{"www", kPoolFile, 1, {}};
  set(*pool.fpm, "listen", "/run/php/php8.2-fpm.sock");
  set(*pool.fpm, "pm", "static");
  set(*pool.fpm, "pm.max_children", "5");
  set(*pool.fpm, "request_terminate_timeout", "60s");
  pool.fpm_global = FpmSection{"global", "/etc/php/8.2/fpm/php-fpm.conf", 1, {}};
  set(pool.fpm_global, "process_control_timeout", "10s");
  pool.answers.connected = true;
  pool.answers.values = FpmAnswers::Values::keeps;
  pool.answers.script = FpmAnswers::Script::not_found;
  facts.pools.push_back(pool);

  RootFacts root;
  root.site = "example.com";
  root.root = root.php_root = "/srv/app/public";
  root.pool = "php";
  root.exists_here = true;
  root.seen_by_php = RootFacts::Seen::yes;
  root.probe_file = "/srv/app/public/style.css";
  facts.roots.push_back(root);
  return facts;
}

// The same over TCP.
inline DoctorFacts good_tcp() {
  DoctorFacts facts = good();
  PoolFacts& pool = facts.pools[0];
  pool.pool.address = {config::Address::Kind::tcp, "127.0.0.1", 9000, {}};
  pool.socket_file.reset();
  set(*pool.fpm, "listen", "127.0.0.1:9000");
  pool.answers.local_address = "127.0.0.1";
  return facts;
}

inline const Finding& finding(const std::vector<Finding>& findings, std::string_view id) {
  const auto at =
      std::find_if(findings.begin(), findings.end(), [id](const Finding& each) { return each.id == id; });
  REQUIRE_MESSAGE(at != findings.end(), std::string(id));
  return *at;
}

// Checks the finding, that nothing else became a warning, and that a change names `file` and `line`.
inline Finding expect(const DoctorFacts& facts, const std::string& id, FindingSeverity severity,
                      const std::string& what, const std::string& change) {
  const std::vector<Finding> findings = diagnose(facts);
  const Finding& found = finding(findings, id);
  CAPTURE(id);
  CHECK(severity_name(found.severity) == severity_name(severity));
  CHECK_MESSAGE(found.what.find(what) != std::string::npos, found.what);
  std::string changes;
  for (const Change& each : found.changes) {
    changes += each.file + (each.line > 0 ? ":" + std::to_string(each.line) : "") + ": " + each.text + "\n";
  }
  CHECK_MESSAGE(changes.find(change) != std::string::npos, changes);
  CHECK_FALSE(found.why.empty());
  const auto worse = [&id](const Finding& each) {
    return each.id != id && each.severity >= FindingSeverity::warning;
  };
  for (const Finding& each : findings) CHECK_MESSAGE(!worse(each), each.what);
  return found;
}

}  // namespace holdfast::doctor_test

// Set-ups with a web server in front: its configuration as text, read, and what doctor says of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "doctor_set_ups.h"
#include "proxy/doctor/front_readers.h"

namespace holdfast::doctor_test {

inline const config::Address kListener = {
    config::Address::Kind::unix_socket, {}, 0, "/run/holdfast/php.sock"};

// Our listener and its pool, php, at php8.2-fpm.sock; queue.timeout 10s, timeouts.first_byte 60s.
inline DoctorFacts with_listener() {
  DoctorFacts facts = good();
  ListenerFacts& listener = facts.listeners.emplace_back();
  listener.address = kListener;
  listener.pools = {"php"};
  listener.socket_file = SocketFile{0, true, 0660, kHoldfast, kWwwData, "holdfast", "www-data"};
  return facts;
}

// With a web server that has this configuration, as root's doctor finds it.
inline DoctorFacts behind(FrontConfig config) {
  DoctorFacts facts = with_listener();
  FrontFacts& front = facts.fronts.emplace_back();
  front.file = "front.conf";
  front.config = std::move(config);
  front.account = Account{"www-data", kWwwData, {kWwwData}};
  front.group = "www-data";
  return facts;
}

inline FrontFiles files_of(std::map<std::string, std::string> files) {
  return [files = std::move(files)](const std::string& pattern) -> std::vector<FrontFile> {
    const auto found = files.find(pattern);
    if (found == files.end()) return {};
    return {{pattern, found->second}};
  };
}

inline std::string addresses_of(const FrontConfig& config) {
  std::string out;
  for (const FrontPass& pass : config.passes) {
    for (const config::Address& each : pass.addresses) out += (out.empty() ? "" : " ") + each.text();
  }
  return out;
}

// "front ok, front_timeout warning": the findings about web servers, ok ones of `front` first.
inline std::string said_of(const DoctorFacts& facts) {
  std::string out;
  for (const Finding& each : diagnose(facts)) {
    if (!each.id.starts_with("front") || each.severity == FindingSeverity::ok) continue;
    out += (out.empty() ? "" : ", ") + each.id + " " + std::string(severity_name(each.severity));
  }
  return out.empty() ? "nothing" : out;
}

}  // namespace holdfast::doctor_test

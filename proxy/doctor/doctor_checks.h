// The groups of checks behind diagnose(). Each appends findings, the good ones included, and is pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/doctor/doctor.h"

namespace holdfast {

// Collects findings of one subject.
class Findings {
 public:
  Findings(std::vector<Finding>& out, std::string subject) : out_(out), subject_(std::move(subject)) {}
  void ok(std::string id, std::string what) {
    add(FindingSeverity::ok, std::move(id), std::move(what), {}, {});
  }
  void add(FindingSeverity severity, std::string id, std::string what, std::string why,
           std::vector<Change> changes) {
    out_.push_back({std::move(id), severity, subject_, std::move(what), std::move(why), std::move(changes)});
  }

 private:
  std::vector<Finding>& out_;
  std::string subject_;
};

// doctor_checks_reach.cpp: the address, the socket file, the answers.
void check_reach(const DoctorFacts& facts, const PoolFacts& pool, std::vector<Finding>& out);
// doctor_checks_workers.cpp: the number of workers, pm, backlog.
void check_workers(const DoctorFacts& facts, const PoolFacts& pool, std::vector<Finding>& out);
// doctor_checks_timeouts.cpp: request_terminate_timeout and process_control_timeout.
void check_timeouts(const DoctorFacts& facts, const PoolFacts& pool, std::vector<Finding>& out);
// doctor_checks_site.cpp: what php sees of the files.
void check_roots(const DoctorFacts& facts, std::vector<Finding>& out);
// doctor_checks_site.cpp: what our own user may not read or write.
void check_rights(const DoctorFacts& facts, std::vector<Finding>& out);
// doctor_checks_hidden.cpp: what must not be readable.
void check_hidden(const DoctorFacts& facts, std::vector<Finding>& out);
// doctor_checks_system.cpp: the kernel, and limits of the process.
void check_system(const DoctorFacts& facts, std::vector<Finding>& out);
// doctor_checks_ports.cpp: ephemeral ports and TIME_WAIT.
void check_ports(const DoctorFacts& facts, std::vector<Finding>& out);
// doctor_checks_front.cpp: the web servers in front of us, or past us.
void check_front(const DoctorFacts& facts, std::vector<Finding>& out);

// doctor_checks_front_kinds.cpp: what only one kind of web server does, where `pass` leads to `listener`.
void check_front_kind(const DoctorFacts& facts, FrontKind kind, const FrontPass& pass,
                      const ListenerFacts& listener, Findings& found);

std::string place_text(const FrontPlace& place);  // "FILE:LINE"

// The line for `key` of a php-fpm section: where it stands, or the file it belongs in.
Change fpm_change(const FpmSection& section, const std::string& key, const std::string& value);
// A key of our own configuration.
Change own_change(const DoctorFacts& facts, const PoolFacts& pool, const std::string& key,
                  const std::string& value);
Change own_change(const DoctorFacts& facts, const std::string& key, const std::string& value);
// A kernel setting, in the sysctl file that sets it already or in one of our own.
Change sysctl_change(const DoctorFacts& facts, const std::string& key, const std::string& value);
std::string grouped(std::uint64_t number);  // "28,232"
// True where our ping keeps idle connections young: php-fpm of 8.2.13 or later, and a ping that is on.
bool ping_works(const PoolFacts& pool);
bool is_loopback(const config::Address& address);
std::string in_seconds(config::Duration duration);  // "60s", "1500ms"

}  // namespace holdfast

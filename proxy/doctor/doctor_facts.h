// Gathers what doctor judges: our configuration, php-fpm's, the kernel's settings, and answers of php-fpm
// itself. Blocking, with a time limit on each question. Never runs a script of the user.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/snapshot.h"
#include "proxy/doctor/doctor.h"

namespace holdfast {

struct FactSources {
  std::vector<std::string> fpm_configs;  // empty: the usual places
  std::vector<std::string> fronts;       // configurations of web servers in front; empty: the usual places
  std::string user;                      // the account to judge for; empty: the one that runs doctor
  std::string root;                      // before /proc and /etc; for tests
  bool ask = true;                       // connect to php-fpm
  std::chrono::milliseconds answer_limit = std::chrono::seconds(2);
};

// nullopt with `error` when `user` does not exist.
std::optional<Account> find_account(const std::string& user, std::string& error);

DoctorFacts gather_facts(const std::string& config_file, const config::Config& config, const Account& account,
                         const FactSources& sources);

SocketFile look_at_socket(const std::string& path);

// In doctor_facts_front.cpp: the web servers whose configuration is found. `facts`: has our listeners and
// pools.
std::vector<FrontFacts> look_at_fronts(const DoctorFacts& facts, const FactSources& sources);

// Asks the php-fpm of one pool, and for each of `roots` whether it sees the files.
void ask_fpm(PoolFacts& pool, std::vector<RootFacts*>& roots, std::chrono::milliseconds limit);

// A small static file below `root` that can be asked for without harm: known type, no "<?" in it. Empty:
// none.
std::string find_probe_file(const std::string& root);

}  // namespace holdfast

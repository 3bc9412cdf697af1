// `holdfast doctor`: compares our configuration with php-fpm's and the kernel's. Here are the facts it goes
// by and the findings it comes to; diagnose() is pure. Facts are gathered in doctor_facts.h, shown in
// doctor_report.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/pool.h"
#include "proxy/doctor/front_config.h"
#include "proxy/fpm/fpm_config.h"
#include "proxy/fpm/missing_rights.h"
#include "proxy/sockets/system_settings.h"

namespace holdfast {

enum class FindingSeverity : std::uint8_t { ok, info, warning, error };
std::string_view severity_name(FindingSeverity severity);

// A line to change: which file (and line, if it stands there already), and what it should say.
struct Change {
  std::string file;
  int line = 0;  // 0: not there yet
  std::string text;
};

struct Finding {
  std::string id;  // stable, for programs: "workers"
  FindingSeverity severity = FindingSeverity::ok;
  std::string subject;  // "pool php", "site example.com", "system"
  std::string what;
  std::string why;              // empty for ok
  std::vector<Change> changes;  // alternatives: one of them will do
};

// The account that holdfast runs under.
struct Account {
  std::string user;
  std::uint32_t uid = 0;
  std::vector<std::uint32_t> groups;
};

enum class AccountSource : std::uint8_t {
  told,     // --user, or `user:` of the configuration
  running,  // the running server is of this account: it was asked
  guessed,  // as what a start by whoever runs doctor would end up; a supervisor may choose another
};

struct SocketFile {
  int stat_errno = 0;  // of stat(); 0: the rest is known
  bool is_socket = false;
  std::uint32_t mode = 0;  // permission bits
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string owner;
  std::string group;
};

// What php-fpm itself answered.
struct FpmAnswers {
  enum class Values : std::uint8_t {
    not_asked,
    keeps,    // answered twice on one connection: php 8.2.13 or later
    closes,   // answered, then closed: older
    hung_up,  // closed without an answer
    silent,
    malformed,
  };
  enum class Script : std::uint8_t {
    not_asked,
    not_found,
    odd,
    no_answer
  };  // not_found is what it should say
  enum class StatusPage : std::uint8_t { not_asked, shown, missing };

  bool connected = false;
  int connect_errno = 0;
  std::string connect_error;
  std::string local_address;  // ours, as php-fpm sees it (TCP)
  Values values = Values::not_asked;
  Script script = Script::not_asked;
  std::string script_error;  // for odd and no_answer
  StatusPage status_page = StatusPage::not_asked;
  std::map<std::string, std::string> status;  // "process manager": "dynamic"
};

struct PoolFacts {
  config::Pool pool;
  std::optional<SocketFile> socket_file;  // Unix sockets
  std::optional<FpmSection> fpm;  // php-fpm's pool that listens there, where its configuration is readable
  FpmSection fpm_global;
  FpmAnswers answers;
};

// Whether php-fpm sees the files of a site.
struct RootFacts {
  enum class Seen : std::uint8_t { unknown, yes, no };
  std::size_t index = 0;  // of the site in the configuration
  std::string site;       // its first host, or "any host"
  std::string root;
  std::string php_root;
  std::string pool;
  bool exists_here = false;
  Seen seen_by_php = Seen::unknown;
  std::string probe_file;  // the static file asked for; empty: none suitable
};

// One file below a root that must not be readable.
struct HiddenFile {
  enum class Decision : std::uint8_t {  // by the configuration
    refused,
    sent,       // the file itself
    runs,       // it is a script, and runs
    elsewhere,  // a redirect, or another script answers
  };
  std::string path;  // below the root and below the site's `path`; decoded
  std::string why;   // "its name begins with a dot", "nextcloud hides it"
  Decision decision = Decision::refused;
  int status = 0;         // what the running server answered; 0: not asked
  bool readable = false;  // its content came
};

// Some of the hidden files of a site.
struct HiddenFacts {
  std::size_t index = 0;  // of the site in the configuration
  std::string site;       // its first host, or "any host"
  std::string host;       // that it is asked by
  std::string root;
  std::string url_path;                    // the site's `path`
  std::string app;                         // that its files are recognised as; empty: none
  std::vector<config::Address> listening;  // where it may be asked
  std::string address;                     // where it was; empty: nowhere
  std::string no_answer;                   // why not all were asked
  std::vector<HiddenFile> files;
};

// One of our listeners for FastCGI.
struct ListenerFacts {
  config::Address address;
  std::vector<std::string> pools;         // the first: where no rule leads elsewhere
  std::optional<SocketFile> socket_file;  // Unix sockets
  bool multiplex = false;
  std::uint64_t body_max = std::uint64_t{1} << 30;
};

// A web server in front, as far as its configuration can be read.
struct FrontFacts {
  enum class State : std::uint8_t { read, unreadable, unknown };  // unknown: none of the five kinds
  std::string file;                                               // the first, which includes the others
  bool asked = false;                                             // it was named, not just found
  State state = State::read;
  FrontConfig config;  // addresses that are one of ours, or a pool's, are written as they are there
  std::optional<Account> account;  // whom its workers run as
  std::string group;               // of that account
};

struct DoctorFacts {
  std::string config_file;
  std::vector<config::Address> listening;  // our own addresses, the admin endpoint's included
  std::uint64_t clients_max = 0;           // client.max_connections
  Account account;
  AccountSource account_source = AccountSource::told;
  std::uint64_t nofile_max = 0;  // the hard limit: holdfast raises its soft one to it
  net::SystemSettings system;
  std::vector<PoolFacts> pools;
  std::vector<RootFacts> roots;
  std::vector<HiddenFacts> hidden;  // doctor_hidden.h
  std::vector<MissingRight> rights_missed;
  std::vector<ListenerFacts> listeners;  // for FastCGI
  std::vector<FrontFacts> fronts;
  std::vector<FpmConfig> fpm_configs;  // all that were read
};

// All findings, worst first, otherwise in the order of the checks.
std::vector<Finding> diagnose(const DoctorFacts& facts);

// 0: nothing worse than info; 1: warnings; 2: errors.
int exit_status_of(const std::vector<Finding>& findings);

// Linux asks for write permission on the file to connect to a Unix socket (unix(7)).
bool may_connect(const Account& account, const SocketFile& file);

}  // namespace holdfast

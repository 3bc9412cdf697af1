// Can we reach php-fpm, and does it answer: the socket file, connect(), allowed_clients, FCGI_GET_VALUES, a
// script that does not exist, the status page.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <sstream>

#include "config/load.h"
#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

std::string octal(std::uint32_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

// A line of php-fpm's pool file, wherever that is. Nothing where it says so already: then php-fpm runs with
// an older file.
Change pool_file_change(const PoolFacts& pool, const std::string& key, const std::string& value) {
  if (!pool.fpm) return {"php-fpm's pool file", 0, key + " = " + value};
  if (pool.fpm->text(key) == value)
    return {"command", 0, "restart php-fpm: its file has " + key + " = " + value + " already"};
  return fpm_change(*pool.fpm, key, value);
}

Change more_children(const PoolFacts& pool) {
  const auto children = pool.fpm ? pool.fpm->number("pm.max_children") : std::nullopt;
  if (!children || *children < 1) return {"command", 0, "raise pm.max_children in php-fpm's pool file"};
  const auto needed = static_cast<std::int64_t>(pool.pool.max_connections) + 1;
  return fpm_change(*pool.fpm, "pm.max_children", std::to_string(std::max(*children * 2, needed)));
}

// php-fpm's `listen` as an address of ours; nothing where it is none.
std::optional<config::Address> listen_address(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  std::string text = "tcp:" + listen;
  if (listen.starts_with('/')) {
    text = "unix:" + listen;
  } else if (colon == std::string::npos) {
    text = "tcp:127.0.0.1:" + listen;
  } else if (const std::string host = listen.substr(0, colon);
             host == "0.0.0.0" || host == "[::]" || host == "*") {
    text = "tcp:127.0.0.1" + listen.substr(colon);
  }
  std::string error;
  return config::parse_pool_address(text, error);
}

// What to do where nobody listens: start the php-fpm that should, or take the address of another.
std::vector<Change> other_addresses(const DoctorFacts& facts, const PoolFacts& pool) {
  std::vector<Change> changes;
  if (pool.fpm && pool.fpm->find("listen") != nullptr) {
    const FpmSetting& listen = *pool.fpm->find("listen");
    changes.push_back({"command", 0,
                       "start php-fpm: [" + pool.fpm->name + "] of " + listen.file + ":" +
                           std::to_string(listen.line) + " listens there"});
  }
  for (const FpmConfig& config : facts.fpm_configs) {
    for (const FpmSection& section : config.pools) {
      const FpmSetting* listen = section.find("listen");
      if (listen == nullptr || listens_at(section, pool.pool.address)) continue;
      const std::optional<config::Address> address = listen_address(listen->value);
      if (!address || *address == pool.pool.address) continue;
      changes.push_back(own_change(facts, pool, "address",
                                   (address->kind == config::Address::Kind::tcp ? "tcp:" : "") +
                                       address->text() + "   # [" + section.name + "] of " + listen->file +
                                       ":" + std::to_string(listen->line)));
    }
  }
  if (changes.empty()) {
    changes.push_back({"command", 0,
                       "grep -r ^listen /etc/php*   # where php-fpm listens; pools." + pool.pool.name +
                           ".address is to say the same"});
  }
  return changes;
}

void no_right_to_connect(const DoctorFacts& facts, const PoolFacts& pool, const SocketFile& file,
                         Findings& found) {
  std::vector<Change> changes;
  const bool group_may = (file.mode & 0020U) != 0 && file.gid != 0;
  if (group_may) {
    changes.push_back({"holdfast.service", 0, "SupplementaryGroups=" + file.group});
    changes.push_back({"command", 0, "usermod -a -G " + file.group + " " + facts.account.user});
  }
  const bool group_writes = (file.mode & 0020U) != 0;
  if (file.group != facts.account.user)
    changes.push_back(pool_file_change(pool, "listen.group", facts.account.user));
  if (!group_writes) changes.push_back(pool_file_change(pool, "listen.mode", "0660"));
  found.add(
      FindingSeverity::error, "socket_permission",
      "user " + facts.account.user + " may not connect to " + pool.pool.address.path + ": it is " +
          octal(file.mode) + " " + file.owner + ":" + file.group,
      "Connecting to a Unix socket needs write permission on its file; without it every request is answered "
      "502 (EACCES). " +
          (group_may      ? "Join the group " + file.group + ", or let php-fpm give the file to ours."
           : group_writes ? "Its group is that of root: let php-fpm give the file to ours."
                          : "listen.mode gives its group no right to write."),
      std::move(changes));
}

void check_socket_file(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  const std::string& path = pool.pool.address.path;
  const SocketFile& file = *pool.socket_file;
  if (file.stat_errno == ENOENT) {
    found.add(FindingSeverity::error, "socket_missing", path + " does not exist",
              "php-fpm makes the file when it starts: it does not run, or listens elsewhere.",
              other_addresses(facts, pool));
    return;
  }
  if (file.stat_errno != 0) {
    found.add(FindingSeverity::error, "socket_permission",
              path + " cannot be looked at: a folder above it is closed to user " + facts.account.user,
              "Each folder of the path needs the x permission for us.",
              {{"command", 0, "chmod o+x the folders above " + path + ", or join their group"}});
    return;
  }
  if (!file.is_socket) {
    found.add(FindingSeverity::error, "socket_type", path + " is a file, but not a socket",
              "Something else wrote there. php-fpm puts its socket in the place of the file when it starts.",
              other_addresses(facts, pool));
    return;
  }
  if (!may_connect(facts.account, file)) {
    no_right_to_connect(facts, pool, file, found);
    return;
  }
  const std::string what = path + " is a socket, " + octal(file.mode) + " " + file.owner + ":" + file.group;
  if ((file.mode & 0002U) != 0) {
    found.add(FindingSeverity::warning, "socket_open_to_all", what + ": every local user may connect",
              "Whoever connects chooses the script and its settings (PHP_VALUE), so each local user can run "
              "code as "
              "php-fpm's user.",
              {pool_file_change(pool, "listen.mode", "0660")});
    return;
  }
  found.ok("socket_permission", what + ": user " + facts.account.user + " may connect");
  if (facts.account.uid == 0 && facts.account_source != AccountSource::running) {
    found.add(FindingSeverity::info, "socket_checked_as_root",
              "looked at as root, who may connect to everything",
              "The service will run under another account: repeat with --user NAME for that one.", {});
  }
}

bool list_has(const std::string& list, const std::string& address) {
  std::istringstream items(list);
  std::string item;
  while (std::getline(items, item, ',')) {
    const std::size_t first = item.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    item = item.substr(first, item.find_last_not_of(" \t") - first + 1);
    if (item == "any" || item == address || item == "::ffff:" + address) return true;
  }
  return false;
}

void check_allowed_clients(const PoolFacts& pool, Findings& found) {
  if (!pool.fpm || pool.pool.address.kind != config::Address::Kind::tcp) return;
  const std::string allowed = pool.fpm->text("listen.allowed_clients").value_or("");
  const std::string& us = pool.answers.local_address;
  if (!allowed.empty() && !us.empty() && !list_has(allowed, us)) {
    found.add(
        FindingSeverity::error, "allowed_clients",
        "listen.allowed_clients = " + allowed + " leaves out " + us + ", the address we connect from",
        "php-fpm accepts such a connection and closes it at once, so it looks like a crash and not like a "
        "refusal.",
        {fpm_change(*pool.fpm, "listen.allowed_clients", allowed + "," + us)});
    return;
  }
  const std::string listen = pool.fpm->text("listen").value_or("");
  const bool every_address = listen.find(':') == std::string::npos || listen.rfind("0.0.0.0:", 0) == 0 ||
                             listen.rfind("[::]:", 0) == 0;
  if (allowed.empty() && every_address) {
    std::vector<Change> changes;
    if (is_loopback(pool.pool.address)) {
      changes.push_back(
          fpm_change(*pool.fpm, "listen", "127.0.0.1:" + std::to_string(pool.pool.address.port)));
    }
    changes.push_back(fpm_change(*pool.fpm, "listen.allowed_clients", us.empty() ? "127.0.0.1" : us));
    found.add(FindingSeverity::warning, "open_port",
              "listen = " + listen + " takes connections on every address, from anybody",
              "FastCGI has no password: whoever reaches the port runs any script with any setting.",
              std::move(changes));
    return;
  }
  found.ok("allowed_clients", allowed.empty() ? "listen = " + listen + " is not open to all"
                                              : "listen.allowed_clients lets us in");
}

void check_connect(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  const FpmAnswers& answers = pool.answers;
  const std::string address = pool.pool.address.text();
  if (answers.connected) {
    found.ok("connect", "connected to " + address);
    return;
  }
  if (answers.connect_errno == 0) return;  // not asked
  const std::optional<SocketFile>& file = pool.socket_file;
  if (file && (file->stat_errno != 0 || !file->is_socket || !may_connect(facts.account, *file)))
    return;  // told
  if (answers.connect_errno == EAGAIN || answers.connect_errno == ETIMEDOUT) {
    found.add(FindingSeverity::error, "connect",
              address + ": the backlog of php-fpm is full, or nobody is there",
              "All its workers are taken and listen.backlog more connections wait: a Unix socket then says "
              "EAGAIN, TCP "
              "drops the SYN (" +
                  answers.connect_error + ").",
              {more_children(pool)});
    return;
  }
  found.add(FindingSeverity::error, "connect", "cannot connect to " + address + ": " + answers.connect_error,
            "php-fpm does not run, or listens elsewhere.", other_addresses(facts, pool));
}

void hung_up(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  const std::string& us = pool.answers.local_address;  // empty: a Unix socket, which has no such list
  const std::string allowed = pool.fpm ? pool.fpm->text("listen.allowed_clients").value_or("") : "";
  std::vector<Change> changes;
  if (!us.empty() && !list_has(allowed, us)) {
    changes.push_back(
        pool_file_change(pool, "listen.allowed_clients", allowed.empty() ? us : allowed + "," + us));
  }
  changes.push_back(own_change(facts, pool, "application", "generic   # if it is no php-fpm"));
  found.add(FindingSeverity::error, "get_values", "php-fpm closes our connection without an answer",
            us.empty() ? "It ends as soon as it has started, or this is no php-fpm."
                       : "listen.allowed_clients leaves us out, or this is no php-fpm.",
            std::move(changes));
}

void check_values(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  switch (pool.answers.values) {
    case FpmAnswers::Values::not_asked: return;
    case FpmAnswers::Values::keeps:
      found.ok("get_values", "php-fpm answers FCGI_GET_VALUES and keeps the connection");
      return;
    case FpmAnswers::Values::closes:
      found.add(
          FindingSeverity::warning, "get_values", "php-fpm closes the connection after FCGI_GET_VALUES",
          "That is php before 8.2.13 (bug #76922). Holdfast can then not prove that a connection is free "
          "again "
          "and cannot ping it: it waits a settle time instead, and a POST meets pm.max_requests more easily.",
          {{"command", 0, "install php 8.2.13 or later"}});
      return;
    case FpmAnswers::Values::hung_up: hung_up(facts, pool, found); return;
    case FpmAnswers::Values::silent:
      found.add(
          FindingSeverity::error, "get_values", "php-fpm takes the connection, but does not answer",
          "No worker is free: all are busy or held by other kept connections, and ours waits in the "
          "backlog. Or "
          "this is no php-fpm (libfcgi and uWSGI never answer FCGI_GET_VALUES).",
          {more_children(pool), own_change(facts, pool, "application", "generic   # if it is no php-fpm")});
      return;
    case FpmAnswers::Values::malformed:
      found.add(FindingSeverity::error, "get_values", "what answers there does not speak FastCGI",
                "The first bytes were no FastCGI record.", other_addresses(facts, pool));
      return;
  }
}

void check_answers(const DoctorFacts& facts, const PoolFacts& pool, Findings& found) {
  const FpmAnswers& answers = pool.answers;
  if (answers.script == FpmAnswers::Script::not_found) {
    found.ok("script", "php answers (404 to a script that does not exist)");
  } else if (answers.script != FpmAnswers::Script::not_asked) {
    found.add(FindingSeverity::error, "script",
              "a request for a script that does not exist was not answered by 404: " + answers.script_error,
              "php-fpm says \"File not found.\" to that. Its log tells more.", {});
  }
  const std::string& path = pool.pool.status_path;
  if (answers.status_page == FpmAnswers::StatusPage::missing) {
    const std::string theirs = pool.fpm ? pool.fpm->text("pm.status_path").value_or("") : "";
    const bool usable = theirs.starts_with('/') && theirs != path;
    found.add(FindingSeverity::warning, "status_page", "status_path: " + path + " shows no status page",
              "php-fpm answers it only where pm.status_path is exactly the same.",
              {pool_file_change(pool, "pm.status_path", path),
               own_change(facts, pool, "status_path", usable ? theirs : "\"\"")});
  } else if (answers.status_page == FpmAnswers::StatusPage::shown) {
    found.ok("status_page", path + " shows php-fpm's status page");
  }
}

}  // namespace

void check_reach(const DoctorFacts& facts, const PoolFacts& pool, std::vector<Finding>& out) {
  Findings found(out, "pool " + pool.pool.name);
  if (pool.socket_file) check_socket_file(facts, pool, found);
  check_connect(facts, pool, found);
  if (pool.pool.application == config::Application::generic) return;
  check_allowed_clients(pool, found);
  check_values(facts, pool, found);
  check_answers(facts, pool, found);
}

}  // namespace holdfast

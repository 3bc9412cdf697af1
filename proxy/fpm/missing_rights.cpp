// See missing_rights.h.
#include "proxy/fpm/missing_rights.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "config/auth.h"
#include "config/buffers.h"
#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/log.h"
#include "config/pool.h"
#include "config/site.h"

namespace holdfast {

namespace {

namespace fs = std::filesystem;

struct Right {
  Access access;
  std::string use, remedy;
  MissingRight::Kind kind = MissingRight::Kind::reading;
};
using Rights = std::vector<Right>;
using Kind = MissingRight::Kind;

std::string parent_of(const std::string& path) {
  return fs::path(path).parent_path().string();
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// There, and something else. Of what cannot be looked at nobody knows.
bool is_no_folder(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return fs::exists(status) && !fs::is_directory(status);
}

// Of `sources` the folders, and those that hold more than one, which `user` may not enter.
std::set<std::string> closed_folders(const RunUser& user, const std::vector<std::string>& sources) {
  std::map<std::string, int> folders;  // -> how much speaks for telling it in place of what it holds
  for (const std::string& path : sources) {
    if (is_folder(path))
      folders[path] += 2;
    else
      ++folders[parent_of(path)];
  }
  std::vector<Access> wanted;
  for (const auto& [folder, weight] : folders) {
    if (weight > 1) wanted.push_back({folder, X_OK});
  }
  const std::optional<std::vector<int>> answers = try_access_as(user, wanted);
  std::set<std::string> closed;
  for (std::size_t i = 0; answers && i < wanted.size(); ++i) {
    if ((*answers)[i] == EACCES) closed.insert(wanted[i].path);
  }
  return closed;
}

// The uppermost closed folder stands for all below it: one line, not one of each file.
std::set<std::string> without_what_is_in_closed_folders(const RunUser& user,
                                                        const std::vector<std::string>& sources) {
  const std::set<std::string> closed = closed_folders(user, sources);
  std::set<std::string> told;
  for (const std::string& path : sources) {
    std::string shown = path;
    for (std::string above = parent_of(path); above.size() > 1; above = parent_of(above)) {
      if (closed.contains(above)) shown = above;
    }
    told.insert(std::move(shown));
  }
  return told;
}

// A pipe that a start has read is not there for a reload, whoever asks.
void add_sources(const RunUser& user, const std::vector<std::string>& sources, Rights& rights) {
  for (const std::string& path : without_what_is_in_closed_folders(user, sources)) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::is_regular_file(status) && !fs::is_directory(status)) continue;
    rights.push_back({{path, fs::is_directory(status) ? R_OK | X_OK : R_OK},
                      "the configuration: every reload would be refused",
                      "let that user read it and enter the folders above (chgrp " + user.name +
                          ", chmod g+r; folders g+x)"});
  }
}

void add_users_file(const std::optional<config::Auth>& auth, std::set<std::string>& seen, Rights& rights) {
  if (!auth || auth->off || auth->users.empty() || !seen.insert(auth->users).second) return;
  rights.push_back({{auth->users, R_OK},
                    "auth: the right password would get 500, too",
                    "let that user read it and enter the folders above"});
}

// What is no folder is told by the checks of the configuration.
void add_sites(const config::Config& config, Rights& rights) {
  std::set<std::string> users;
  for (const config::Site& site : config.sites) {
    if (!site.root.empty() && !is_no_folder(site.root))
      rights.push_back({{site.root, X_OK},
                        "root: its files would be 403",
                        "let that user enter it and the folders above"});
    for (const auto& [prefix, folder] : site.internal) {
      if (is_no_folder(folder)) continue;
      rights.push_back({{folder, X_OK},
                        "internal: what php names below " + prefix + " would not be sent",
                        "let that user enter it and the folders above"});
    }
    add_users_file(site.auth, users, rights);
    for (const config::Route& route : site.routes) add_users_file(route.auth, users, rights);
  }
}

void add_sockets(const config::Config& config, Rights& rights) {
  for (const config::Pool& pool : config.pools) {
    if (pool.address.kind != config::Address::Kind::unix_socket) continue;
    rights.push_back({{pool.address.path, W_OK},
                      "php-fpm's socket",
                      "set listen.owner or listen.group to that user's",
                      Kind::php_socket});
  }
}

void add_log(const RunUser& user, const std::string& log, Rights& rights) {
  if (!log.starts_with('/') || log == "/dev/stdout" || log == "/dev/stderr") return;
  rights.push_back({{log, W_OK},
                    "log.access: it cannot be opened again",
                    "chown " + user.name + " " + log,
                    Kind::writing});
  std::error_code error;
  const fs::file_status status = fs::status(log, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) return;  // a device is not rotated
  rights.push_back({{parent_of(log), W_OK | X_OK},
                    "log.access: after a rotation no new file can be made there",
                    "chown " + user.name + " " + parent_of(log) + ", or let logrotate make it (create 0640 " +
                        user.name + ")",
                    Kind::writing});
}

void add_listeners(const config::Config& config, Rights& rights) {
  std::vector<config::Address> listening = config.listen;
  for (const config::FastcgiListener& each : config.fastcgi) listening.push_back(each.address);
  for (const config::Address& address : listening) {
    if (address.kind != config::Address::Kind::unix_socket) continue;
    rights.push_back({{parent_of(address.path), W_OK | X_OK},
                      "listen: the socket's file stays behind at the end",
                      "a folder of its own for it, with that user as the owner",
                      Kind::writing});
  }
}

}  // namespace

std::vector<MissingRight> missing_rights(const RunUser& user, const config::Config& config,
                                         const std::vector<std::string>& sources) {
  Rights rights;
  const std::string& spool = config.buffers->spool_dir;
  if (!is_no_folder(spool))
    rights.push_back({{spool, W_OK | X_OK},
                      "buffers.spool_dir: large bodies would get 503",
                      "chown " + user.name + " " + spool,
                      Kind::writing});
  add_sources(user, sources, rights);
  add_sites(config, rights);
  add_sockets(config, rights);
  add_log(user, config.log->access, rights);
  add_listeners(config, rights);
  std::vector<Access> wanted;
  wanted.reserve(rights.size());
  for (const Right& right : rights) wanted.push_back(right.access);
  const std::optional<std::vector<int>> answers = try_access_as(user, wanted);
  std::vector<MissingRight> missing;
  if (!answers) return missing;
  std::set<std::pair<std::string, std::string>> told;  // several sites may have one root
  for (std::size_t i = 0; i < rights.size(); ++i) {
    const int code = (*answers)[i];
    if (code == 0 || code == ENOENT || code == ENOTDIR) continue;
    if (!told.emplace(rights[i].access.path, rights[i].use).second) continue;
    missing.push_back({.what = "user " + user.name + " may not use " + rights[i].access.path + " (" +
                               std::strerror(code) + "), " + rights[i].use,
                       .remedy = rights[i].remedy,
                       .kind = rights[i].kind});
  }
  return missing;
}

std::vector<MissingRight> rights_missed_by(const RunUser& user, const config::Config& config,
                                           const std::vector<std::string>& sources) {
  const bool known = user.uid != 0 && (::geteuid() == 0 || ::geteuid() == user.uid);
  return known ? missing_rights(user, config, sources) : std::vector<MissingRight>{};
}

}  // namespace holdfast

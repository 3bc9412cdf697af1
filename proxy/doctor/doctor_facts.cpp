// Facts from files and the system; see doctor_facts.h. The questions to php-fpm are in doctor_facts_ask.cpp.
#include "proxy/doctor/doctor_facts.h"

#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "config/client.h"
#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/site.h"

namespace holdfast {

namespace {

std::string user_name(std::uint32_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->pw_name : std::to_string(uid);
}

std::string group_name(std::uint32_t gid) {
  std::array<char, 4096> buffer{};
  group entry{};
  group* found = nullptr;
  ::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(gid);
}

Account current_account() {
  Account account;
  account.uid = ::geteuid();
  account.user = user_name(account.uid);
  account.groups.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(account.groups.size()), account.groups.data());
  account.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  account.groups.push_back(::getegid());
  return account;
}

void match_fpm(const std::vector<FpmConfig>& configs, PoolFacts& pool) {
  for (const FpmConfig& config : configs) {
    for (const FpmSection& section : config.pools) {
      if (!listens_at(section, pool.pool.address)) continue;
      pool.fpm = section;
      pool.fpm_global = config.global;
      return;
    }
  }
}

std::vector<RootFacts> look_at_roots(const config::Config& config) {
  std::vector<RootFacts> roots;
  for (std::size_t index = 0; index < config.sites.size(); ++index) {
    const config::Site& site = config.sites[index];
    if (site.pool.empty()) continue;  // static files only
    RootFacts facts;
    facts.index = index;
    facts.site = site.hosts.empty() ? "any host" : site.hosts.front();
    facts.root = site.root;
    facts.php_root = site.php_root.empty() ? site.root : site.php_root;
    facts.pool = site.pool;
    std::error_code failure;
    facts.exists_here = std::filesystem::is_directory(site.root, failure);
    if (facts.exists_here) facts.probe_file = find_probe_file(site.root);
    roots.push_back(std::move(facts));
  }
  return roots;
}

}  // namespace

SocketFile look_at_socket(const std::string& path) {
  SocketFile file;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    file.stat_errno = errno;
    return file;
  }
  file.is_socket = S_ISSOCK(status.st_mode);
  file.mode = status.st_mode & 07777U;
  file.uid = status.st_uid;
  file.gid = status.st_gid;
  file.owner = user_name(file.uid);
  file.group = group_name(file.gid);
  return file;
}

std::optional<Account> find_account(const std::string& user, std::string& error) {
  if (user.empty()) return current_account();
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    error = "there is no user " + user;
    return std::nullopt;
  }
  Account account;
  account.user = user;
  account.uid = found->pw_uid;
  int count = 256;
  account.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(user.c_str(), found->pw_gid, account.groups.data(), &count) < 0) {
    account.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(user.c_str(), found->pw_gid, account.groups.data(), &count);
  }
  account.groups.resize(static_cast<std::size_t>(count));
  return account;
}

DoctorFacts gather_facts(const std::string& config_file, const config::Config& config, const Account& account,
                         const FactSources& sources) {
  DoctorFacts facts;
  facts.config_file = config_file;
  facts.listening = config.listen;
  for (const config::FastcgiListener& each : config.fastcgi) facts.listening.push_back(each.address);
  if (config.admin) facts.listening.push_back(*config.admin);
  facts.clients_max = config.client->max_connections;
  facts.account = account;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.nofile_max = limit.rlim_max;
  facts.system = net::read_system_settings(sources.root);
  const std::vector<std::string> files =
      sources.fpm_configs.empty() ? find_fpm_configs(sources.root) : sources.fpm_configs;
  for (const std::string& file : files) facts.fpm_configs.push_back(read_fpm_config(file));
  facts.roots = look_at_roots(config);
  for (const config::Pool& pool : config.pools) {
    PoolFacts each;
    each.pool = pool;
    if (pool.address.kind == config::Address::Kind::unix_socket)
      each.socket_file = look_at_socket(pool.address.path);
    match_fpm(facts.fpm_configs, each);
    if (sources.ask) {
      std::vector<RootFacts*> roots;
      for (RootFacts& root : facts.roots) {
        if (root.pool == pool.name) roots.push_back(&root);
      }
      ask_fpm(each, roots, sources.answer_limit);
    }
    facts.pools.push_back(std::move(each));
  }
  for (const config::FastcgiListener& listener : config.fastcgi) {
    ListenerFacts& each = facts.listeners.emplace_back();
    each.address = listener.address;
    each.multiplex = listener.multiplex;
    each.body_max = listener.max_body;
    each.pools.push_back(listener.pool);
    for (const auto& rule : listener.when) each.pools.push_back(rule.pool);
    if (listener.address.kind == config::Address::Kind::unix_socket)
      each.socket_file = look_at_socket(listener.address.path);
  }
  facts.fronts = look_at_fronts(facts, sources);
  return facts;
}

}  // namespace holdfast

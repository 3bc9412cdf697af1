// The few things a Config can say about itself.
#include "config/config.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "config/buffers.h"
#include "config/client.h"
#include "config/fastcgi_listener.h"
#include "config/log.h"
#include "config/network.h"
#include "config/pool.h"
#include "config/pool_successors.h"
#include "config/shutdown.h"
#include "config/site.h"

namespace holdfast::config {

std::string Address::text() const {
  if (kind == Kind::unix_socket) {
    return "unix:" + path;
  }
  const bool literal_v6 = host.find(':') != std::string::npos;
  return (literal_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

// Here, where all parts are whole types.
Config::Config() = default;
Config::Config(const Config&) = default;
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(const Config&) = default;
Config& Config::operator=(Config&&) noexcept = default;
Config::~Config() = default;
bool Config::operator==(const Config&) const = default;

const Pool* Config::find_pool(const std::string& name) const {
  for (const Pool& pool : pools) {
    if (pool.name == name) {
      return &pool;
    }
  }
  return nullptr;
}

std::size_t count_pools(const Config& config) {
  return config.pools.size();
}
std::size_t count_sites(const Config& config) {
  return config.sites.size();
}

// ---- which pool follows another

namespace {

// Pool before -> pools now, of each place that names one.
using Followers = std::map<std::string, std::set<std::string>>;

bool has_pool(const Config& config, const std::string& name) {
  return std::any_of(config.pools.begin(), config.pools.end(),
                     [&name](const Pool& pool) { return pool.name == name; });
}

void note(Followers& followers, const std::string& before, const std::string& after) {
  if (!after.empty()) followers[before].insert(after);
}

// Those that a site's routes name for the same paths.
void note_routes(Followers& followers, const Site& before, const Site& after) {
  for (const Route& route : before.routes) {
    if (!route.pool) continue;
    for (const Route& other : after.routes) {
      if (other.path == route.path && other.pool) note(followers, *route.pool, *other.pool);
    }
  }
}

void note_rules(Followers& followers, const FastcgiListener& before, const FastcgiListener& after) {
  for (const FastcgiListener::Rule& rule : before.when) {
    for (const FastcgiListener::Rule& other : after.when) {
      if (other.patterns == rule.patterns) note(followers, rule.pool, other.pool);
    }
  }
}

Followers followers_of(const Config& before, const Config& after) {
  Followers followers;
  for (const Site& site : before.sites) {
    for (const Site& other : after.sites) {
      if (other.hosts != site.hosts || other.path != site.path) continue;
      note(followers, site.pool, other.pool);
      note_routes(followers, site, other);
    }
  }
  for (const FastcgiListener& listener : before.fastcgi) {
    for (const FastcgiListener& other : after.fastcgi) {
      if (!(other.address == listener.address)) continue;
      note(followers, listener.pool, other.pool);
      note_rules(followers, listener, other);
    }
  }
  return followers;
}

// Of the first that the second has not.
std::vector<std::string> only_in(const Config& config, const Config& other) {
  std::vector<std::string> names;
  for (const Pool& pool : config.pools) {
    if (!has_pool(other, pool.name)) names.push_back(pool.name);
  }
  return names;
}

}  // namespace

std::unordered_map<std::string, std::string> pool_successors(const Config& before, const Config& after) {
  std::unordered_map<std::string, std::string> successors;
  const std::vector<std::string> gone = only_in(before, after);
  if (gone.empty()) return successors;
  const Followers followers = followers_of(before, after);
  for (const std::string& name : gone) {
    const auto found = followers.find(name);
    if (found != followers.end()) {
      if (found->second.size() == 1) successors[name] = *found->second.begin();
      continue;
    }
    const std::vector<std::string> fresh = only_in(after, before);
    if (gone.size() == 1 && fresh.size() == 1) successors[name] = fresh.front();
  }
  return successors;
}

}  // namespace holdfast::config

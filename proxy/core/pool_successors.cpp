// See pool_successors.h.
#include "proxy/core/pool_successors.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/pool.h"
#include "config/site.h"

namespace holdfast::core {

namespace {

// Pool before -> pools now, of each place that names one.
using Followers = std::map<std::string, std::set<std::string>>;

bool has_pool(const config::Config& config, const std::string& name) {
  return std::any_of(config.pools.begin(), config.pools.end(),
                     [&name](const config::Pool& pool) { return pool.name == name; });
}

void note(Followers& followers, const std::string& before, const std::string& after) {
  if (!after.empty()) followers[before].insert(after);
}

// Those that a site's routes name for the same paths.
void note_routes(Followers& followers, const config::Site& before, const config::Site& after) {
  for (const config::Route& route : before.routes) {
    if (!route.pool) continue;
    for (const config::Route& other : after.routes) {
      if (other.path == route.path && other.pool) note(followers, *route.pool, *other.pool);
    }
  }
}

void note_rules(Followers& followers, const config::FastcgiListener& before,
                const config::FastcgiListener& after) {
  for (const config::FastcgiListener::Rule& rule : before.when) {
    for (const config::FastcgiListener::Rule& other : after.when) {
      if (other.patterns == rule.patterns) note(followers, rule.pool, other.pool);
    }
  }
}

Followers followers_of(const config::Config& before, const config::Config& after) {
  Followers followers;
  for (const config::Site& site : before.sites) {
    for (const config::Site& other : after.sites) {
      if (other.hosts != site.hosts || other.path != site.path) continue;
      note(followers, site.pool, other.pool);
      note_routes(followers, site, other);
    }
  }
  for (const config::FastcgiListener& listener : before.fastcgi) {
    for (const config::FastcgiListener& other : after.fastcgi) {
      if (!(other.address == listener.address)) continue;
      note(followers, listener.pool, other.pool);
      note_rules(followers, listener, other);
    }
  }
  return followers;
}

// Of the first that the second has not.
std::vector<std::string> only_in(const config::Config& config, const config::Config& other) {
  std::vector<std::string> names;
  for (const config::Pool& pool : config.pools) {
    if (!has_pool(other, pool.name)) names.push_back(pool.name);
  }
  return names;
}

}  // namespace

std::unordered_map<std::string, std::string> pool_successors(const config::Config& before,
                                                             const config::Config& after) {
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

}  // namespace holdfast::core

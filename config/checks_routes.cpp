// Cross checks of routes. See checks.h.
#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/checks.h"
#include "config/config.h"
#include "config/pool.h"
#include "config/routes.h"
#include "config/site.h"

namespace holdfast::config {
namespace {

// Routes of a preset stand before those of the file, whose places go by their own count.
std::size_t routes_of_preset(const Checked& checked, const std::string& list, std::size_t count) {
  std::size_t own = 0;
  while (own < count && checked.places.given(list + "[" + std::to_string(own) + "]")) ++own;
  return count - own;
}

// A pattern that is held against everything, without a condition.
bool takes_all(const Route& route) {
  return route.when.empty() &&
         std::any_of(route.path.begin(), route.path.end(),
                     [](const std::string& pattern) { return pattern == "/**" || pattern == "**"; });
}

// Is the path certainly taken by the route? Of patterns with stars only those that take all are looked at.
bool takes(const Route& route, std::string_view path) {
  return route.when.empty() &&
         std::any_of(route.path.begin(), route.path.end(), [path](const std::string& pattern) {
           if (pattern == "/**" || pattern == "**") return true;
           if (!pattern.starts_with('/') || pattern.find_first_of("*{") != std::string::npos) return false;
           return pattern.ends_with('/') ? path.starts_with(pattern) : path == pattern;
         });
}

// A redirect to a path that the route itself takes: browsers go round until they give up.
void check_loop(const Checked& checked, const std::string& key, const std::vector<Route>& routes,
                std::size_t index) {
  const Route& route = routes[index];
  if (!route.redirect || !checked.places.good(key)) return;
  const std::string_view target = *route.redirect;
  if (!target.starts_with('/') || target.find('$') != std::string_view::npos) return;
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  if (!takes(route, path)) return;
  for (std::size_t i = 0; i < index; ++i) {  // one that may take the target before
    const bool is_exact = std::find(route.path.begin(), route.path.end(), path) != route.path.end();
    if (routes[i].has_action() && (takes(routes[i], path) || !is_exact)) return;
  }
  checked.report.warning(checked.places.find(key),
                         key + ": redirects to " + quote(path) + ", which it takes itself: a loop",
                         "name another target, or a pattern that leaves it out");
}

// In a regular expression ".*" is anything; here its dot is a dot.
void check_dot_star(const Checked& checked, const std::string& key, const std::string& pattern) {
  if (!pattern.starts_with('/') || !pattern.ends_with("/.*") || !checked.places.good(key)) return;
  const std::string folder = pattern.substr(0, pattern.size() - 2);
  checked.report.warning(checked.places.find(key),
                         key + ": " + quote(pattern) + " is for names that begin with a dot alone",
                         "patterns are no regular expressions; all below is " + folder +
                             ", and if those names are meant: " + folder + "{.}*");
}

void warn_of_missing(const Checked& checked, const std::string& key, const std::string& what,
                     const std::string& till_then) {
  checked.report.warning(checked.places.find(key), key + ": " + what, till_then + " until it is there");
}

// Folders that X-Accel-Redirect leads to, and pages of errors: a deployment may still bring them.
void check_site_files(const Checked& checked, const std::string& key, const Site& site) {
  const Places& places = checked.places;
  const std::string internal = key + ".internal";
  const std::string errors = key + ".errors";
  std::error_code error;
  if (places.given(internal) && places.good(internal)) {
    for (const auto& [prefix, folder] : site.internal) {
      if (!std::filesystem::is_directory(folder, error))
        warn_of_missing(checked, internal, folder + " is no folder",
                        "scripts that send files of " + prefix + " get 404");
      check_internal_folder(checked, internal, prefix, folder);
    }
  }
  if (!places.given(errors) || !places.good(errors) || !places.good(key + ".root") ||
      !std::filesystem::is_directory(site.root, error))
    return;
  for (const auto& [status, page] : site.errors.pages) {
    if (!std::filesystem::exists(site.root + page, error))
      warn_of_missing(checked, errors, site.root + page + " does not exist",
                      "a plain page is sent with " + status);
  }
}

void check_pool(const Checked& checked, const std::string& key, const std::string& name) {
  const auto& [config, places, report] = checked;
  if (!places.good(key) || !places.good("pools") || config.find_pool(name) != nullptr) return;
  std::vector<std::string> names;
  for (const Pool& pool : config.pools) names.push_back(pool.name);
  const std::string meant = did_you_mean(name, names);
  report.error(places.find(key), key + ": there is no pool " + quote(name),
               meant.empty() ? "pools: " + join_words(names) : meant);
}

// Each file once, where it is named first.
void check_users(const Checked& checked, const std::string& key, const std::optional<Auth>& auth,
                 std::set<std::string>& seen) {
  if (!auth || auth->off || auth->users.empty() || !checked.places.good(key)) return;
  if (seen.insert(auth->users).second) check_users_file(checked, key, *auth);
}

void check_site_routes(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const Site& site = config.sites[index];
  const std::string list = "sites[" + std::to_string(index) + "].routes";
  const std::size_t before = routes_of_preset(checked, list, site.routes.size());
  bool closed = false;
  for (std::size_t i = 0; i < site.routes.size(); ++i) {
    const Route& route = site.routes[i];
    const std::string key = list + "[" + std::to_string(i < before ? 0 : i - before) + "]";
    if (i >= before && route.pool) check_pool(checked, key + ".pool", *route.pool);
    if (i >= before && route.has_action() && closed && places.good(key)) {
      report.warning(places.find(key),
                     key + ": its action never counts, a route before it decides for every path",
                     "put the more special route first");
    }
    closed = closed || (route.has_action() && takes_all(route));
    if (i >= before) {
      check_loop(checked, key, site.routes, i);
      for (const std::string& pattern : route.path) check_dot_star(checked, key + ".path", pattern);
    }
  }
}

// An empty list would mean all: the opposite of what it looks like.
void check_empty_lists(const Checked& checked, const std::string& site, const Site& of) {
  const auto& [config, places, report] = checked;
  if (places.given(site + ".run") && places.good(site + ".run") && of.run.empty())
    report.error(places.find(site + ".run"), site + ".run: names no script, and would let each of them run",
                 "php: false where none is to run; without run all may");
  const std::size_t before = routes_of_preset(checked, site + ".routes", of.routes.size());
  for (std::size_t i = before; i < of.routes.size(); ++i) {
    const std::string when = site + ".routes[" + std::to_string(i - before) + "].when";
    if (!places.given(when) || !places.good(when)) continue;
    const RouteWhen& given = of.routes[i].when;
    const std::array<std::pair<const char*, bool>, 5> lists = {{{".query", given.query.empty()},
                                                                {".cookie", given.cookie.empty()},
                                                                {".user_agent", given.user_agent.empty()},
                                                                {".method", given.method.empty()},
                                                                {".from", given.from.empty()}}};
    bool names_a_list = false;
    for (const auto& [key, is_empty] : lists) {
      if (!places.given(when + key)) continue;
      names_a_list = true;
      if (is_empty && places.good(when + key))
        report.error(places.find(when + key), when + key + ": is empty, and would hold for every request");
    }
    if (!names_a_list && !report.has_errors())
      report.error(places.find(when), when + ": is empty, and would hold for every request", "remove it");
  }
}

// A folder is mostly opened for what the application says there, and that is asked by its own name.
bool opens_a_folder(const Route& route) {
  const bool opens = (route.auth && route.auth->off) || route.allow;
  return opens && !route.fallback && !route.has_action() &&
         std::any_of(route.path.begin(), route.path.end(), [](const std::string& pattern) {
           return pattern.ends_with('/') || pattern.ends_with("/**");
         });
}

void check_fallback(const Checked& checked, const std::string& site, const Site& of) {
  const auto& [config, places, report] = checked;
  if (of.fallback.find(".php") == std::string::npos || of.pool.empty()) return;
  const bool comes_on = std::any_of(of.routes.begin(), of.routes.end(),
                                    [](const Route& route) { return route.php.value_or(false); });
  if (of.php == false && !comes_on && places.good(site + ".php"))
    report.warning(places.find(site + ".php"),
                   site + ".php: false keeps " + of.fallback + " from running, too: what is no file gets 404",
                   "remove fallback, or say php: true in a route for " + of.fallback);
  const std::size_t before = routes_of_preset(checked, site + ".routes", of.routes.size());
  for (std::size_t i = before; i < of.routes.size(); ++i) {
    const Route& route = of.routes[i];
    const std::string key = site + ".routes[" + std::to_string(i - before) + "]";
    const bool loosens = (route.auth && of.auth) || (route.allow && of.allow);
    if (!loosens || !opens_a_folder(route) || !places.good(key)) continue;
    report.warning(places.find(key),
                   key + ": opens files; what is none gets " + of.fallback + ", for which the site's own " +
                       (route.auth ? "auth" : "allow") + " counts",
                   "add fallback: " + of.fallback + " to open it for these paths, or fallback: 404");
  }
}

}  // namespace

void check_routes(const Checked& checked) {
  std::set<std::string> users;
  for (std::size_t i = 0; i < checked.config.sites.size(); ++i) {
    check_site_routes(checked, i);
    const std::string site = "sites[" + std::to_string(i) + "]";
    check_empty_lists(checked, site, checked.config.sites[i]);
    check_fallback(checked, site, checked.config.sites[i]);
    check_site_files(checked, site, checked.config.sites[i]);
    const auto& places = checked.places;
    if (places.given(site + ".fallback") && places.given(site + ".front_controller")) {
      checked.report.error(places.find(site + ".front_controller"),
                           site + ".front_controller: fallback is the same, and given too",
                           "remove one of them");
    }
    // TLS is a proxy's in front: without its word every request is one by http, and gets 308 for ever.
    if (checked.config.sites[i].https == Https::required && checked.config.trusted_proxies.empty() &&
        places.good(site + ".https") && places.good("trusted_proxies")) {
      checked.report.warning(
          places.find(site + ".https"),
          site + ".https: nobody here can tell that a request came by https, each gets 308",
          "name the proxy in front: trusted_proxies: private");
    }
    check_users(checked, site + ".auth.users", checked.config.sites[i].auth, users);
    for (const Route& route : checked.config.sites[i].routes)
      check_users(checked, site + ".routes", route.auth, users);
    if (!checked.config.sites[i].run.empty() && checked.config.sites[i].pool.empty() &&
        places.good(site + ".pool") && places.given(site + ".run")) {
      checked.report.error(places.find(site + ".run"), site + ".run: there is no pool to run scripts",
                           "add pool: NAME");
    }
  }
}

}  // namespace holdfast::config

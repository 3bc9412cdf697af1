// See nginx_alias.h.
#include "config/import/nginx_alias.h"

#include <utility>

#include "config/import/nginx_conditions.h"
#include "config/route_limits.h"

namespace holdfast::config {
namespace {

// Which scripts run there. None is not the same as all.
void move_run(const ServerOfAlias& of, Site& site) {
  const bool some = !site.run.empty();
  for (const std::string& pattern : std::exchange(site.run, {})) {
    const auto moved = pattern_below(site.path, pattern);
    if (moved && !moved->empty()) site.run.push_back(*moved);
    if (!moved) of.context.note(of.server, "run of " + pattern + " cannot be said below " + site.path);
  }
  if (some && site.run.empty()) site.php = false;
}

}  // namespace

Site site_of_alias(const std::string& below, const NginxScope& scope) {
  Site site;
  site.path = below;
  site.root = without_slash(scope.alias);
  static_cast<PathSettings&>(site) = scope.settings;
  site.pool = scope.pool;
  if (scope.fallback && *scope.fallback != "404")
    site.fallback =
        scope.fallback->starts_with(below + "/") ? scope.fallback->substr(below.size()) : *scope.fallback;
  if (scope.max_body) site.max_body = *scope.max_body;
  if (!site.allow) site.allow = scope.access.allow;
  if (!site.auth) site.auth = scope.access.auth();
  if (scope.deny || scope.redirect) {
    Route& all = site.routes.emplace_back();
    all.path = {"/**"};
    all.deny = scope.deny;
    if (!scope.deny) all.redirect = scope.redirect;
    all.status = scope.status;
  }
  return site;
}

Site site_below(const ServerOfAlias& of, const Site& alias) {
  Site out = of.site;
  out.path = alias.path;
  out.root = alias.root;
  out.fallback = alias.fallback;
  out.internal.clear();
  out.redirect.clear();
  if (!alias.pool.empty()) out.pool = alias.pool;
  if (alias.max_body != Site().max_body) out.max_body = alias.max_body;
  for (const auto& [name, value] : alias.headers) out.headers[name] = value;
  if (alias.expires) out.expires = alias.expires;
  if (alias.php) out.php = alias.php;
  if (alias.log) out.log = alias.log;
  out.auth = alias.auth ? alias.auth : of.access.auth();
  out.allow = alias.allow ? alias.allow : of.access.allow;
  if (alias.timeouts != RequestTimeouts()) out.timeouts = alias.timeouts;
  if (alias.type) out.type = alias.type;
  out.list = alias.list ? alias.list : out.list;
  move_run(of, out);
  std::vector<RankedRoute> routes;
  for (RankedRoute each : of.routes) {
    std::string& pattern = each.route.path[0];
    // `location /`, and what the server does with the rest: another location than the alias.
    if (pattern == "/**" && each.rank > 2) continue;
    const auto moved = pattern_below(alias.path, pattern);
    if (!moved)
      of.context.note(of.server, "what is said of " + pattern + " cannot be said for the site with path " +
                                     alias.path + ": write it by hand");
    if (!moved || moved->empty()) continue;
    pattern = *moved;
    routes.push_back(std::move(each));
  }
  for (const Route& route : alias.routes) routes.push_back({5, 0, route});
  std::vector<const NginxDirective*> idle;
  set_routes(of.context, of.server, out, ordered_routes(std::move(routes), idle));
  return out;
}

void set_routes(const NginxContext& context, const NginxDirective& server, Site& site,
                std::vector<Route> routes) {
  if (routes.size() > kRoutesMax) {
    context.note(server, "has " + std::to_string(routes.size()) + " routes: those behind the first " +
                             std::to_string(kRoutesMax) + " are left out");
    routes.resize(kRoutesMax);
  }
  site.routes = std::move(routes);
}

}  // namespace holdfast::config

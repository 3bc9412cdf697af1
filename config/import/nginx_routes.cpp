// See nginx_routes.h.
#include "config/import/nginx_routes.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::config {
namespace {

template <class Value>
bool differ(const std::optional<Value>& a, const std::optional<Value>& b) {
  return a && b && *a != *b;
}

bool differ(const HeaderMap& a, const HeaderMap& b) {
  return std::any_of(a.begin(), a.end(), [&b](const auto& header) {
    const auto same = b.find(header.first);
    return same != b.end() && same->second != header.second;
  });
}

// Where both match, it counts which of them stands last.
bool settings_differ(const Route& a, const Route& b) {
  return differ(a.headers, b.headers) || differ(a.expires, b.expires) || differ(a.php, b.php) ||
         differ(a.log, b.log) || differ(a.auth, b.auth) || differ(a.allow, b.allow) ||
         differ(a.timeouts.send, b.timeouts.send) || differ(a.timeouts.first_byte, b.timeouts.first_byte) ||
         differ(a.timeouts.idle_read, b.timeouts.idle_read) || differ(a.type, b.type) ||
         differ(a.list, b.list) || differ(a.max_body, b.max_body) || differ(a.pool, b.pool) ||
         differ(a.fallback, b.fallback);
}

// A route for the same paths that says nothing.
Route nothing_of(const Route& route) {
  Route out;
  out.path = route.path;
  out.ignore_case = route.ignore_case;
  out.when = route.when;
  out.status = route.status;
  return out;
}

// `^~ /p` goes before expressions, but not before the longer `/p/q/`: which is no winner over expressions.
// Where it opens nothing it may be one here.
void raise_longer_prefixes(std::vector<RankedRoute>& ranked) {
  std::vector<std::pair<std::string, std::size_t>> firm;
  for (const RankedRoute& each : ranked) {
    std::string prefix = each.route.path[0];
    if (prefix.ends_with("**")) prefix.resize(prefix.size() - 2);
    if (each.rank == 1) firm.emplace_back(std::move(prefix), each.length);
  }
  for (RankedRoute& each : ranked) {
    const Route& route = each.route;
    const bool leads = route.redirect || route.to || route.deny == 0;
    if (each.rank != 3 || leads || (route.auth && route.auth->off)) continue;
    if (std::any_of(firm.begin(), firm.end(), [&each](const auto& shorter) {
          return each.length > shorter.second && each.route.path[0].starts_with(shorter.first);
        }))
      each.rank = 1;
  }
}

// A location that says nothing of who may come, or which php runs, still has what its server says, whatever
// a location says that loses against it.
void say_inherited(std::vector<RankedRoute>& ranked) {
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    RankedRoute& winner = ranked[i];
    for (std::size_t j = i + 1; j < ranked.size(); ++j) {
      const Route& loser = ranked[j].route;
      if (!winner.route.allow && differ(winner.allow, loser.allow)) winner.route.allow = winner.allow;
      if (!winner.route.auth && differ(winner.auth, loser.auth)) winner.route.auth = winner.auth;
      if (!winner.pool.empty() && !winner.route.pool && loser.pool && *loser.pool != winner.pool)
        winner.route.pool = winner.pool;
    }
  }
}

// `deny: off` says nothing where no later route has an action.
void drop_needless_shields(std::vector<Route>& routes) {
  std::vector<Route> kept;
  bool later_action = false;
  for (auto route = routes.rbegin(); route != routes.rend(); ++route) {
    if (route->deny == 0 && !later_action) {
      route->deny.reset();
      if (*route == nothing_of(*route)) continue;
    }
    later_action = later_action || route->deny.value_or(0) != 0 || route->redirect || route->to;
    kept.push_back(std::move(*route));
  }
  routes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
}

}  // namespace

RankedRoute denied_from(const std::vector<Network>& from, const std::string& pattern, int rank,
                        std::size_t length) {
  RankedRoute out{rank, length, {}};
  out.route.path = {pattern};
  out.route.when.from = from;
  out.route.deny = 403;
  return out;
}

std::vector<Route> ordered_routes(std::vector<RankedRoute> ranked, std::vector<const NginxDirective*>& idle) {
  raise_longer_prefixes(ranked);
  std::stable_sort(ranked.begin(), ranked.end(), [](const RankedRoute& a, const RankedRoute& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.length > b.length;
  });
  say_inherited(ranked);
  std::vector<Route> out;
  std::vector<Route> behind;
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    Route& route = ranked[i].route;
    if (ranked[i].candidate != nullptr && route == nothing_of(route)) {
      if (ranked[i].pool.empty()) idle.push_back(ranked[i].candidate);
      continue;
    }
    const bool undone =
        std::any_of(ranked.begin() + static_cast<std::ptrdiff_t>(i) + 1, ranked.end(),
                    [&route](const RankedRoute& loser) { return settings_differ(route, loser.route); });
    if (!undone) {
      out.push_back(route);
      continue;
    }
    Route settings = route;
    settings.deny.reset();
    settings.redirect.reset();
    settings.to.reset();
    settings.status = Route().status;
    behind.push_back(std::move(settings));
    if (!route.has_action()) continue;
    Route action = nothing_of(route);
    action.deny = route.deny;
    action.redirect = route.redirect;
    action.to = route.to;
    out.push_back(std::move(action));
  }
  std::move(behind.rbegin(), behind.rend(), std::back_inserter(out));
  drop_needless_shields(out);
  return out;
}

std::optional<std::string> pattern_below(const std::string& path, const std::string& pattern) {
  if (!pattern.starts_with('/')) return pattern;
  if (pattern.starts_with("/**")) return pattern;
  if (pattern == path) return "/";
  if (pattern.starts_with(path)) {
    const std::string rest = pattern.substr(path.size());
    if (rest.starts_with('/')) return rest == "/" ? "/**" : rest;
    if (rest.starts_with("**")) return "/" + rest;
  }
  // Does what is literal in it lead elsewhere?
  const std::string literal = pattern.substr(0, pattern.find_first_of("*{"));
  const std::string below = path + "/";
  const std::size_t common = std::min(literal.size(), below.size());
  if (literal.compare(0, common, below, 0, common) != 0 || literal == pattern) return "";
  return std::nullopt;
}

}  // namespace holdfast::config

// See nginx_server.h. nginx looks for a location by its own order (`=`, `^~`, regular expressions in turn,
// then the longest prefix) and takes one; routes are read from top to bottom and add up. So they are sorted
// by that order here, and a location that only shields its paths from later ones becomes `deny: off`.
#include "config/import/nginx_server.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "config/addresses.h"
#include "config/import/nginx_conditions.h"
#include "config/path_pattern.h"
#include "config/route_limits.h"
#include "config/site.h"
#include "config/target_template.h"

namespace holdfast::config {
namespace {

using Directives = std::vector<NginxDirective>;

struct Ranked {
  int rank = 0;            // of the kind of location
  std::size_t length = 0;  // of a prefix: the longer goes first
  Route route;
};

class ServerImport {
 public:
  ServerImport(const NginxContext& context, const NginxDirective& server)
      : context_(context), server_(server) {}

  void run(const Directives& inherited) {
    for (const NginxDirective& d : inherited) take(d, true);
    find_variables();
    for (const NginxDirective& d : server_.block) name_of(d);
    for (const NginxDirective& d : server_.block) take(d, false);
    finish();
  }

 private:
  // `set $ROOT /srv` of the server itself: its value stands for it.
  void find_variables() {
    for (const NginxDirective& d : server_.block) {
      if (d.name == "set" && d.words.size() == 2 && d.word(1).find('$') == std::string::npos)
        variables_[d.word(0)] = d.word(1);
    }
    if (!variables_.empty()) fill_in(server_.block);
  }
  void fill_in(Directives& block) {
    for (NginxDirective& d : block) {
      for (std::string& word : d.words) {
        for (const auto& [name, value] : variables_) {
          const std::size_t at = d.name == "set" ? std::string::npos : word.find(name);
          if (at != std::string::npos) word.replace(at, name.size(), value);
        }
      }
      fill_in(d.block);
    }
  }

  void name_of(const NginxDirective& d) {
    if (d.name != "server_name") return;
    for (const std::string& word : d.words) {
      if (word == "_" || word.empty()) {
        any_host_ = true;
        continue;
      }
      const bool with_all_below = word.starts_with('.');
      for (const std::string& name :
           with_all_below ? std::vector{word.substr(1), "*" + word} : std::vector{word}) {
        if (const auto host = parse_host_pattern(name); host.value) {
          site_.hosts.push_back(*host.value);
        } else {
          context_.note(d, "the name " + name + " cannot be said");
        }
      }
    }
    if (!site_.hosts.empty() && !site_.hosts[0].starts_with('*')) name_ = site_.hosts[0];
  }

  void take(const NginxDirective& d, bool of_http) {
    if (d.name == "server_name" || d.name == "set") {
      if (d.name == "set" && !variables_.contains(d.word(0))) context_.note(d, "variables cannot be set");
    } else if (d.name == "listen") {
      listen(d);
    } else if (d.name == "location") {
      location(d);
    } else if (d.name == "if") {
      condition(d, nullptr, {{}, 2});
    } else if (d.name == "rewrite") {
      rewrite(d, -1, 0);
    } else if (!take_site_key(context_, d, site_) && !take_setting(context_, d, scope_) &&
               !take_action(context_, d, name_, server_.block, scope_)) {
      if (!of_http) context_.note(d, "has no counterpart here");
    }
  }

  void listen(const NginxDirective& d) {
    for (std::size_t i = 1; i < d.words.size(); ++i) {
      if (d.word(i) == "default_server" || d.word(i) == "default") any_host_ = true;
      if (d.word(i) == "ssl") return context_.note(d, "TLS is not spoken here: a proxy in front does that");
      if (d.word(i) == "proxy_protocol") return context_.note(d, "the PROXY protocol is not spoken here");
    }
    std::string where = d.word(0);
    if (where.starts_with("*:")) where.erase(0, 1);
    const bool is_port = where.find_first_not_of("0123456789") == std::string::npos;
    if (is_port) where.insert(0, ":");
    if (!is_port && !where.starts_with("unix:") &&
        (where.ends_with(']') || where.find(':') == std::string::npos))
      where += ":80";
    const auto address = read_listen_address(where);
    if (!address.value) return context_.note(d, "no address that can be said");
    auto& all = context_.listen;
    if (std::find(all.begin(), all.end(), *address.value) == all.end()) all.push_back(*address.value);
  }

  // ---- locations

  // A location within another: it counts before that one, and for its paths alone.
  struct Parent {
    std::string prefix;  // empty: of a regular expression
    int rank = 0;
    bool ignore_case = false;
  };

  // `location ~* ...`: letters of either case, where the pattern has any.
  static bool ignores_case(const NginxDirective& d, const std::string& pattern) {
    return d.words.size() > 1 && d.word(0) == "~*" && std::any_of(pattern.begin(), pattern.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
           });
  }

  void location(const NginxDirective& d, const Parent* parent = nullptr) {
    const bool modified = d.words.size() > 1;
    const std::string modifier = modified ? d.word(0) : "";
    const std::string& path = modified ? d.word(1) : d.word(0);
    if (path.starts_with('@')) return named(d);
    const bool regex = modifier == "~" || modifier == "~*";
    auto pattern = regex ? pattern_of_regex(path) : PatternOfRegex{prefix_pattern(modifier, path), {}};
    if (parent != nullptr && pattern) pattern->pattern = within_prefix(parent->prefix, pattern->pattern);
    const bool top = !regex && path == "/" && modifier.empty();
    int rank = modifier == "=" ? 0 : modifier == "^~" ? 1 : regex ? 2 : 3;
    if (parent != nullptr && rank != 0) rank = parent->rank;
    NginxScope scope;
    read(d, top ? scope_ : scope, pattern ? &*pattern : nullptr,
         Parent{regex || top ? "" : path, rank, pattern && ignores_case(d, pattern->pattern)});
    if (top) return;
    finish_access(scope);
    if (regex && scope.deny && is_hidden(path))
      return context_.note(d, "not needed: names that begin with a dot are never served");
    if (regex && !scope.pool.empty()) return scripts(d, pattern, scope);
    if (site_.pool.empty()) site_.pool = scope.pool;
    if (!scope.alias.empty() || scope.internal) return folder(d, regex, path, scope);
    if (!pattern || !parse_path_pattern(pattern->pattern).value)
      return context_.note(d, "its expression cannot be said: write a route by hand");
    const bool shields = modifier == "=" || modifier == "^~" || parent != nullptr;
    add(d, shields, pattern->pattern, regex && parent != nullptr ? kPatternMax : path.size(), rank, scope);
  }

  void named(const NginxDirective& d) {
    const bool one_rewrite = d.block.size() == 1 && d.block[0].name == "rewrite";
    if (!one_rewrite) context_.note(d, "a named location with more than one rewrite: write routes by hand");
  }

  void read(const NginxDirective& location, NginxScope& scope, const PatternOfRegex* pattern,
            const Parent& self) {
    for (const NginxDirective& d : location.block) {
      if (d.name == "location") {
        this->location(d, &self);
      } else if (d.name == "if") {
        condition(d, pattern, self);
      } else if (d.name == "rewrite") {
        rewrite(d, self.rank, 0);
      } else if (d.name == "limit_except") {
        context_.note(d, "write `when: { method: ... }` by hand");
      } else if (!take_site_key(context_, d, site_) && !take_setting(context_, d, scope) &&
                 !take_action(context_, d, name_, server_.block, scope)) {
        context_.note(d, "has no counterpart here");
      }
    }
  }

  // A location that hands scripts to php-fpm: of the site the pool and which scripts run; what it sets for
  // all of them is the site's, the rest stays a route.
  void scripts(const NginxDirective& d, const std::optional<PatternOfRegex>& pattern, NginxScope& scope) {
    if (site_.pool.empty()) site_.pool = scope.pool;
    if (!pattern) {
      all_scripts_ = true;
      return context_.note(d, "which scripts run could not be said: all do; see run");
    }
    std::string which = pattern->pattern;
    for (const std::string_view tail : {"/", "**"}) {
      if (which.ends_with(tail) && which.size() > tail.size()) which.resize(which.size() - tail.size());
    }
    const bool all = which == "*.php" || which == "**.php" || which == "/**.php" || which == "/*.php";
    all_scripts_ = all_scripts_ || all;
    if (!all) site_.run.push_back(which);
    if (all && site_.pool == scope.pool) {
      PathSettings& site = scope_.settings;
      if (scope.settings.timeouts != RequestTimeouts())
        site.timeouts = std::exchange(scope.settings.timeouts, {});
      site.headers.merge(std::exchange(scope.settings.headers, {}));
      if (scope.max_body && !scope_.max_body) scope_.max_body = std::exchange(scope.max_body, {});
    }
    // Of nginx's locations one counts: what a later one denies is not denied to these scripts.
    add(d, !all, pattern->pattern, 0, 2, scope);
  }

  // alias and internal.
  void folder(const NginxDirective& d, bool regex, const std::string& path, NginxScope& scope) {
    const std::string below = without_slash(path);
    if (regex || below == "/") return context_.note(d, "alias and internal can be said of prefixes alone");
    if (scope.internal) {
      const std::string root =
          scope.alias.empty() ? (scope.root.empty() ? scope_.root : scope.root) + below : scope.alias;
      if (root.empty() || root.find('$') != std::string::npos)
        return context_.note(d, "its folder cannot be said: write internal by hand");
      site_.internal[below + "/"] = without_slash(root);
      return;
    }
    if (scope.alias.find('$') != std::string::npos)
      return context_.note(d, "a variable cannot name a folder");
    Site& site = aliases_.emplace_back();
    site.path = below;
    site.root = without_slash(scope.alias);
    static_cast<PathSettings&>(site) = scope.settings;
    site.pool = scope.pool;
    if (scope.fallback && *scope.fallback != "404")
      site.fallback =
          scope.fallback->starts_with(below + "/") ? scope.fallback->substr(below.size()) : *scope.fallback;
    if (scope.max_body) site.max_body = *scope.max_body;
    context_.note(d, "has become a site of its own with path " + below + ": look at its pool and fallback");
  }

  void add(const NginxDirective& d, bool shields, const std::string& pattern, std::size_t length, int rank,
           NginxScope& scope) {
    Ranked out{rank, rank == 1 || rank == 3 ? length : 0, {}};
    Route& route = out.route;
    static_cast<PathSettings&>(route) = scope.settings;
    route.path = {pattern};
    route.ignore_case = ignores_case(d, pattern);
    route.deny = scope.deny;
    if (!route.deny) route.redirect = scope.redirect;
    route.status = scope.status;
    route.fallback = scope.fallback;
    route.max_body = scope.max_body;
    if (!scope.pool.empty() && scope.pool != site_.pool && !site_.pool.empty()) route.pool = scope.pool;
    if (!scope.root.empty() && scope.root != scope_.root)
      context_.note(d, "its root cannot be said: make it a site with path and root");
    if (shields && !route.has_action()) route.deny = 0;
    Route nothing;
    nothing.path = route.path;
    nothing.ignore_case = route.ignore_case;
    nothing.status = route.status;
    if (route == nothing) {
      if (scope.pool.empty()) context_.note(d, "says nothing that a route would have to say");
      return;
    }
    routes_.push_back(std::move(out));
  }

  // ---- rewrites and conditions

  void rewrite(const NginxDirective& d, int rank, std::size_t length, const RouteWhen& when = {}) {
    const auto pattern = pattern_of_regex(d.word(0));
    const std::string& flag = d.word(2);
    const bool away = flag == "permanent" || flag == "redirect" || d.word(1).starts_with("http") ||
                      d.word(1).starts_with("$scheme");
    const auto target = pattern ? target_of(d.word(1), pattern->groups, name_, away) : std::nullopt;
    if (!target) return context_.note(d, "cannot be said: write a route with to or redirect by hand");
    Ranked out{rank, length, {}};
    out.route.path = {pattern->pattern};
    out.route.when = when;
    out.route.status = flag == "permanent" ? 301 : 302;
    (away ? out.route.redirect : out.route.to) = target;
    routes_.push_back(std::move(out));
  }

  void condition(const NginxDirective& d, const PatternOfRegex* pattern, const Parent& of) {
    const std::string text = condition_text(d);
    const NginxDirective* only = d.block.size() == 1 ? &d.block[0] : nullptr;
    if (text == "!-f $document_root$fastcgi_script_name")
      return context_.note(d, "not needed: a script must exist to run");
    if ((text == "!-e $request_filename" || text == "!-f $request_filename") && only != nullptr &&
        only->name == "rewrite" && missing(*only))
      return;
    NginxScope inner;
    const bool returns = only != nullptr && only->name == "return" &&
                         take_action(context_, *only, name_, server_.block, inner);
    if (returns && inner.gone_to_https &&
        (text == "$scheme = http" || text == "$https != \"on\"" || text == "$https != on")) {
      site_.https = Https::required;
      return;
    }
    RouteWhen when;
    if (returns && when_of(text, when) && (inner.deny || inner.redirect)) {
      Ranked out{of.rank, 0, {}};
      out.route.path = {pattern != nullptr ? pattern->pattern : "/**"};
      out.route.ignore_case = of.ignore_case;
      out.route.when = when;
      out.route.deny = inner.deny;
      out.route.redirect = inner.redirect;
      out.route.status = inner.status;
      routes_.push_back(std::move(out));
      return;
    }
    context_.note(d, "the condition cannot be said: see sites[].routes[].when");
  }

  // What is rewritten because no file is there goes to the fallback.
  bool missing(const NginxDirective& d) {
    const auto pattern = pattern_of_regex(d.word(0));
    const auto target = pattern ? target_of(d.word(1), pattern->groups, name_, false) : std::nullopt;
    if (!target) return false;
    const auto parsed = parse_internal_target(*target);
    if (parsed.value->captures == 0 && (pattern->pattern == "/**" || pattern->pattern == "**")) {
      scope_.fallback = target;
      return true;
    }
    Ranked out{4, 0, {}};
    out.route.path = {pattern->pattern};
    out.route.fallback = target;
    routes_.push_back(std::move(out));
    return true;
  }

  // ---- the end

  void finish() {
    finish_access(scope_);
    static_cast<PathSettings&>(site_) = scope_.settings;
    if (scope_.settings.auth && !scope_.settings.auth->off && scope_.settings.auth->users.empty())
      site_.auth.reset();
    if (scope_.max_body) site_.max_body = *scope_.max_body;
    if (site_.pool.empty()) site_.pool = scope_.pool;
    if (all_scripts_) site_.run.clear();
    site_.root = without_slash(scope_.root);
    if (scope_.fallback && *scope_.fallback != "404") site_.fallback = *scope_.fallback;
    if (scope_.redirect && scope_.status == 301) site_.redirect = *scope_.redirect;
    const bool whole = scope_.redirect && scope_.status != 301;
    if (whole || scope_.deny) {
      Ranked all{5, 0, {}};
      all.route.path = {"/**"};
      all.route.deny = scope_.deny;
      if (!scope_.deny) all.route.redirect = scope_.redirect;
      all.route.status = scope_.status;
      routes_.push_back(std::move(all));
    }
    std::stable_sort(routes_.begin(), routes_.end(), [](const Ranked& a, const Ranked& b) {
      return a.rank != b.rank ? a.rank < b.rank : a.length > b.length;
    });
    for (Ranked& each : routes_) {
      if (site_.routes.size() < kRoutesMax) site_.routes.push_back(std::move(each.route));
    }
    if (routes_.size() > kRoutesMax)
      context_.note(server_, "has " + std::to_string(routes_.size()) + " routes: those behind the first " +
                                 std::to_string(kRoutesMax) + " are left out");
    drop_needless_shields();
    if (any_host_ && !has_any_host()) site_.hosts.clear();
    if (site_.redirect.empty() && site_.root.empty() && site_.routes.empty() && aliases_.empty())
      return context_.note(server_, "has no root");
    context_.sites.push_back(site_);
    for (const Site& each : aliases_) context_.sites.push_back(below(each));
  }

  // The site that an alias has become, with all that the server says for its locations: who may come, headers,
  // and what it refuses wherever it lies.
  Site below(const Site& alias) const {
    Site out = site_;
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
    if (alias.auth) out.auth = alias.auth;
    if (alias.allow) out.allow = alias.allow;
    if (alias.timeouts != RequestTimeouts()) out.timeouts = alias.timeouts;
    if (alias.type) out.type = alias.type;
    out.list = alias.list ? alias.list : out.list;
    std::erase_if(out.routes, [](const Route& route) {
      return std::any_of(route.path.begin(), route.path.end(),
                         [](const std::string& pattern) { return pattern.starts_with('/'); });
    });
    return out;
  }

  // `deny: off` says nothing where no later route has an action.
  void drop_needless_shields() {
    std::vector<Route> kept;
    bool later_action = false;
    for (auto route = site_.routes.rbegin(); route != site_.routes.rend(); ++route) {
      if (route->deny == 0 && !later_action) {
        route->deny.reset();
        Route nothing;
        nothing.path = route->path;
        nothing.ignore_case = route->ignore_case;
        if (*route == nothing) continue;
      }
      later_action = later_action || route->deny.value_or(0) != 0 || route->redirect || route->to;
      kept.push_back(std::move(*route));
    }
    site_.routes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  }

  bool has_any_host() const {
    const auto& sites = context_.sites;
    return std::any_of(sites.begin(), sites.end(), [](const Site& site) { return site.hosts.empty(); });
  }

  const NginxContext& context_;
  NginxDirective server_;
  std::map<std::string, std::string> variables_;
  Site site_;
  NginxScope scope_;
  std::string name_;  // the first plain one
  bool any_host_ = false;
  bool all_scripts_ = false;  // some location takes every .php
  std::vector<Ranked> routes_;
  std::vector<Site> aliases_;
};

}  // namespace

void import_server(const NginxContext& context, const NginxDirective& server, const Directives& inherited) {
  ServerImport(context, server).run(inherited);
}

}  // namespace holdfast::config

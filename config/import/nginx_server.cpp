// See nginx_server.h. nginx looks for a location by its own order (`=`, `^~`, regular expressions in turn,
// then the longest prefix) and takes one; routes are read from top to bottom and add up. So they are sorted
// by that order here, and a location that only shields its paths from later ones becomes `deny: off`.
#include "config/import/nginx_server.h"

#include <algorithm>
#include <map>
#include <utility>

#include "config/addresses.h"
#include "config/import/nginx_alias.h"
#include "config/import/nginx_conditions.h"
#include "config/import/nginx_routes.h"
#include "config/import/nginx_variables.h"
#include "config/path_pattern.h"
#include "config/site.h"
#include "config/target_template.h"

namespace holdfast::config {
namespace {

using Directives = std::vector<NginxDirective>;

class ServerImport {
 public:
  ServerImport(const NginxContext& context, const NginxDirective& server)
      : context_(context), server_(server) {}

  void run(const Directives& inherited) {
    for (const NginxDirective& d : inherited) take(d, true);
    variables_ = fill_in_variables(server_);
    const Directives& block = server_.block;
    const bool said = std::any_of(block.begin(), block.end(),
                                  [](const auto& d) { return d.name == "allow" || d.name == "deny"; });
    if (said) forget_who_may_come(scope_.access);
    for (const NginxDirective& d : block) name_of(d);
    // What locations inherit is known before they are read.
    for (const NginxDirective& d : block) {
      if (d.name != "location") take(d, false);
    }
    inherit_access(context_, server_, {}, scope_);
    access_ = scope_.access;
    if (!access_.denied.empty()) routes_.push_back(denied_from(access_.denied, "/**", -1, 0));
    for (const bool rest : {false, true}) {
      for (const NginxDirective& d : block) {
        const NginxLocation of(d);
        if (d.name == "location" && of.is_rest() == !rest) rest ? location(d) : the_rest(d);
      }
    }
    finish();
  }

 private:
  void name_of(const NginxDirective& d) {
    if (d.name != "server_name") return;
    any_host_ = take_names(context_, d, site_.hosts) || any_host_;
    if (!site_.hosts.empty() && !site_.hosts[0].starts_with('*')) name_ = site_.hosts[0];
  }

  void take(const NginxDirective& d, bool of_http) {
    if (d.name == "server_name" || d.name == "set") {
      if (d.name == "set" && !variables_.contains(d.word(0))) context_.note(d, "variables cannot be set");
    } else if (d.name == "listen") {
      any_host_ = take_listen(context_, d) || any_host_;
    } else if (d.name == "location") {
      location(d);
    } else if (d.name == "if") {
      condition(d, nullptr, {{}, -1});
    } else if (d.name == "rewrite") {
      rewrite(d, {{}, -1}, nullptr);
    } else if (d.name == "return") {
      return_of_server(d);
    } else if (!take_site_key(context_, d, site_) && !take_setting(context_, d, scope_) &&
               !take_action(context_, d, name_, server_.block, scope_)) {
      if (!of_http) context_.note(d, "has no counterpart here");
    }
  }

  // It counts before any location is looked for.
  void return_of_server(const NginxDirective& d) {
    NginxScope said;
    take_action(context_, d, name_, server_.block, said);
    if (said.deny || (said.redirect && said.status != 301)) {
      Route& route = routes_.emplace_back(RankedRoute{-1, 0, {}}).route;
      route.path = {"/**"};
      route.deny = said.deny;
      route.redirect = said.redirect;
      if (said.redirect) route.status = said.status;
    } else {
      scope_.redirect = said.redirect;
      scope_.status = said.status;
    }
    scope_.gone_to_https = said.gone_to_https;
  }

  // ---- locations

  // A location within another: it counts before that one, and for its paths alone.
  struct Parent {
    std::string prefix;  // empty: of a regular expression
    int rank = 0;
    bool ignore_case = false;
    std::size_t length = 0;
    const NginxAccess* access = nullptr;
  };

  // `location /`: what it says is the site's, but for what would open other locations to everybody.
  void the_rest(const NginxDirective& d) {
    NginxScope scope = scope_;
    scope.access = {};
    scope.settings.auth.reset();
    scope.settings.allow.reset();
    const PatternOfRegex all{"/**", {}};
    const auto before = scope_.fallback;
    read(d, scope, &all, Parent{"", 3, false, 1, &access_});
    if (scope_.fallback != before) scope.fallback = scope_.fallback;  // of a condition in it
    rest_ = scope.access;
    RankedRoute open{3, 1, {}};
    open.route.path = {"/**"};
    if (access_.nobody || access_.allow)
      open.route.allow = std::exchange(scope.settings.allow, scope_.settings.allow);
    if (access_.auth()) open.route.auth = std::exchange(scope.settings.auth, scope_.settings.auth);
    if (open.route.allow || open.route.auth) routes_.push_back(std::move(open));
    scope_ = std::move(scope);
    scope_.access = access_;
  }

  void location(const NginxDirective& d, const Parent* parent = nullptr) {
    const NginxLocation of(d);
    if (of.path.starts_with('@')) return named(d);
    auto pattern = of.regex ? pattern_of_regex(of.path) : prefix_as_pattern(of);
    if (parent != nullptr && pattern) pattern->pattern = within_prefix(parent->prefix, pattern->pattern);
    int rank = of.rank();
    if (parent != nullptr && rank != 0) rank = parent->rank;
    const std::size_t length = of.regex ? (parent != nullptr ? parent->length : 0) : of.path.size();
    const bool ignore_case = pattern && of.ignores_case(pattern->pattern);
    NginxScope scope;
    read(d, scope, pattern ? &*pattern : nullptr,
         Parent{of.regex ? "" : of.path, rank, ignore_case, length,
                parent != nullptr ? parent->access : &access_});
    if (scope.access.nobody && !scope.deny && !scope.redirect) scope.deny = 403;
    if (of.regex && scope.deny && is_hidden(of.path))
      return context_.note(d, "not needed: names that begin with a dot are never served");
    const bool script = of.regex || (of.modifier == "=" && of.path.ends_with(".php"));
    const bool own = scope.access.said || (parent != nullptr && parent->access != &access_);
    if (own && pattern && !scope.access.denied.empty() && parse_path_pattern(pattern->pattern).value) {
      // A fallback is no matter of `deny`: who is kept from its script is kept from the site.
      const bool whole = !scope.pool.empty() && falls_to(pattern->pattern);
      if (whole)
        context_.note(d, "its `deny` of addresses counts for all paths: missing files get its script");
      routes_.push_back(whole ? denied_from(scope.access.denied, "/**", -1, 0)
                              : denied_from(scope.access.denied, pattern->pattern, rank,
                                            rank == 1 || rank == 3 ? length : 0));
      routes_.back().route.ignore_case = ignore_case && !whole;
    }
    if (script && !scope.pool.empty()) return scripts(d, pattern, rank, length, scope);
    if (!scope.pool.empty()) {
      context_.note(d, "fastcgi_pass: only scripts whose names end in .php run; see run");
      if (pattern && scope.alias.empty()) site_.run.push_back(scripts_below(pattern->pattern));
    }
    if (site_.pool.empty()) site_.pool = scope.pool;
    if (!scope.alias.empty() || scope.internal) return folder(d, of.regex, of.path, scope);
    if (!pattern || !parse_path_pattern(pattern->pattern).value)
      return context_.note(d, "its expression cannot be said: write a route by hand");
    const bool floats = parent != nullptr && parent->prefix.empty() && !pattern->pattern.starts_with('/');
    const bool shields = of.modifier == "=" || of.modifier == "^~" || parent != nullptr ||
                         (scope.access.said && access_.nobody);
    if ((floats || pattern->widened) && opens(scope))
      return context_.note(d, "would open more than its expression does: write a route by hand");
    if (pattern->widened) context_.note(d, "its pattern matches more than its expression does");
    add(d, shields && !floats && !pattern->widened, pattern->pattern, length, rank, scope);
  }

  // Whether what a missing file gets may be a script of `pattern`.
  bool falls_to(const std::string& pattern) const {
    return pattern.find('*') < pattern.find(".php") ||
           (scope_.fallback && scope_.fallback->starts_with(pattern.substr(0, pattern.find('*'))));
  }

  void named(const NginxDirective& d) {
    const bool one_rewrite = d.block.size() == 1 && d.block[0].name == "rewrite";
    if (!one_rewrite) context_.note(d, "a named location with more than one rewrite: write routes by hand");
  }

  // Settings first, which the locations within inherit; conditions last, for they are not inherited.
  void read(const NginxDirective& location, NginxScope& scope, const PatternOfRegex* pattern, Parent self) {
    const auto is_later = [](const NginxDirective& d) {
      return d.name == "location" || d.name == "if" || d.name == "rewrite";
    };
    for (const NginxDirective& d : location.block) {
      if (is_later(d)) continue;
      if (d.name == "limit_except") {
        context_.note(d, "write `when: { method: ... }` by hand");
      } else if (!take_key(location, d) && !take_setting(context_, d, scope) &&
                 !take_action(context_, d, name_, server_.block, scope)) {
        context_.note(d, "has no counterpart here");
      }
    }
    inherit_access(context_, location, *self.access, scope);
    self.access = &scope.access;
    for (const NginxDirective& d : location.block) {
      if (d.name == "location") this->location(d, &self);
    }
    for (const NginxDirective& d : location.block) {
      if (d.name == "if") condition(d, pattern, self);
      if (d.name == "rewrite") rewrite(d, self, pattern);
    }
  }

  // A key that only a site has is taken from `location /` and from where scripts run, else not.
  bool take_key(const NginxDirective& location, const NginxDirective& d) {
    const bool runs = std::any_of(location.block.begin(), location.block.end(),
                                  [](const NginxDirective& each) { return each.name == "fastcgi_pass"; });
    if (NginxLocation(location).is_rest() || runs) return take_site_key(context_, d, site_);
    Site with = site_;
    if (!take_site_key(context_, d, with)) return false;
    if (!(with == site_)) context_.note(d, "is of one location: here it would be of the whole site");
    return true;
  }

  // A location that hands scripts to php-fpm: of the site the pool and which scripts run; what it sets for
  // all of them is the site's, the rest stays a route.
  void scripts(const NginxDirective& d, const std::optional<PatternOfRegex>& pattern, int rank,
               std::size_t length, NginxScope& scope) {
    if (site_.pool.empty()) site_.pool = scope.pool;
    if (!pattern) {
      all_scripts_ = true;
      return context_.note(d, "which scripts run could not be said: all do; see run");
    }
    const std::string which = without_below(pattern->pattern);
    const bool all = which == "*.php" || which == "**.php" || which == "/**.php" || which == "/*.php";
    all_scripts_ = all_scripts_ || all;
    if (pattern->widened) context_.note(d, "its pattern matches more than its expression does");
    if (!can_run(which)) {
      context_.note(d, "only names that end in .php run");
      other_scripts_ = true;
    } else if (!all) {
      site_.run.push_back(which);
    }
    if (all && site_.pool == scope.pool) {
      PathSettings& site = scope_.settings;
      if (scope.settings.timeouts != RequestTimeouts())
        site.timeouts = std::exchange(scope.settings.timeouts, {});
      site.headers.merge(std::exchange(scope.settings.headers, {}));
      if (scope.max_body && !scope_.max_body) scope_.max_body = std::exchange(scope.max_body, {});
    }
    // Of nginx's locations one counts: what a later one denies is not denied to these scripts.
    add(d, !all && !pattern->widened, pattern->pattern, length, rank, scope);
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
    aliases_.push_back(site_of_alias(below, scope));
    context_.note(d, "has become a site of its own with path " + below + ": look at its pool and fallback");
  }

  void add(const NginxDirective& d, bool shields, const std::string& pattern, std::size_t length, int rank,
           NginxScope& scope) {
    RankedRoute out{rank, rank == 1 || rank == 3 ? length : 0, {}};
    Route& route = out.route;
    static_cast<PathSettings&>(route) = scope.settings;
    route.path = {pattern};
    route.ignore_case = NginxLocation(d).ignores_case(pattern);
    route.deny = scope.deny;
    if (!route.deny) route.redirect = scope.redirect;
    route.status = scope.status;
    route.fallback = scope.fallback;
    route.max_body = scope.max_body;
    if (!scope.pool.empty() && scope.pool != site_.pool && !site_.pool.empty()) route.pool = scope.pool;
    if (!scope.root.empty() && scope.root != scope_.root)
      context_.note(d, "its root cannot be said: make it a site with path and root");
    if (shields && !route.has_action()) route.deny = 0;
    out.allow = scope.access.allow;
    out.auth = scope.access.auth();
    out.pool = scope.pool;
    out.candidate = &d;
    // An expression within a prefix goes before those of the server: at least in whom it lets in.
    if (NginxLocation(d).regex && rank == 3 && (route.allow || (route.auth && !route.auth->off))) {
      RankedRoute& first = routes_.emplace_back(RankedRoute{1, length, {}});
      first.route.path = route.path;
      first.route.ignore_case = route.ignore_case;
      first.route.allow = route.allow;
      first.route.auth = route.auth;
    }
    routes_.push_back(std::move(out));
  }

  // ---- rewrites and conditions

  // `within`: of the location; nullptr: of the server.
  void rewrite(const NginxDirective& d, const Parent& of, const PatternOfRegex* within) {
    const auto pattern = pattern_of_regex(d.word(0));
    const std::string& flag = d.word(2);
    const bool away = flag == "permanent" || flag == "redirect" || d.word(1).starts_with("http") ||
                      d.word(1).starts_with("$scheme");
    const auto target =
        pattern ? target_of(d.word(1), pattern->groups, name_, away, pattern->rooted) : std::nullopt;
    if (!target) return context_.note(d, "cannot be said: write a route with to or redirect by hand");
    RankedRoute out{of.rank, 0, {}};
    out.route.path = {pattern->pattern};
    const bool any = pattern->pattern == "/**" || pattern->pattern == "**";
    if (within != nullptr && any && target->find('$') == std::string::npos) {
      out.route.path = {within->pattern};
      out.route.ignore_case = of.ignore_case;
      out.length = of.rank == 1 || of.rank == 3 ? of.length : 0;
    } else if (!of.prefix.empty() && pattern->pattern.starts_with(of.prefix)) {
      out.length = of.rank == 1 || of.rank == 3 ? of.length : 0;
    }
    if (pattern->widened) context_.note(d, "its pattern matches more than its expression does");
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
      RankedRoute out{of.rank, of.rank == 1 || of.rank == 3 ? of.length : 0, {}};
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
    const auto target =
        pattern ? target_of(d.word(1), pattern->groups, name_, false, pattern->rooted) : std::nullopt;
    if (!target) return false;
    const auto parsed = parse_internal_target(*target);
    if (parsed.value->captures == 0 && (pattern->pattern == "/**" || pattern->pattern == "**")) {
      scope_.fallback = target;
      return true;
    }
    RankedRoute out{4, 0, {}};
    out.route.path = {pattern->pattern};
    out.route.fallback = target;
    routes_.push_back(std::move(out));
    return true;
  }

  // ---- the end

  void finish() {
    static_cast<PathSettings&>(site_) = scope_.settings;
    if (scope_.max_body) site_.max_body = *scope_.max_body;
    if (site_.pool.empty()) site_.pool = scope_.pool;
    if (all_scripts_) site_.run.clear();
    if (other_scripts_ && !all_scripts_ && site_.run.empty()) site_.php = false;  // no `run` would be all
    site_.root = without_slash(scope_.root);
    if (scope_.fallback && *scope_.fallback != "404") site_.fallback = *scope_.fallback;
    if (scope_.redirect && scope_.status == 301) site_.redirect = *scope_.redirect;
    const bool whole = scope_.redirect && scope_.status != 301;
    const bool nobody = (rest_ ? *rest_ : access_).nobody;
    if (whole || scope_.deny || nobody) {
      RankedRoute all{5, 0, {}};
      all.route.path = {"/**"};
      if (scope_.deny || nobody) all.route.deny = scope_.deny.value_or(403);
      if (!all.route.deny) all.route.redirect = scope_.redirect;
      all.route.status = scope_.status;
      routes_.push_back(std::move(all));
    }
    std::vector<const NginxDirective*> idle;
    set_routes(context_, server_, site_, ordered_routes(routes_, idle));
    for (const NginxDirective* d : idle) {
      context_.note(*d, "says nothing that a route would have to say");
    }
    if (any_host_ && !has_any_host()) site_.hosts.clear();
    if (site_.redirect.empty() && site_.root.empty() && site_.routes.empty() && aliases_.empty())
      return context_.note(server_, "has no root");
    context_.sites.push_back(site_);
    for (const Site& each : aliases_)
      context_.sites.push_back(site_below({context_, server_, site_, access_, routes_}, each));
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
  bool all_scripts_ = false;         // some location takes every .php
  bool other_scripts_ = false;       // some location takes scripts of other names
  NginxAccess access_;               // of the server: what its locations inherit
  std::optional<NginxAccess> rest_;  // of `location /`
  std::vector<RankedRoute> routes_;
  std::vector<Site> aliases_;
};

}  // namespace

void import_server(const NginxContext& context, const NginxDirective& server, const Directives& inherited) {
  ServerImport(context, server).run(inherited);
}

}  // namespace holdfast::config

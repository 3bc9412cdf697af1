// See route_plan.h.
#include "proxy/core/route_plan.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "config/load.h"
#include "config/site.h"
#include "proxy/core/path_text.h"

namespace holdfast::core {
namespace {

using config::PathSettings;
using config::Route;

// The configuration was read with the same functions: it cannot fail here.
PathPattern compiled(const std::string& text, bool ignore_case = false) {
  auto parsed = config::parse_path_pattern(text);
  assert(parsed.value);
  return PathPattern(std::move(*parsed.value),
                     ignore_case ? PathPattern::Case::ignored : PathPattern::Case::counts);
}

config::TargetTemplate redirect(const std::string& text) {
  auto parsed = config::parse_redirect_target(text);
  assert(parsed.value);
  return std::move(*parsed.value);
}

config::TargetTemplate internal(const std::string& text) {
  auto parsed = config::parse_internal_target(text);
  assert(parsed.value);
  return std::move(*parsed.value);
}

Fallback fallback_of(const std::string& text) {
  if (text == "404") return {true, {}};
  return {false, internal(text)};
}

void take(RoutePlan& plan, const PathSettings& settings) {
  if (settings.expires) plan.expires = &*settings.expires;
  if (settings.php) plan.php = settings.php;
  if (settings.log) plan.log = *settings.log;
  if (settings.list) plan.list = *settings.list;
  if (settings.type) plan.type = &*settings.type;
  if (settings.timeouts.send) plan.timeouts.send = settings.timeouts.send;
  if (settings.timeouts.first_byte) plan.timeouts.first_byte = settings.timeouts.first_byte;
  if (settings.timeouts.idle_read) plan.timeouts.idle_read = settings.timeouts.idle_read;
}

// Every address, or every one of IPv4 (::ffff:0.0.0.0/96).
bool is_for_all(const std::vector<config::Network>& allow) {
  return std::any_of(allow.begin(), allow.end(), [](const config::Network& each) {
    return each.prefix == 0 || (each.prefix == 96 && each.address[10] == 0xff && each.address[11] == 0xff);
  });
}

// Lets through what would be refused without it.
bool opens(const Route& route) {
  return (route.auth && route.auth->off) || (route.allow && is_for_all(*route.allow)) || route.deny == 0 ||
         route.php == true;
}

void deny(RoutePlan& plan, int status, std::string_view why) {
  plan.action = RoutePlan::Action::deny;
  plan.status = status;
  plan.why = why;
}

}  // namespace

SiteRoutes::SiteRoutes(const config::Site& site) : site_(site), filter_(site.routes.size()) {
  assert(site.routes.size() <= config::kRoutesMax);
  for (const std::string& pattern : site.run) run_.push_back(compiled(pattern));
  if (!site.fallback.empty()) fallback_ = fallback_of(site.fallback);
  if (!site.redirect.empty()) redirect_ = redirect(site.redirect);
  if (site.https == config::Https::required) to_https_ = redirect("https://$host$uri");
  add_headers(site, std::nullopt);
  for (std::size_t i = 0; i < site.routes.size(); ++i) {
    const Route& route = site.routes[i];
    Compiled out;
    out.route = &route;
    out.conditional = !route.when.empty();
    if (opens(route)) out.cookies = Cookies::as_sent;
    for (const std::string& pattern : route.path)
      out.patterns.push_back(compiled(pattern, route.ignore_case));
    if (route.to) out.target = internal(*route.to);
    if (route.redirect) out.target = redirect(*route.redirect);
    if (route.fallback) out.fallback = fallback_of(*route.fallback);
    for (const PathPattern& pattern : out.patterns) filter_.add(i, pattern);
    routes_.push_back(std::move(out));
    add_headers(route, i);
  }
  if (fallback_) look_at_script(*fallback_);
  for (Compiled& each : routes_) {
    if (each.fallback) look_at_script(*each.fallback);
  }
  empty_ = says_nothing();
}

// Most sites need not ask again: no route says who may come, and none of those with `php` is about the script.
void SiteRoutes::look_at_script(Fallback& fallback) const {
  if (fallback.not_found) return;
  const config::TargetTemplate::Part& first = fallback.target.parts.front();
  if (first.kind != config::TargetTemplate::Part::Kind::text || first.in_query) return;
  const std::size_t end = script_end(first.text, 0);
  if (end == std::string_view::npos) return;
  fallback.script = first.text.substr(0, end);
  fallback.guarded =
      site_.php == false || std::any_of(routes_.begin(), routes_.end(), [&fallback](const Compiled& each) {
        return each.route->allow || each.route->auth || (each.route->php && find(each, fallback.script));
      });
}

const PathPattern* SiteRoutes::find(const Compiled& compiled, std::string_view path) {
  for (const PathPattern& each : compiled.patterns) {
    if (each.matches(path)) return &each;
  }
  return nullptr;
}

void SiteRoutes::add_headers(const PathSettings& settings, std::optional<std::size_t> route) {
  for (const auto& [name, value] : settings.headers) {
    const auto known = std::find_if(
        headers_.begin(), headers_.end(),
        [&wanted = name](const HeaderName& each) { return http::equals_ignore_case(*each.name, wanted); });
    HeaderName& header = known == headers_.end() ? headers_.emplace_back() : *known;
    if (header.name == nullptr) header.name = &name;
    if (route) {
      header.of_routes.emplace_back(*route, &value);
    } else {
      header.of_site = &value;
    }
  }
}

bool SiteRoutes::says_nothing() const {
  return routes_.empty() && headers_.empty() && !redirect_ && !to_https_ &&
         static_cast<const PathSettings&>(site_) == PathSettings();
}

bool SiteRoutes::may_run(std::string_view script) const {
  return run_.empty() || std::any_of(run_.begin(), run_.end(),
                                     [script](const PathPattern& each) { return each.matches(script); });
}

// One walk over the routes with the paths that are known by now.
class SiteRoutes::Pass {
 public:
  Pass(const SiteRoutes& routes, const RouteFacts& facts, RoutePlan& plan)
      : routes_(routes), facts_(facts), plan_(plan) {
    plan_ = {};
    plan_.plain = false;
    views_[kAsked].path = facts.path;
    if (facts.resolved != facts.path) views_[kResolved].path = facts.resolved;
    views_[kFallenTo].path = facts.fallen_to;
    of_fallback_ = &routes.site_;
  }

  // `rewritten`: where `to` leads, known from the walk before; empty in the first one.
  void walk(std::string_view rewritten) {
    views_[kRewritten].path = rewritten;
    take(plan_, routes_.site_);
    if (routes_.fallback_) plan_.fallback = &*routes_.fallback_;
    for (std::size_t word = 0; word < routes_.filter_.words(); ++word) {
      std::uint64_t may = 0;
      for (const View& view : views_) {
        if (!view.path.empty()) may |= routes_.filter_.may_match(view.path, word);
      }
      for (; may != 0; may &= may - 1)
        visit(word * RouteFilter::kRoutesOfWord + static_cast<std::size_t>(std::countr_zero(may)));
    }
    plan_.fallen_to_runs = runs_fallen_to();
    if (plan_.action != RoutePlan::Action::deny) check_access();
  }

 private:
  static constexpr std::size_t kAsked = 0;
  static constexpr std::size_t kRewritten = 1;
  static constexpr std::size_t kResolved = 2;
  static constexpr std::size_t kFallenTo = 3;       // for `allow`, `auth` and `php` alone
  using Found = std::array<const PathPattern*, 4>;  // of each view
  struct View {
    std::string_view path;  // empty: not known
    // Of its own routes, the last that says so; else the site's counts.
    const std::vector<config::Network>* allow = nullptr;
    const config::Auth* auth = nullptr;
    std::optional<bool> php;  // of kFallenTo
    bool decided = false;     // an action counts for it
  };

  void visit(std::size_t index) {
    const Compiled& compiled = routes_.routes_[index];
    Found by{};
    bool any = false;
    for (std::size_t v = 0; v < views_.size(); ++v) {
      if (views_[v].path.empty()) continue;
      by[v] = find(compiled, views_[v].path);
      any = any || by[v] != nullptr;
    }
    if (!any) return;
    const Route& route = *compiled.route;
    if (compiled.conditional && !meets(route.when, facts_.head, facts_.client, compiled.cookies)) return;
    const bool guards = route.allow || route.auth;
    for (std::size_t v = 0; guards && v < views_.size(); ++v) {
      if (by[v] != nullptr) guard(views_[v], compiled, v == kAsked && fell());
    }
    if (by[kFallenTo] != nullptr && route.php) views_[kFallenTo].php = route.php;
    if (std::all_of(by.begin(), by.begin() + kFallenTo, [](const auto* each) { return each == nullptr; }))
      return;
    plan_.matched.set(index);
    take(plan_, route);
    if (route.max_body) plan_.max_body = route.max_body;
    if (route.pool) plan_.pool = &*route.pool;
    if (compiled.fallback) {
      plan_.fallback = &*compiled.fallback;
      of_fallback_ = &route;
      plan_.fallback_captures.count = 0;
      if (by[kAsked] != nullptr && compiled.fallback->target.captures > 0)
        (void)by[kAsked]->matches(facts_.path, plan_.fallback_captures);
    }
    decide(index, compiled, by);
  }

  // `fell`: nothing is there; then who only opens the path opens nothing, unless it names the fallback.
  static void guard(View& view, const Compiled& compiled, bool fell) {
    const Route& route = *compiled.route;
    const bool opens = !fell || compiled.fallback;
    if (route.allow && (opens || !is_for_all(*route.allow))) view.allow = &*route.allow;
    if (route.auth && (opens || !route.auth->off)) view.auth = &*route.auth;
  }

  bool fell() const { return facts_.by_fallback || !facts_.fallen_to.empty(); }

  // Of each path the first action counts. `deny` is for all of them, and goes before what `to` leads to.
  void decide(std::size_t index, const Compiled& compiled, const Found& by) {
    const Route& route = *compiled.route;
    for (std::size_t v = 0; v < kFallenTo; ++v) {
      if (by[v] == nullptr || views_[v].decided || is_final()) continue;
      if (route.deny) {
        views_[v].decided = true;
        if (v == kAsked || *route.deny != 0) plan_.decided_by = index;
        if (*route.deny != 0) deny(plan_, *route.deny, "a route denies it");
      } else if (v == kAsked && compiled.target) {
        views_[v].decided = true;
        plan_.decided_by = index;
        go(route, compiled, *by[v]);
      }
    }
  }

  bool is_final() const {
    return plan_.action == RoutePlan::Action::deny || plan_.action == RoutePlan::Action::redirect;
  }

  void go(const Route& route, const Compiled& compiled, const PathPattern& asked) {
    Captures captures;
    if (compiled.target->captures > 0) (void)asked.matches(facts_.path, captures);
    const TargetFacts target{facts_.path, facts_.head.path, facts_.head.query, facts_.host, &captures};
    if (route.redirect) {
      auto location = redirect_location(*compiled.target, target);
      if (!location) return deny(plan_, 400, "the redirect of a route needs a host, the request names none");
      plan_.action = RoutePlan::Action::redirect;
      plan_.status = route.status;
      plan_.location = *std::move(location);
    } else {
      auto rewrite = internal_target(*compiled.target, target);
      if (!rewrite) return deny(plan_, 404, "the target of a route would leave the root");
      plan_.action = RoutePlan::Action::rewrite;
      plan_.rewrite = *std::move(rewrite);
    }
  }

  void check_access() {
    for (std::size_t v = 0; v < views_.size(); ++v) {
      const View& view = views_[v];
      if (view.path.empty()) continue;
      const bool is_fallback = v == kFallenTo || (v == kResolved && facts_.by_fallback);
      const auto* allow = view.allow != nullptr ? view.allow : unless_said(&PathSettings::allow, is_fallback);
      const auto* auth = view.auth != nullptr ? view.auth : unless_said(&PathSettings::auth, is_fallback);
      if (allow != nullptr && !config::contains(*allow, facts_.client))
        return deny(plan_, 403, "the client's address is not in allow");
      if (auth != nullptr && !auth->off) plan_.auth[v] = auth;
    }
  }

  // What counts where no route of a path says it.
  template <class Value>
  const Value* unless_said(std::optional<Value> PathSettings::*setting, bool is_fallback) const {
    if (is_fallback && of_fallback_->*setting) return &*(of_fallback_->*setting);
    const PathSettings& site = routes_.site_;
    return site.*setting ? &*(site.*setting) : nullptr;
  }

  // `php: false` of the route that names the fallback is about the path asked for: it does not run, it falls.
  bool runs_fallen_to() const {
    if (views_[kFallenTo].php) return *views_[kFallenTo].php;
    return of_fallback_->php == true || routes_.site_.php.value_or(true);
  }

  const SiteRoutes& routes_;
  const RouteFacts& facts_;
  std::array<View, 4> views_;
  const PathSettings* of_fallback_;  // of the route that names the fallback that counts, or of the site
  RoutePlan& plan_;
};

// A redirect of the whole site, or to https.
void SiteRoutes::go_elsewhere(RoutePlan& plan, const RouteFacts& facts, const config::TargetTemplate& target,
                              int status) const {
  auto location =
      redirect_location(target, {facts.path, facts.head.path, facts.head.query, facts.host, nullptr});
  if (!location) return deny(plan, 400, "the redirect of the site needs a host, the request names none");
  plan.action = RoutePlan::Action::redirect;
  plan.status = status;
  plan.location = *std::move(location);
}

void SiteRoutes::plan(const RouteFacts& facts, RoutePlan& plan) const {
  if (empty_) {
    if (!plan.plain) plan = {};
    plan.fallback = fallback_ ? &*fallback_ : nullptr;
    return;
  }
  if (to_https_ && !facts.secure) {
    plan = {};
    plan.plain = false;
    return go_elsewhere(plan, facts, *to_https_, 308);
  }
  Pass(*this, facts, plan).walk({});
  if (plan.action == RoutePlan::Action::none && !plan.decided_by && redirect_)
    return go_elsewhere(plan, facts, *redirect_, 301);
  if (plan.action != RoutePlan::Action::rewrite) return;
  const std::string rewritten = std::move(plan.rewrite.path);
  Pass(*this, facts, plan).walk(rewritten);
}

}  // namespace holdfast::core

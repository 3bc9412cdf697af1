// See route_plan.h.
#include "proxy/core/route_plan.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "config/load.h"
#include "config/site.h"

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

void deny(RoutePlan& plan, int status, std::string_view why) {
  plan.action = RoutePlan::Action::deny;
  plan.status = status;
  plan.why = why;
}

}  // namespace

SiteRoutes::SiteRoutes(const config::Site& site) : site_(site) {
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
    for (const std::string& pattern : route.path)
      out.patterns.push_back(compiled(pattern, route.ignore_case));
    if (route.to) out.target = internal(*route.to);
    if (route.redirect) out.target = redirect(*route.redirect);
    if (route.fallback) out.fallback = fallback_of(*route.fallback);
    guards_ = guards_ || route.allow || route.auth;
    routes_.push_back(std::move(out));
    add_headers(route, i);
  }
  empty_ = says_nothing();
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
  }

  // `rewritten`: where `to` leads, known from the walk before; empty in the first one.
  void walk(std::string_view rewritten) {
    views_[kRewritten].path = rewritten;
    take(plan_, routes_.site_);
    for (std::size_t v = 0; v < kFallenTo; ++v) {
      View& view = views_[v];
      if (view.path.empty()) continue;
      view.allow = routes_.site_.allow ? &*routes_.site_.allow : nullptr;
      view.auth = routes_.site_.auth ? &*routes_.site_.auth : nullptr;
    }
    if (routes_.fallback_) plan_.fallback = &*routes_.fallback_;
    for (std::size_t i = 0; i < routes_.routes_.size(); ++i) visit(i);
    if (plan_.action != RoutePlan::Action::deny) check_access();
  }

 private:
  static constexpr std::size_t kAsked = 0;
  static constexpr std::size_t kRewritten = 1;
  static constexpr std::size_t kResolved = 2;
  static constexpr std::size_t kFallenTo = 3;       // for `allow` and `auth` alone
  using Found = std::array<const PathPattern*, 4>;  // of each view
  struct View {
    std::string_view path;  // empty: not known
    const std::vector<config::Network>* allow = nullptr;
    const config::Auth* auth = nullptr;
    bool decided = false;  // an action counts for it
  };

  static const PathPattern* find(const Compiled& compiled, std::string_view path) {
    if (path.empty()) return nullptr;
    const auto found = std::find_if(compiled.patterns.begin(), compiled.patterns.end(),
                                    [path](const PathPattern& each) { return each.matches(path); });
    return found == compiled.patterns.end() ? nullptr : &*found;
  }

  void visit(std::size_t index) {
    const Compiled& compiled = routes_.routes_[index];
    Found by{};
    bool any = false;
    for (std::size_t v = 0; v < views_.size(); ++v) {
      by[v] = find(compiled, views_[v].path);
      any = any || by[v] != nullptr;
    }
    if (!any) return;
    const Route& route = *compiled.route;
    if (compiled.conditional && !meets(route.when, facts_.head, facts_.client)) return;
    for (std::size_t v = 0; v < views_.size(); ++v) {
      if (by[v] != nullptr && route.allow) views_[v].allow = &*route.allow;
      if (by[v] != nullptr && route.auth) views_[v].auth = &*route.auth;
    }
    if (std::all_of(by.begin(), by.begin() + kFallenTo, [](const auto* each) { return each == nullptr; }))
      return;
    plan_.matched.set(index);
    take(plan_, route);
    if (route.max_body) plan_.max_body = route.max_body;
    if (route.pool) plan_.pool = &*route.pool;
    if (compiled.fallback) {
      plan_.fallback = &*compiled.fallback;
      plan_.fallback_captures.count = 0;
      if (by[kAsked] != nullptr && compiled.fallback->target.captures > 0)
        (void)by[kAsked]->matches(facts_.path, plan_.fallback_captures);
    }
    decide(index, compiled, by);
  }

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
      if (view.allow != nullptr && !config::contains(*view.allow, facts_.client))
        return deny(plan_, 403, "the client's address is not in allow");
      if (view.auth != nullptr && !view.auth->off) plan_.auth[v] = view.auth;
    }
  }

  const SiteRoutes& routes_;
  const RouteFacts& facts_;
  std::array<View, 4> views_;
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

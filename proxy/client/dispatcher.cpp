// From a request head to a plan.
#include "proxy/client/dispatcher.h"

#include "config/site.h"

namespace holdfast {

void Plan::clear() {
  kind = Kind::error;
  dispatcher.reset();
  site = nullptr;
  params = nullptr;
  routes = nullptr;
  target.clear();
  target.status = 404;
  max_body = 0;
  strict_transport = false;
  if (!challenge.empty()) challenge.clear();
  ready_params = nullptr;
  fastcgi_plans.reset();
  listener = {};
  log_stderr = true;
}

const std::string& Plan::pool() const {
  return route().pool != nullptr ? *route().pool : site->pool;
}

std::string Plan::script_path() const {
  return site->php_root + target.script_name;
}

Dispatcher::Dispatcher(config::Sites sites, std::string_view server_software)
    : sites_(std::move(sites)), router_(*sites_) {
  SystemProbe probe(real_paths_);
  router_.look_at_roots(probe);
  for (const config::Site& site : *sites_) {
    params_.push_back(std::make_unique<core::CgiParams>(site, server_software));
  }
}

namespace {
core::Asker asker(const http::RequestHead& head, const core::ClientOrigin& origin) {
  return {origin.host.empty() ? std::string_view(head.host) : origin.host, origin.judged_bytes(),
          origin.https};
}
}  // namespace

bool Dispatcher::shows(const config::Site& site, const http::RequestHead& head,
                       const core::ClientOrigin& origin, std::string_view path) const {
  return router_.shows(site, head, asker(head, origin), path);
}

void Dispatcher::plan(const http::RequestHead& head, const core::ClientOrigin& origin, Plan& plan) const {
  plan.clear();
  const core::Asker who = asker(head, origin);
  const core::SiteIndex::Found found = router_.find_site(who.host, head.path);
  core::Target& target = plan.target;
  plan.site = found.site;
  if (plan.site == nullptr) {
    target.status = found.host_known ? 404 : 421;
    target.why = found.host_known ? "no site of this host has this path" : "no site has this host";
    return;
  }
  SystemProbe probe(real_paths_, &found_);
  router_.resolve(*plan.site, head, probe, who, target);
  plan.routes = &router_.routes(*plan.site);
  plan.strict_transport = origin.https && plan.site->https == config::Https::required;
  plan.max_body = plan.route().max_body.value_or(plan.site->max_body);
  switch (target.kind) {
    case core::Target::Kind::php:
      plan.kind = Plan::Kind::php;
      plan.params = params_[static_cast<std::size_t>(plan.site - sites_->data())].get();
      return;
    case core::Target::Kind::file:
      plan.kind = Plan::Kind::file;
      if (target.root.empty() && plan.site->follow_links == config::FollowLinks::owner)
        target.root = probe.short_cut(plan.site->root, target.path);
      return;
    case core::Target::Kind::list: plan.kind = Plan::Kind::list; return;
    case core::Target::Kind::redirect: plan.kind = Plan::Kind::redirect; return;
    case core::Target::Kind::options: plan.kind = Plan::Kind::options; return;
    case core::Target::Kind::error: return;
  }
}

}  // namespace holdfast

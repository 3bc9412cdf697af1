// See explanation.h.
#include "proxy/commands/explanation.h"

#include <string_view>

#include "config/auth.h"
#include "config/site.h"
#include "config/units.h"
#include "proxy/client/static_response.h"
#include "proxy/core/log_text.h"
#include "proxy/core/withheld.h"

namespace holdfast {

namespace {

using core::RoutePlan;
using core::Target;

class Text {
 public:
  void line(std::string_view label, const std::string& text) {
    out_.append(label).append(kLabelBytes - std::min(label.size(), kLabelBytes), ' ');
    out_.append(core::escape_for_log(text)).append("\n");
  }
  std::string take() { return std::move(out_); }

 private:
  static constexpr std::size_t kLabelBytes = 10;
  std::string out_;
};

std::string site_text(const std::vector<config::Site>& sites, const config::Site& site) {
  std::string text = "sites[" + std::to_string(&site - sites.data()) + "]";
  for (const std::string& host : site.hosts) text += (host == site.hosts.front() ? ", " : " ") + host;
  if (site.hosts.empty()) text += ", any host";
  if (!site.path.empty()) text += ", path " + site.path;
  return text + (site.root.empty() ? "" : ", root " + site.root);
}

std::string route_text(const config::Route& route) {
  std::string text;
  for (const std::string& pattern : route.path) text += (text.empty() ? "" : ", ") + pattern;
  if (route.ignore_case) text += " (ignore_case)";
  if (!route.when.empty()) text += " (when)";
  if (route.deny) text += ": deny " + (*route.deny == 0 ? std::string("off") : std::to_string(*route.deny));
  if (route.redirect) text += ": redirect " + *route.redirect;
  if (route.to) text += ": to " + *route.to;
  return text;
}

void tell_routes(Text& text, const config::Site& site, const RoutePlan& plan) {
  bool any = false;
  for (std::size_t i = 0; i < site.routes.size(); ++i) {
    if (!plan.matched[i]) continue;
    const bool decides = plan.decided_by == i;
    text.line(any ? "" : "routes",
              "[" + std::to_string(i) + "] " + route_text(site.routes[i]) + (decides ? "  <- decides" : ""));
    any = true;
  }
  if (!any)
    text.line("routes",
              site.routes.empty() ? "none" : "none of " + std::to_string(site.routes.size()) + " matches");
}

void tell_answer(Text& text, const config::Site& site, const Target& target) {
  const std::string root = target.root.empty() ? site.root : target.root;
  switch (target.kind) {
    case Target::Kind::php:
      text.line("answer", "script " + root + target.script_name);
      if (!target.path_info.empty()) text.line("", "PATH_INFO " + target.path_info);
      if (target.query) text.line("", "QUERY_STRING " + *target.query);
      text.line("pool", target.plan.pool != nullptr ? *target.plan.pool : site.pool);
      text.line("max_body", config::size_text(target.plan.max_body.value_or(site.max_body)));
      return;
    case Target::Kind::file: {
      const StaticResponse file(site, root, target.path, {});  // opened as the server would
      if (file.failure() != 0)
        text.line("answer", std::to_string(file.failure()) + ": " + std::string(file.why()));
      else
        text.line("answer", "file " + root + target.path);
      return;
    }
    case Target::Kind::list: text.line("answer", "the names in " + root + target.path); return;
    case Target::Kind::redirect:
      text.line("answer", std::to_string(target.status) + " to " + target.location);
      return;
    case Target::Kind::options: text.line("answer", "204, Allow: " + std::string(target.allow)); return;
    case Target::Kind::error:
      text.line("answer", std::to_string(target.status) + ": " + std::string(target.why));
      return;
  }
}

void tell_settings(Text& text, const core::SiteRoutes& routes, const RoutePlan& plan) {
  for (const config::Auth* auth : plan.auth) {
    if (auth != nullptr)
      text.line("auth", "401 without a password of " + auth->users + ", realm " + auth->realm);
  }
  if (plan.php == false) text.line("php", "false");
  if (!plan.log) text.line("log", "false");
  if (plan.type != nullptr) text.line("type", *plan.type);
  if (plan.timeouts.first_byte)
    text.line("timeouts", "first_byte " + config::duration_text(*plan.timeouts.first_byte));
  if (plan.expires) {
    const bool after = plan.expires->kind == config::Expires::Kind::after;
    const bool off = plan.expires->kind == config::Expires::Kind::off;
    text.line("expires", after ? config::duration_text(plan.expires->after) : off ? "off" : "max");
  }
  std::string_view label = "headers";
  routes.each_header(plan, [&](std::string_view name, std::string_view value) {
    text.line(label, std::string(name) + (value.empty() ? " is removed" : ": " + std::string(value)));
    label = "";
  });
}

}  // namespace

std::string explain_request(const std::vector<config::Site>& sites, const http::RequestHead& head,
                            const core::Asker& asker, core::FileProbe& probe) {
  Text text;
  core::Router router(sites);
  router.look_at_roots(probe);
  const core::SiteIndex::Found found = router.find_site(asker.host, head.path);
  if (found.site == nullptr) {
    text.line("site", found.host_known ? "none of host " + std::string(asker.host) + " has this path"
                                       : "none has host " + std::string(asker.host));
    text.line("answer", found.host_known ? "404" : "421");
    return text.take();
  }
  const config::Site& site = *found.site;
  Target target;
  router.resolve(site, head, probe, asker, target);
  text.line("site", site_text(sites, site));
  text.line("path", head.path + (site.path.empty() ? ""
                                                   : ", below the site's: " +
                                                         std::string(core::path_below(site, head.path))));
  tell_routes(text, site, target.plan);
  tell_answer(text, site, target);
  tell_settings(text, router.routes(site), target.plan);
  return text.take();
}

}  // namespace holdfast

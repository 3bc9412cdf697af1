// See explanation.h.
#include "proxy/commands/explanation.h"

#include <algorithm>
#include <string_view>

#include "config/auth.h"
#include "config/site.h"
#include "config/units.h"
#include "proxy/client/site_files.h"
#include "proxy/client/static_response.h"
#include "proxy/core/log_text.h"
#include "proxy/core/withheld.h"
#include "proxy/http/header_rules.h"

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

std::string root_of(const config::Site& site, const Target& target) {
  return target.root.empty() ? site.root : target.root;
}

// The site's own page in place of ours.
void tell_page(Text& text, const config::Site& site, const Target& target, int status) {
  const std::string path(error_page_path(site, status));
  if (path.empty()) return;
  const std::string root = root_of(site, target);
  text.line("page", load_error_page(site, root, status)
                        ? root + path
                        : "Holdfast's own: " + root + path + " is not there, or cannot be sent");
}

void tell_error(Text& text, const config::Site& site, const Target& target, int status,
                std::string_view why) {
  text.line("answer", std::to_string(status) + ": " + std::string(why));
  tell_page(text, site, target, status);
}

// As Request::answer_file() has it: opened as the server would, a ready-made one in its place where the client
// takes that.
void tell_file(Text& text, const config::Site& site, const http::RequestHead& head, const Target& target) {
  const std::string root = root_of(site, target);
  if (site.precompressed) {
    const ReadyCoding ready = find_ready_coding(head, root, target.path);
    const std::string path = target.path + std::string(ready.ending);
    if (!ready.coding.empty() && StaticResponse(site, root, path, {}).failure() == 0) {
      text.line("answer", "file " + root + path);
      text.line("coding", std::string(ready.coding) + ", ready-made in place of " + target.path);
      return;
    }
  }
  const StaticResponse file(site, root, target.path, {});
  if (file.failure() != 0) return tell_error(text, site, target, file.failure(), file.why());
  text.line("answer", "file " + root + target.path);
  if (site.precompressed) text.line("coding", "none: no ready-made one that this client takes");
}

// Which of php's answers the site has pages for.
void tell_pages(Text& text, const config::ErrorPages& errors) {
  if (errors.pages.empty()) return;
  std::string pages;
  for (const auto& [status, path] : errors.pages) {
    if (!pages.empty()) pages += ", ";
    pages.append(status).append(" ").append(path);
  }
  text.line("errors",
            pages + (errors.from_php ? "; of php's own answers, too" : "; not of php's own answers"));
}

void tell_answer(Text& text, const config::Site& site, const http::RequestHead& head, const Target& target) {
  const std::string root = root_of(site, target);
  switch (target.kind) {
    case Target::Kind::php:
      text.line("answer", "script " + root + target.script_name);
      if (!target.path_info.empty()) text.line("", "PATH_INFO " + target.path_info);
      if (target.query) text.line("", "QUERY_STRING " + *target.query);
      text.line("pool", target.plan.pool != nullptr ? *target.plan.pool : site.pool);
      text.line("max_body", config::size_text(target.plan.max_body.value_or(site.max_body)));
      tell_pages(text, site.errors);
      return;
    case Target::Kind::file: tell_file(text, site, head, target); return;
    case Target::Kind::list: text.line("answer", "the names in " + root + target.path); return;
    case Target::Kind::redirect:
      text.line("answer", std::to_string(target.status) + " to " + target.location);
      return;
    case Target::Kind::options: text.line("answer", "204, Allow: " + std::string(target.allow)); return;
    case Target::Kind::error: tell_error(text, site, target, target.status, target.why); return;
  }
}

void tell_auth(Text& text, const config::Site& site, const Target& target) {
  const auto& all = target.plan.auth;
  for (auto auth = all.begin(); auth != all.end(); ++auth) {
    if (*auth == nullptr || std::find(all.begin(), auth, *auth) != auth) continue;
    text.line("auth", "401 without a password of " + (*auth)->users + ", realm " + (*auth)->realm);
    tell_page(text, site, target, 401);
  }
}

// `secure`: by https.
void tell_https(Text& text, const config::Site& site, const core::SiteRoutes& routes, const RoutePlan& plan,
                bool secure) {
  if (site.https != config::Https::required) return;
  if (!secure) {
    text.line("https", "required: a request by http is sent there, whatever the routes say");
    return;
  }
  bool own = false;
  routes.each_header(plan, [&own](std::string_view name, std::string_view) {
    own = own || http::equals_ignore_case(name, http::kTransportSecurity);
  });
  text.line("https", own ? "required; headers has the last word on " + std::string(http::kTransportSecurity)
                         : "required: " + std::string(http::kTransportSecurity) + ": " +
                               std::string(http::kTransportSecurityValue));
}

void tell_settings(Text& text, const core::SiteRoutes& routes, const RoutePlan& plan) {
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
  tell_answer(text, site, head, target);
  tell_auth(text, site, target);
  tell_https(text, site, router.routes(site), target.plan, asker.secure);
  tell_settings(text, router.routes(site), target.plan);
  return text.take();
}

}  // namespace holdfast

// See fastcgi_plans.h.
#include "proxy/client/fastcgi_plans.h"

#include <algorithm>
#include <utility>

#include "config/path_glob.h"
#include "config/site.h"
#include "fastcgi/request_params.h"

namespace holdfast {

namespace {

config::Site site_of(const config::FastcgiListener& listener, const std::string& pool) {
  config::Site site;
  site.pool = pool;
  site.max_body = listener.max_body;
  return site;
}

bool matches(const config::FastcgiListener::Rule& rule, const fastcgi::ParamList& params) {
  return std::all_of(rule.patterns.begin(), rule.patterns.end(), [&params](const auto& each) {
    const auto& [name, pattern] = each;
    std::string_view value = fastcgi::find_param(params, name).value_or(std::string_view());
    if (name == "SCRIPT_FILENAME") value = fastcgi::script_path(value);  // as php-fpm reads it
    return config::glob_matches(pattern, value);
  });
}

}  // namespace

FastcgiPlans::FastcgiPlans(config::Snapshot config, const std::vector<config::FastcgiListener>& listeners)
    : config_(std::move(config)) {
  all_.reserve(listeners.size());
  for (const config::FastcgiListener& listener : listeners) {
    Listening& listening = all_.emplace_back();
    listening.listener = &listener;
    listening.text = listener.address.text();
    for (const auto& rule : listener.when) listening.sites.push_back(site_of(listener, rule.pool));
    listening.sites.push_back(site_of(listener, listener.pool));
  }
}

FastcgiPlans::~FastcgiPlans() = default;

const FastcgiPlans::Listening* FastcgiPlans::find(const config::Address& address) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&address](const Listening& each) {
    return each.listener->address == address;
  });
  return found == all_.end() ? nullptr : &*found;
}

Plan plan_of(std::shared_ptr<const FastcgiPlans> plans, const FastcgiPlans::Listening& listening,
             fastcgi::ParamList& params) {
  Plan plan;
  plan.kind = Plan::Kind::php;
  const std::vector<config::FastcgiListener::Rule>& rules = listening.listener->when;
  const auto rule =
      std::find_if(rules.begin(), rules.end(), [&params](const auto& each) { return matches(each, params); });
  plan.site = &listening.sites[static_cast<std::size_t>(rule - rules.begin())];
  plan.fastcgi_plans = std::move(plans);
  plan.ready_params = &params;
  plan.listener = listening.text;
  plan.max_body = plan.site->max_body;
  plan.log_stderr = listening.listener->log_stderr;
  plan.target.script_name =
      fastcgi::script_path(fastcgi::find_param(params, "SCRIPT_FILENAME").value_or(std::string_view()));
  return plan;
}

}  // namespace holdfast

// See fastcgi_plans.h.
#include "proxy/client/fastcgi_plans.h"

#include <algorithm>
#include <utility>

#include "config/path_glob.h"
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
    listening.site = site_of(listener, listener.pool);
    for (const auto& rule : listener.when) listening.of_rules.push_back(site_of(listener, rule.pool));
  }
}

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
  plan.site = &listening.site;
  for (std::size_t i = 0; i < listening.of_rules.size(); ++i) {
    if (!matches(listening.listener->when[i], params)) continue;
    plan.site = &listening.of_rules[i];
    break;
  }
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

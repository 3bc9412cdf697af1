// From a request head to a plan.
#include "proxy/dispatcher.h"

#include "proxy/net/static_file.h"

namespace holdfast {

namespace {

// One stat() a candidate; paths of a real site stay in the kernel's dentry cache.
class SystemProbe final : public core::FileProbe {
 public:
  core::FileKind kind(const std::string& path) override {
    switch (net::file_info({}, path).kind) {
      case net::FileKind::regular: return core::FileKind::file;
      case net::FileKind::directory: return core::FileKind::directory;
      case net::FileKind::other: return core::FileKind::other;
      case net::FileKind::forbidden: return core::FileKind::forbidden;
      case net::FileKind::missing:
      case net::FileKind::failed: return core::FileKind::missing;
    }
    return core::FileKind::missing;
  }
};

}  // namespace

Dispatcher::Dispatcher(config::Snapshot config, std::string_view server_software)
    : config_(std::move(config)), router_(*config_) {
  SystemProbe probe;
  router_.look_at_roots(probe);
  for (const config::Site& site : config_->sites) {
    params_[&site] = std::make_unique<core::CgiParams>(site, server_software);
  }
}

Plan Dispatcher::plan(const http::RequestHead& head) const {
  Plan plan;
  plan.site = router_.find_site(head.host);
  if (plan.site == nullptr) {
    plan.status = 421;
    plan.why = "no site has this host";
    return plan;
  }
  plan.max_body = plan.site->max_body;
  SystemProbe probe;
  core::Target target = router_.resolve(*plan.site, head, probe);
  switch (target.kind) {
    case core::Target::Kind::php:
      plan.kind = Plan::Kind::php;
      plan.params = params_.at(plan.site).get();
      plan.script_name = std::move(target.script_name);
      plan.path_info = std::move(target.path_info);
      return plan;
    case core::Target::Kind::file:
      plan.kind = Plan::Kind::file;
      plan.file = std::move(target.path);
      return plan;
    case core::Target::Kind::redirect:
      plan.kind = Plan::Kind::redirect;
      plan.location = std::move(target.location);
      plan.status = target.status;
      return plan;
    case core::Target::Kind::options:
      plan.kind = Plan::Kind::options;
      plan.status = target.status;
      plan.allow = target.allow;
      return plan;
    case core::Target::Kind::error:
      plan.status = target.status;
      plan.why = target.why;
      plan.allow = target.allow;
      return plan;
  }
  return plan;
}

}  // namespace holdfast

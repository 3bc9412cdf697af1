// From a request head to a plan.
#include "proxy/dispatcher.h"

#include "proxy/net/static_file.h"

namespace holdfast {

namespace {

// One stat() a candidate; paths of a real site stay in the kernel's dentry cache.
class SystemProbe final : public core::FileProbe {
 public:
  explicit SystemProbe(std::map<std::string, std::string>& real_paths) : real_paths_(real_paths) {}
  core::FileKind kind(const std::string& path) override {
    switch (net::file_info({}, path).kind) {
      case net::FileKind::regular: return core::FileKind::file;
      case net::FileKind::directory: return core::FileKind::directory;
      case net::FileKind::other: return core::FileKind::other;
      case net::FileKind::link_refused:
      case net::FileKind::forbidden: return core::FileKind::forbidden;
      case net::FileKind::missing:
      case net::FileKind::failed: return core::FileKind::missing;
    }
    return core::FileKind::missing;
  }

  // Two stat() in place of realpath's many calls: what both names lead to tells whether the last answer
  // holds.
  std::string real_path(const std::string& path) override {
    std::string& known = real_paths_[path];
    if (!known.empty()) {
      const net::FileInfo asked = net::file_info({}, path);
      const net::FileInfo found = net::file_info({}, known);
      const bool same = asked.kind == net::FileKind::directory && found.kind == asked.kind &&
                        asked.inode == found.inode && asked.device == found.device;
      if (same) return known;
    }
    known = net::real_path(path);
    return known;
  }

 private:
  std::map<std::string, std::string>& real_paths_;
};

}  // namespace

Dispatcher::Dispatcher(config::Snapshot config, std::string_view server_software)
    : config_(std::move(config)), router_(*config_) {
  SystemProbe probe(real_paths_);
  router_.look_at_roots(probe);
  for (const config::Site& site : config_->sites) {
    params_[&site] = std::make_unique<core::CgiParams>(site, server_software);
  }
}

Plan Dispatcher::plan(const http::RequestHead& head, std::string_view host) const {
  Plan plan;
  plan.site = router_.find_site(host);
  if (plan.site == nullptr) {
    plan.status = 421;
    plan.why = "no site has this host";
    return plan;
  }
  plan.max_body = plan.site->max_body;
  SystemProbe probe(real_paths_);
  core::Target target = router_.resolve(*plan.site, head, probe);
  plan.root = std::move(target.root);
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

// From a request head to a plan.
#include "proxy/client/dispatcher.h"

#include "config/config.h"
#include "config/pool.h"
#include "config/site.h"
#include "proxy/net/static_file.h"

namespace holdfast {

namespace {

// One stat() a candidate; paths of a real site stay in the kernel's dentry cache.
class SystemProbe final : public core::FileProbe {
 public:
  explicit SystemProbe(std::map<std::string, std::string>& real_paths) : real_paths_(real_paths) {}
  core::FileKind kind(std::string_view root, std::string_view path) override {
    last_ = net::file_info(root, path);
    switch (last_.kind) {
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
    if (!known.empty() && same(net::file_info({}, path), net::file_info({}, known))) return known;
    known = net::real_path(path);
    return known;
  }

  // For the file that was looked at last, `path` below `root`: the root without links, below which opening it
  // costs one call in place of four. Empty where the root has no links, or leads elsewhere.
  std::string short_cut(const std::string& root, const std::string& path) {
    std::string& known = real_paths_[root];
    if (known == root) return {};
    if (known.empty() || !same(last_, net::file_info({}, known + path))) {
      known = net::real_path(root);
      if (known == root || !same(last_, net::file_info({}, known + path))) return {};
    }
    return known;
  }

 private:
  static bool same(const net::FileInfo& a, const net::FileInfo& b) {
    const bool found = a.kind == net::FileKind::regular || a.kind == net::FileKind::directory;
    return found && a.kind == b.kind && a.inode == b.inode && a.device == b.device;
  }

  std::map<std::string, std::string>& real_paths_;
  net::FileInfo last_;
};

}  // namespace

void Plan::clear() {
  kind = Kind::error;
  dispatcher.reset();
  site = nullptr;
  params = nullptr;
  routes = nullptr;
  target.clear();
  target.status = 404;
  max_body = 0;
  secure = false;
  challenge.clear();
}

Dispatcher::Dispatcher(config::Snapshot config, std::string_view server_software)
    : config_(std::move(config)), router_(*config_) {
  SystemProbe probe(real_paths_);
  router_.look_at_roots(probe);
  for (const config::Site& site : config_->sites) {
    params_.push_back(std::make_unique<core::CgiParams>(site, server_software));
  }
}

namespace {
core::Asker asker(const http::RequestHead& head, const core::ClientOrigin& origin) {
  return {origin.host.empty() ? std::string_view(head.host) : origin.host, origin.bytes, origin.https};
}
}  // namespace

bool Dispatcher::shows(const config::Site& site, const http::RequestHead& head,
                       const core::ClientOrigin& origin, std::string_view path) const {
  return router_.shows(site, head, asker(head, origin), path);
}

void Dispatcher::plan(const http::RequestHead& head, const core::ClientOrigin& origin, Plan& plan) const {
  const core::Asker who = asker(head, origin);
  const core::SiteIndex::Found found = router_.find_site(who.host, head.path);
  core::Target& target = plan.target;
  plan.site = found.site;
  if (plan.site == nullptr) {
    target.status = found.host_known ? 404 : 421;
    target.why = found.host_known ? "no site of this host has this path" : "no site has this host";
    return;
  }
  SystemProbe probe(real_paths_);
  router_.resolve(*plan.site, head, probe, who, target);
  plan.routes = &router_.routes(*plan.site);
  plan.secure = origin.https;
  plan.max_body = plan.route().max_body.value_or(plan.site->max_body);
  switch (target.kind) {
    case core::Target::Kind::php:
      plan.kind = Plan::Kind::php;
      plan.params = params_[static_cast<std::size_t>(plan.site - config_->sites.data())].get();
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

// Which files of a site are hidden, and what the configuration does with requests for them; see doctor_hidden.h.
#include "proxy/doctor/doctor_hidden.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "config/config.h"
#include "config/recognise_app.h"
#include "config/site.h"
#include "proxy/core/router.h"
#include "proxy/core/withheld.h"

namespace holdfast {

namespace {

namespace fs = std::filesystem;

constexpr int kDepthMost = 6;              // folders below the root
constexpr std::size_t kOfOneKindMost = 2;  // files with the same reason in the same top folder

http::RequestHead head_for(const config::Site& site, const std::string& path, const std::string& host) {
  http::RequestHead head;
  head.method_text = "GET";
  head.path = site.path + path;
  head.host = head.authority = host;
  return head;
}

// What the application's preset hides, for judging files of a site that does not name it.
class AppRules {
 public:
  explicit AppRules(const config::Preset* preset) {
    if (preset == nullptr) return;
    name_ = preset->name;
    site_.emplace(config::preset_site(*preset));
    routes_.emplace(*site_);
  }
  const std::string& name() const { return name_; }

  bool hides(const std::string& path) const {
    if (!routes_) return false;
    const http::RequestHead head = head_for(*site_, path, "localhost");
    core::RoutePlan plan;
    routes_->plan({.head = head, .path = path, .host = head.host}, plan);
    if (plan.action == core::RoutePlan::Action::deny) return true;
    return path.ends_with(".php") && (plan.php == false || !routes_->may_run(path));
  }

 private:
  std::string name_;
  std::optional<config::Site> site_;
  std::optional<core::SiteRoutes> routes_;
};

bool has_hidden_segment(const config::Site& site, std::string_view path) {
  for (std::size_t at = path.find("/."); at != std::string_view::npos; at = path.find("/.", at + 1)) {
    const std::string_view name = path.substr(at + 1, path.find('/', at + 1) - at - 1);
    if (!(at == 0 && name == ".well-known") && !core::is_published(name, site.publish)) return true;
  }
  return false;
}

// Why the file must not be readable; empty: it may be.
std::string why_hidden(const config::Site& site, const AppRules& app, const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (has_hidden_segment(site, path)) return "its name begins with a dot";
  if (!path.ends_with(".php") && core::is_withheld(name) && !core::is_published(name, site.publish))
    return "a name like this is never sent";
  if (app.hides(path)) return app.name() + " hides it";
  return {};
}

HiddenFile::Decision decision_of(const core::Target& target, const std::string& path) {
  switch (target.kind) {
    case core::Target::Kind::php:
      return target.script_name == path ? HiddenFile::Decision::runs : HiddenFile::Decision::elsewhere;
    case core::Target::Kind::file: return HiddenFile::Decision::sent;
    case core::Target::Kind::list:
    case core::Target::Kind::redirect: return HiddenFile::Decision::elsewhere;
    case core::Target::Kind::options:
    case core::Target::Kind::error: break;
  }
  return HiddenFile::Decision::refused;
}

HiddenFacts find_in_site(const config::Config& config, const core::Router& router, const config::Site& site,
                         core::FileProbe& probe) {
  HiddenFacts facts;
  facts.index = static_cast<std::size_t>(&site - config.sites.data());
  facts.site = site.hosts.empty() ? "any host" : site.hosts.front();
  facts.host = core::example_host(site);
  facts.root = site.root;
  facts.listening = config.listen;
  facts.url_path = site.path;
  const AppRules app(config::recognise_app(site.root));
  facts.app = app.name();
  std::map<std::string, std::size_t> of_one_kind;
  std::size_t entries = 0;
  std::error_code error;
  const fs::path root(site.root);
  for (fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error), end;
       !error && at != end && facts.files.size() < kHiddenFilesMost && ++entries <= kHiddenEntriesMost;
       at.increment(error)) {
    if (at.depth() >= kDepthMost) at.disable_recursion_pending();
    std::error_code failed;
    if (!fs::is_regular_file(at->symlink_status(failed)) || at->file_size(failed) == 0 || failed) continue;
    const std::string path = "/" + at->path().lexically_relative(root).string();
    const std::string why = why_hidden(site, app, path);
    if (why.empty() || ++of_one_kind[why + path.substr(0, path.find('/', 1))] > kOfOneKindMost) continue;
    const http::RequestHead head = head_for(site, path, facts.host);
    core::Target target;
    router.resolve(site, head, probe, {facts.host, {}, true}, target);
    facts.files.push_back({path, why, decision_of(target, path), 0, false});
  }
  return facts;
}

}  // namespace

std::vector<HiddenFacts> find_hidden_files(const config::Config& config, core::FileProbe& probe) {
  core::Router router(config.sites);
  router.look_at_roots(probe);
  std::vector<HiddenFacts> out;
  for (const config::Site& site : config.sites) {
    if (!site.root.empty()) out.push_back(find_in_site(config, router, site, probe));
  }
  return out;
}

}  // namespace holdfast

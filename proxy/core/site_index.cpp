// See site_index.h.
#include "proxy/core/site_index.h"

#include "config/site.h"

#include <algorithm>

namespace holdfast::core {

namespace {
// A prefix counts at a segment's end only: /wiki is not /wikileaks.
bool has_path(const config::Site& site, std::string_view path) {
  if (site.path.empty() || path == "*") return true;
  return path.starts_with(site.path) && (path.size() == site.path.size() || path[site.path.size()] == '/');
}
}  // namespace

SiteIndex::SiteIndex(const std::vector<config::Site>& sites) {
  for (const config::Site& site : sites) {
    if (site.hosts.empty()) any_host_.push_back(&site);
    for (const std::string& host : site.hosts) {
      (host.starts_with("*.") ? wildcard_[host.substr(1)] : exact_[host]).push_back(&site);
    }
  }
  // Stable: of two sites with one host and path the first stands.
  const auto longest_first = [](Sites& group) {
    std::stable_sort(group.begin(), group.end(), [](const config::Site* a, const config::Site* b) {
      return a->path.size() > b->path.size();
    });
  };
  for (auto& [name, group] : exact_) longest_first(group);
  for (auto& [name, group] : wildcard_) longest_first(group);
  longest_first(any_host_);
}

const SiteIndex::Sites* SiteIndex::of_host(std::string_view host) const {
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);  // "example.com." is the same host
  if (const auto found = exact_.find(host); found != exact_.end()) return &found->second;
  if (!wildcard_.empty()) {
    // From the left, so the longest suffix comes first; at least one byte stands for the star.
    for (std::size_t dot = host.find('.', 1); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
      if (const auto found = wildcard_.find(host.substr(dot)); found != wildcard_.end())
        return &found->second;
    }
  }
  return any_host_.empty() ? nullptr : &any_host_;
}

SiteIndex::Found SiteIndex::find(std::string_view host, std::string_view path) const {
  const Sites* sites = of_host(host);
  if (sites == nullptr) return {};
  for (const config::Site* site : *sites) {
    if (has_path(*site, path)) return {site, true};
  }
  return {nullptr, true};
}

std::string example_host(const config::Site& site) {
  if (site.hosts.empty()) return "localhost";
  const std::string& host = site.hosts.front();
  return host.starts_with("*.") ? "www" + host.substr(1) : host;
}

std::string_view path_below(const config::Site& site, std::string_view path) {
  return path.substr(std::min(site.path.size(), path.size()));
}

}  // namespace holdfast::core

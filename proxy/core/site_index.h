// Finds the site of a request: by its host, then by the longest `path` of those of that host. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/snapshot.h"

namespace holdfast::core {

class SiteIndex {
 public:
  // `sites` outlive this.
  explicit SiteIndex(const std::vector<config::Site>& sites);

  struct Found {
    const config::Site* site = nullptr;
    bool host_known = false;  // sites of this host are there, even if none has this path
  };
  // By host: the exact name, else the longest wildcard, else those without hosts. Of these the one with the
  // longest `path`; no other host's sites are asked when none has it. `host` as in RequestHead: lower case,
  // no port. `path`: decoded and normalised, or "*".
  Found find(std::string_view host, std::string_view path) const;

 private:
  // Lets a map of std::string be searched by string_view without a copy.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Sites = std::vector<const config::Site*>;  // the longest path first
  using SitesByName = std::unordered_map<std::string, Sites, Hash, std::equal_to<>>;

  const Sites* of_host(std::string_view host) const;

  SitesByName exact_;
  SitesByName wildcard_;  // key: ".example.com"
  Sites any_host_;
};

// A host that leads to the site: its first, with "www" for a star, or "localhost".
std::string example_host(const config::Site& site);

// `path` below the site's own: begins with '/'; empty where it is the site's path itself, without a slash.
std::string_view path_below(const config::Site& site, std::string_view path);

}  // namespace holdfast::core

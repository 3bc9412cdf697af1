// A site: the names it answers to, its folder, and which pool runs its PHP.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/choices.h"
#include "config/routes.h"

namespace holdfast::config {

struct Site : SiteRules {
  std::vector<std::string> hosts;  // lower case; "*.example.com" allowed; empty: any host
  std::string root;                // absolute, no trailing slash
  std::string php_root;            // as php-fpm sees it; equal to root when not given
  std::vector<std::string> index = {"index.php", "index.html"};
  std::string fallback;  // a target; empty: 404 for what is not a file
  std::string pool;      // name of the pool for PHP; empty: only static files
  std::map<std::string, std::string> params;
  std::uint64_t max_body = std::uint64_t{64} << 20;
  bool gzip = false;                 // compress text for clients that take it
  std::vector<std::string> publish;  // patterns of names that are sent although they are withheld
  FollowLinks follow_links = FollowLinks::owner;
  bool resolve_root = false;  // php gets the root as it is behind its symbolic links
  bool operator==(const Site&) const = default;
};

}  // namespace holdfast::config

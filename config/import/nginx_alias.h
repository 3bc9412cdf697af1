// A location with `alias` is a site of its own here. Private to the import.
#pragma once

#include <string>
#include <vector>

#include "config/import/nginx_routes.h"
#include "config/import/nginx_scope.h"
#include "config/site.h"

namespace holdfast::config {

// The server that an alias lies in, read to its end.
struct ServerOfAlias {
  const NginxContext& context;
  const NginxDirective& server;
  const Site& site;
  const NginxAccess& access;  // what its locations inherit
  const std::vector<RankedRoute>& routes;
};

// `alias`: path, root and what the location itself says; its routes are for all below. Returns the site with
// all that the server says for its locations: who may come, headers, and what it refuses there.
Site site_below(const ServerOfAlias& of, const Site& alias);

// What the location itself says. `below`: its prefix, without a slash at the end.
Site site_of_alias(const std::string& below, const NginxScope& scope);

// Those that are too many are named, not kept.
void set_routes(const NginxContext& context, const NginxDirective& server, Site& site,
                std::vector<Route> routes);

}  // namespace holdfast::config

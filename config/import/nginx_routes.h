// The routes that the locations, rewrites and conditions of one server have become, on their way into the
// order that says the same: of nginx's locations one wins, of ours the first action counts and the later
// setting. Private to the import. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/import/nginx_scope.h"
#include "config/routes.h"

namespace holdfast::config {

struct RankedRoute {
  // -1: what the server does before it looks for a location; 0: `=`; 1: `^~`; 2: regular expression;
  // 3: prefix; 4: what is missing; 5: what `location /`, or the server, does with the rest.
  int rank = 0;
  std::size_t length = 0;  // of a prefix: the longer goes first
  Route route;
  // What holds for it without being its own word. It is said where a route that loses against it says
  // another thing.
  std::optional<std::vector<Network>> allow = {};
  std::optional<Auth> auth = {};
  std::string pool = {};
  const NginxDirective* candidate = nullptr;  // says nothing so far; may go. Outlives this
};

// `deny ADDRESS` of each of `from`, where all others may come. An action: it goes before those of what loses
// against a location of that rank and length.
RankedRoute denied_from(const std::vector<Network>& from, const std::string& pattern, int rank,
                        std::size_t length);

// Winners first with their actions, and settings that a loser would undo behind those of the loser.
// `idle`: candidates that had nothing to say.
std::vector<Route> ordered_routes(std::vector<RankedRoute> ranked, std::vector<const NginxDirective*>& idle);

// The pattern as it is below the folder `path` ("/w2"), for a site of its own there. Empty: nothing there
// matches it. Nothing: it cannot be said.
std::optional<std::string> pattern_below(const std::string& path, const std::string& pattern);

}  // namespace holdfast::config

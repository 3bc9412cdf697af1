// Who waits for a pool that a reload takes away: which pool is meant for it now. Pure; in config.cpp, where all
// parts are whole types.
#pragma once

#include <string>
#include <unordered_map>

#include "config/snapshot.h"

namespace holdfast::config {

// For pools of `before` that `after` has not: the one that all sites, routes and listeners name now that named
// it before; where none of them is left, the only new pool, if it takes the place of the only one that goes.
// A pool that is followed by several, or by none, is not in it.
std::unordered_map<std::string, std::string> pool_successors(const Config& before, const Config& after);

}  // namespace holdfast::config

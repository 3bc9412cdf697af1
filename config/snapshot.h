// The configuration and its parts by their names only, for those who hand them on. Who looks into one
// includes its header.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace holdfast::config {

struct Auth;
struct Buffers;
struct Client;
struct Config;
struct Expires;
struct FastcgiListener;
struct Log;
struct Network;
struct PathSettings;
struct Pool;
struct Route;
struct RouteWhen;
struct Shutdown;
struct Site;
struct SiteRules;

using Snapshot = std::shared_ptr<const Config>;          // immutable
using Sites = std::shared_ptr<const std::vector<Site>>;  // of a snapshot, which it keeps

// For messages.
std::size_t count_pools(const Config& config);
std::size_t count_sites(const Config& config);

}  // namespace holdfast::config

// The configuration and its parts by their names only, for those who hand them on. Who looks into one
// includes its header.
#pragma once

#include <memory>

namespace holdfast::config {

struct Config;
struct FastcgiListener;
struct Log;
struct Network;
struct Pool;
struct Site;

using Snapshot = std::shared_ptr<const Config>;  // immutable

}  // namespace holdfast::config

// What of a configuration a user will not be able to use. The folders on the way count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/snapshot.h"
#include "proxy/fpm/run_user.h"

namespace holdfast {

struct MissingRight {
  std::string what;    // who may not use which path, why, and what comes of it
  std::string remedy;  // what to do
  // Of what: doctor has checks of its own of php-fpm's socket.
  enum class Kind : std::uint8_t { reading, writing, php_socket } kind = Kind::reading;
  std::string sentence() const { return what + ": " + remedy; }
};

// `sources`: the files and folders that a reload reads (config::LoadResult). What is not there is not missed.
// For a process that is root, or this user; none where root may not become it (try_access_as()).
std::vector<MissingRight> missing_rights(const RunUser& user, const config::Config& config,
                                         const std::vector<std::string>& sources);

// The same, for any process. None where that cannot be known: another user, and we are not root; or it is root.
std::vector<MissingRight> rights_missed_by(const RunUser& user, const config::Config& config,
                                           const std::vector<std::string>& sources);

}  // namespace holdfast

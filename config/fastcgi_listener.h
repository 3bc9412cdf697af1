// A listener that speaks FastCGI: to a web server in front, as php-fpm would.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/address.h"
#include "config/network.h"

namespace holdfast::config {

// FastCGI from a web server, passed on to a pool. Who may connect may run any script.
struct FastcgiListener {
  // Requests whose parameters match all patterns go to `pool`; the first rule that matches decides.
  struct Rule {
    std::vector<std::pair<std::string, std::string>>
        patterns;  // parameter, path_glob.h; in the order written
    std::string pool;
    bool operator==(const Rule&) const = default;
  };
  Address address;
  std::string pool;  // where no rule matches
  std::vector<Rule> when;
  std::uint32_t mode = 0660;   // of a Unix socket
  std::string owner;           // of a Unix socket; empty: the user that serves
  std::string group;           // of a Unix socket; empty: that user's
  std::vector<Network> allow;  // TCP: who may connect; empty: everybody who can
  // What FCGI_MPXS_CONNS is told: with true a web server may send many requests at once on a connection.
  bool multiplex = false;
  bool log_stderr = false;  // what php says on stderr, beside passing it on
  // The web server has a limit of its own, so this one only guards the spool.
  std::uint64_t max_body = std::uint64_t{1} << 30;
  bool operator==(const FastcgiListener&) const = default;
};

}  // namespace holdfast::config

// The configuration as the program uses it: immutable once loaded, shared as a snapshot. Every default stands
// in these structs and nowhere else. Knows nothing of YAML. Holds its parts by their names: who looks into one
// includes its header (config/client.h, config/site.h), and only who does is built again with its keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/choices.h"
#include "config/part.h"
#include "config/snapshot.h"

namespace holdfast::config {

struct Config {
  Config();
  Config(const Config&);
  Config(Config&&) noexcept;
  Config& operator=(const Config&);
  Config& operator=(Config&&) noexcept;
  ~Config();

  std::vector<Address> listen = {{Address::Kind::tcp, "127.0.0.1", 8080, {}}};
  std::vector<FastcgiListener> fastcgi;  // of `listen`, in the order written
  std::optional<Address> admin =
      Address{Address::Kind::tcp, "127.0.0.1", 9180, {}};  // admin: { listen: off } turns it off
  std::vector<std::string>
      admin_hosts;          // names it is asked by, beside addresses and localhost; as Site::hosts
  std::vector<Pool> pools;  // in the order written
  std::vector<Site> sites;  // in the order written
  Part<Client> client;
  Part<Buffers> buffers;
  std::vector<Network> trusted_proxies;
  std::vector<ForwardedHeader> forwarded_headers;  // what they set; empty: not known
  Part<Log> log;
  Part<Shutdown> shutdown;
  std::string user;   // to be when started as root; empty: chosen at the start
  std::string group;  // empty: the user's own and its supplementary groups

  const Pool* find_pool(const std::string& name) const;
  bool operator==(const Config&) const;
};

}  // namespace holdfast::config

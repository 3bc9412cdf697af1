// The few things a Config can say about itself.
#include "config/config.h"

#include "config/buffers.h"
#include "config/client.h"
#include "config/fastcgi_listener.h"
#include "config/log.h"
#include "config/network.h"
#include "config/pool.h"
#include "config/shutdown.h"
#include "config/site.h"

namespace holdfast::config {

std::string Address::text() const {
  if (kind == Kind::unix_socket) {
    return "unix:" + path;
  }
  const bool literal_v6 = host.find(':') != std::string::npos;
  return (literal_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

// Here, where all parts are whole types.
Config::Config() = default;
Config::Config(const Config&) = default;
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(const Config&) = default;
Config& Config::operator=(Config&&) noexcept = default;
Config::~Config() = default;
bool Config::operator==(const Config&) const = default;

const Pool* Config::find_pool(const std::string& name) const {
  for (const Pool& pool : pools) {
    if (pool.name == name) {
      return &pool;
    }
  }
  return nullptr;
}

std::size_t count_pools(const Config& config) {
  return config.pools.size();
}
std::size_t count_sites(const Config& config) {
  return config.sites.size();
}

}  // namespace holdfast::config

// The parts of the configuration, for those who are not to see all of it.
#include "proxy/loop/context.h"

#include "config/config.h"

namespace holdfast {

const config::Client& Context::client_config() const {
  return *config->client;
}
const config::Buffers& Context::buffers_config() const {
  return *config->buffers;
}
const config::Shutdown& Context::shutdown_config() const {
  return *config->shutdown;
}
const std::vector<config::Pool>& Context::pools_config() const {
  return config->pools;
}
const std::vector<config::Network>& Context::trusted_proxies() const {
  return config->trusted_proxies;
}
const std::vector<config::ForwardedHeader>& Context::forwarded_headers() const {
  return config->forwarded_headers;
}

}  // namespace holdfast

// See pool_member.h.
#include "proxy/core/pool_member.h"

#include "config/pool.h"

namespace holdfast::core {

// Only php-fpm is ever asked unbidden: libfcgi and uWSGI never answer GET_VALUES. One request a connection
// needs none.
PoolMember::PoolMember(const config::Pool& config, std::uint64_t seed)
    : connections(config.max_connections),
      application(config.application == config::Application::php_fpm && config.keep_alive),
      back_off(seed) {}

}  // namespace holdfast::core

// From the configuration's words to the network's: config/ and proxy/net/ know nothing of each other.
#pragma once

#include "config/address.h"
#include "proxy/net/network.h"

namespace holdfast {

inline net::Endpoint endpoint_of(const config::Address& address) {
  return {.unix_socket = address.kind == config::Address::Kind::unix_socket,
          .host = address.host,
          .port = address.port,
          .path = address.path,
          .mode = address.socket_mode};
}

}  // namespace holdfast

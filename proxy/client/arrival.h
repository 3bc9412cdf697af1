// A connection that was just accepted, on its way from its listener to whoever serves it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "config/address.h"
#include "proxy/net/stream.h"

namespace holdfast {

struct Arrival {
  bool admin = false;
  std::optional<config::Address> fastcgi =
      std::nullopt;            // FastCGI is spoken: the listener's address, as configured
  std::uint64_t listener = 0;  // the id of whose it is
  std::unique_ptr<net::Stream> stream;
  net::Peer peer;
  net::Peer local;
};

}  // namespace holdfast

// How many connections each application may have at this moment, by address. A reload that lowers the ceiling
// cuts nobody; one that gives a pool another address, or takes it away, leaves what runs at the old one to
// its end (a second try may be part of that), and a pool that comes to that address meanwhile counts for
// itself (config/README.md, reload).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "config/config.h"
#include "config/pool.h"
#include "fake_network.h"
#include "house.h"
#include "ledger.h"

namespace holdfast::sim {

inline std::string address_key(const config::Address& address) {
  return address.kind == config::Address::Kind::unix_socket
             ? address.path
             : address.host + ":" + std::to_string(address.port);
}

class Ceilings {
 public:
  explicit Ceilings(const FakeNetwork& network) : network_(network) {}

  // At the start, and after each reload.
  void set(const config::Config& config) {
    std::map<std::string, std::uint32_t> limits;
    for (const config::Pool& pool : config.pools) limits[address_key(pool.address)] = pool.max_connections;
    for (const auto& [address, limit] : limits) places_[address];
    for (auto& [address, place] : places_) {
      const std::uint32_t before = place.limit;
      const std::uint32_t open = open_to(address);
      const auto found = limits.find(address);
      place.limit = found == limits.end() ? 0 : found->second;
      if (before > 0 && place.limit == 0) {
        place.left = std::max(place.left + before, open);
        place.left_at = network_.now();
      }
      place.allowed = std::max(place.limit + place.left, before > 0 ? open : 0);
    }
  }

  void check(Universe& universe, const Ledger& ledger) {
    for (auto& [address, place] : places_) {
      const std::uint32_t open = open_to(address);
      if (open > place.allowed)
        universe.fail("more connections than max_connections: " + std::to_string(open) + " to " + address);
      if (place.left > open) place.left = std::min(place.left, open + unended(ledger, place.left_at));
      place.allowed = std::max(place.limit + place.left, std::min(place.allowed, open));
    }
  }

 private:
  struct Place {
    std::uint32_t limit = 0;    // of the pool there now; 0: there is none
    std::uint32_t left = 0;     // connections of a pool that was there before, at the most
    Time left_at{};             // when it went
    std::uint32_t allowed = 0;  // of all
  };
  // Requests that may still be under way with a pool that went at this time.
  static std::uint32_t unended(const Ledger& ledger, Time at) {
    const auto& all = ledger.requests();
    return static_cast<std::uint32_t>(std::count_if(all.begin(), all.end(), [at](const Request& request) {
      return request.asked <= at && House::uses_second_pool(request.wish) &&
             (request.outcome == Outcome::none || request.outcome == Outcome::left);
    }));
  }
  std::uint32_t open_to(const std::string& address) const {
    return static_cast<std::uint32_t>(network_.open_to(address));
  }

  const FakeNetwork& network_;
  std::map<std::string, Place> places_;
};

}  // namespace holdfast::sim

// One address of a pool: its connections, what is known of the application there, and when to try again. And
// the balance rule between the addresses of a pool.
#pragma once

#include <cstdint>

#include "config/snapshot.h"
#include "proxy/core/application.h"
#include "proxy/core/back_off.h"
#include "proxy/core/connection_set.h"
#include "proxy/core/knocking.h"

namespace holdfast::core {

struct PoolMember {
  PoolMember(const config::Pool& config, std::uint64_t seed);

  ConnectionSet connections;
  Application application;
  BackOff back_off;
  Knocking knocking;
  bool probe_wanted = false;  // open one although nobody waits: readiness
};

// The balance rule: which address gets the next request, or the next connection, of those that `can` take it;
// nullptr when none can. A pool has one address today, so it is the first.
template <typename Members, typename Can>
PoolMember* choose_member(Members& members, Can can) {
  for (PoolMember& member : members) {
    if (can(member)) return &member;
  }
  return nullptr;
}

}  // namespace holdfast::core

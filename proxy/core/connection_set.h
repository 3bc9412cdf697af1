// The connections to one address: how many there may be, in which state each is, which are idle. The only
// place where a connection changes its state; it knows the legal moves (connection_state.h) and nothing of
// why one is made. Owns the connections; a Connection& lives until forget().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "proxy/core/connection_state.h"
#include "proxy/core/time.h"

namespace holdfast::core {

using ConnectionId = std::uint64_t;  // never reused; 0 is none

struct Connection {
  ConnectionId id = 0;
  // --- changed by ConnectionSet alone
  ConnectionState state = ConnectionState::gone;
  std::uint32_t slots_taken = 0;  // requests that run on it, of ConnectionSet::slots_each()
  Time since{};                   // of the present state
  // --- facts, for whoever decides
  Time opened{};
  std::optional<Time> deadline;
  std::optional<Time> idle_until;  // recycle.idle, from the end of the last request
  std::uint64_t requests = 0;
  bool proven = false;  // a barrier was answered since the last request
  bool retire = false;  // it is to go: close when released
};

struct PoolCounts {
  std::uint32_t connecting = 0, idle = 0, leased = 0, settling = 0, draining = 0, closing = 0;
  std::uint32_t total() const { return connecting + idle + leased + settling + draining + closing; }
  bool operator==(const PoolCounts&) const = default;
};

class ConnectionSet {
 public:
  // `most`: connections at a time. `slots_each`: requests that one carries at a time; 1 is FastCGI without
  // FCGI_MPXS_CONNS, which is what php-fpm speaks.
  explicit ConnectionSet(std::uint32_t most, std::uint32_t slots_each = 1);
  ConnectionSet(const ConnectionSet&) = delete;
  ConnectionSet& operator=(const ConnectionSet&) = delete;
  ConnectionSet(ConnectionSet&&) = default;  // a Connection stays where it is

  // A new one, connecting. Precondition: room() and no such id.
  Connection& open(ConnectionId id, Time now);
  // nullptr: gone.
  Connection* find(ConnectionId id);
  const Connection* find(ConnectionId id) const;
  // The one mover. A move that is not in the table is made all the same, so that the books stay right, and
  // check() tells of it from then on. To idle: by its last use, so that what was only pinged goes back to
  // where it was. To `leased`: takes a slot. Away from where requests are carried: frees all.
  void move(Connection& connection, ConnectionState to, Time now);
  // A request on it has ended, or was not begun.
  void free_slot(Connection& connection);
  // It is gone, and its place is free.
  void forget(Connection& connection);

  // Other limits (a reload). Those above a lowered one stay until somebody closes them.
  void set_most(std::uint32_t most);
  std::uint32_t most() const { return most_; }
  // As many as may be there just now: most(), or what is left of more.
  std::uint32_t ceiling() const { return ceiling_; }
  bool room() const { return counts_.total() < most_; }
  std::uint32_t slots_each() const { return slots_each_; }

  const PoolCounts& counts() const { return counts_; }
  bool empty() const { return connections_.empty(); }
  // With workers behind them: one that waits for its proof is in the backlog still.
  std::uint32_t held_by_workers() const {
    return counts_.idle + counts_.leased + counts_.settling + counts_.draining;
  }
  // By idle_until: the last, most recently used one is leased first. Changes with each move.
  const std::vector<Connection*>& idle() const { return idle_; }
  // Of those that wait for their proof; nullptr: none does.
  Connection* youngest_unproven();
  // Visits may move connections, and not open or forget any.
  void for_each(auto&& visit) {
    for (auto& [id, connection] : connections_) visit(connection);
  }
  void for_each(auto&& visit) const {
    for (const auto& [id, connection] : connections_) visit(connection);
  }

  // nullptr, or which invariant does not hold. Walks all connections.
  const char* check() const;

 private:
  std::uint32_t& count_of(ConnectionState state) { return count_of(counts_, state); }
  static std::uint32_t& count_of(PoolCounts& counts, ConnectionState state);
  void note_move(ConnectionState from, ConnectionState to);
  void push_idle(Connection& connection);
  void drop_idle(const Connection& connection);
  const char* check(const Connection& connection) const;
  const char* check_idle() const;

  std::uint32_t most_;
  std::uint32_t ceiling_;
  std::uint32_t slots_each_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::vector<Connection*> idle_;
  PoolCounts counts_;
  bool illegal_move_ = false;
};

}  // namespace holdfast::core

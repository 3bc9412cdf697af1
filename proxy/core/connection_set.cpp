// See connection_set.h.
#include "proxy/core/connection_set.h"

#include <algorithm>
#include <cassert>

namespace holdfast::core {

ConnectionSet::ConnectionSet(std::uint32_t most, std::uint32_t slots_each)
    : most_(most), ceiling_(most), slots_each_(slots_each) {}

Connection* ConnectionSet::find(ConnectionId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

const Connection* ConnectionSet::find(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

std::uint32_t& ConnectionSet::count_of(PoolCounts& counts, ConnectionState state) {
  static constexpr std::array<std::uint32_t PoolCounts::*, kConnectionPhases> kCounts = {
      &PoolCounts::connecting, &PoolCounts::idle,     &PoolCounts::leased,
      &PoolCounts::settling,   &PoolCounts::draining, &PoolCounts::closing};
  return counts.*kCounts[static_cast<std::size_t>(phase_of(state))];
}

void ConnectionSet::note_move(ConnectionState from, ConnectionState to) {
  if (!may_move(from, to)) illegal_move_ = true;
}

Connection& ConnectionSet::open(ConnectionId id, Time now) {
  Connection& connection = connections_[id];
  assert(connection.state == ConnectionState::gone);
  connection.id = id;
  connection.opened = connection.since = now;
  connection.state = ConnectionState::connecting;
  ++counts_.connecting;
  return connection;
}

void ConnectionSet::move(Connection& connection, ConnectionState to, Time now) {
  note_move(connection.state, to);
  if (connection.state == ConnectionState::idle) drop_idle(connection);
  --count_of(connection.state);
  connection.state = to;
  connection.since = now;
  ++count_of(to);
  if (to == ConnectionState::idle) push_idle(connection);
  if (to == ConnectionState::leased) ++connection.slots_taken;
  if (!rule_of(to).carries) connection.slots_taken = 0;
}

void ConnectionSet::free_slot(Connection& connection) {
  if (connection.slots_taken > 0) --connection.slots_taken;
}

void ConnectionSet::forget(Connection& connection) {
  note_move(connection.state, ConnectionState::gone);
  if (connection.state == ConnectionState::idle) drop_idle(connection);
  --count_of(connection.state);
  connections_.erase(connection.id);
  ceiling_ = std::max(most_, std::min(ceiling_, counts_.total()));
}

void ConnectionSet::set_most(std::uint32_t most) {
  most_ = most;
  ceiling_ = std::max(most_, counts_.total());
}

void ConnectionSet::push_idle(Connection& connection) {
  auto place = idle_.end();
  while (place != idle_.begin() && (*(place - 1))->idle_until > connection.idle_until) --place;
  idle_.insert(place, &connection);
}

// Most leave from the top.
void ConnectionSet::drop_idle(const Connection& connection) {
  if (!idle_.empty() && idle_.back() == &connection) {
    idle_.pop_back();
  } else {
    std::erase(idle_, &connection);
  }
}

Connection* ConnectionSet::youngest_unproven() {
  Connection* youngest = nullptr;
  for (auto& [id, connection] : connections_) {
    const bool unproven =
        connection.state == ConnectionState::proving || connection.state == ConnectionState::proving_again;
    if (unproven && (youngest == nullptr || id > youngest->id)) youngest = &connection;
  }
  return youngest;
}

const char* ConnectionSet::check(const Connection& connection) const {
  if (connection.state >= ConnectionState::gone) return "a connection that is gone is not kept";
  const StateRule& rule = rule_of(connection.state);
  if (rule.deadline == StateRule::Deadline::always && !connection.deadline)
    return "what ends by itself has a deadline";
  if (rule.deadline == StateRule::Deadline::never && connection.deadline)
    return "a leased or closing connection has no deadline";
  if (rule.carries ? connection.slots_taken == 0 || connection.slots_taken > slots_each_
                   : connection.slots_taken != 0)
    return "slots are taken where requests run, and no more than there are";
  if (connection.proven && (rule.carries || rule.phase == ConnectionPhase::connecting ||
                            connection.state == ConnectionState::settling))
    return "proven means: since the last request";
  return nullptr;
}

const char* ConnectionSet::check() const {
  if (illegal_move_) return "a connection moved between states as none may";
  PoolCounts seen;
  for (const auto& [id, connection] : connections_) {
    if (connection.id != id) return "a connection is kept under its id";
    if (const char* const fault = check(connection)) return fault;
    ++count_of(seen, connection.state);
  }
  if (seen != counts_) return "counts match the connections";
  if (counts_.total() > ceiling_ || ceiling_ < most_) return "the cap holds";
  return check_idle();
}

// As many as are idle, each of them idle, and none twice.
const char* ConnectionSet::check_idle() const {
  if (idle_.size() != counts_.idle) return "the stack holds the idle ones only";
  const Connection* below = nullptr;
  for (const Connection* each : idle_) {
    if (each->state != ConnectionState::idle) return "who is on the stack is idle";
    if (below != nullptr && below->idle_until > each->idle_until) return "the stack is in order of last use";
    below = each;
  }
  std::vector<const Connection*> sorted(idle_.begin(), idle_.end());
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    return "an idle connection is on the stack once";
  return nullptr;
}

}  // namespace holdfast::core

// See ghosts.h.
#include "proxy/core/ghosts.h"

#include <algorithm>

namespace holdfast::core {

void Ghosts::set_most(std::uint32_t most) {
  most_ = most;
  while (until_.size() > most_) until_.pop_front();
}

void Ghosts::begin_round(Time now) {
  ++round_;
  moment_ = now;
  held_at_once_ = 0;
}

void Ghosts::add(Time now) {
  until_.push_back(now + kRunOnMost);
  // No connection of ours can be kept from a worker by more than that.
  if (until_.size() > most_) until_.pop_front();
  begin_round(now);
}

void Ghosts::crowded(std::uint32_t held, Time now) {
  const std::size_t others = most_ - std::min(most_, held);
  if (until_.size() <= others) until_.assign(others, now + kRunOnMost);
  begin_round(now);
}

void Ghosts::answered(Witness& witness, Time asked, Time now) {
  if (!witness.taken) {
    witness.taken = true;
    begin_round(now);
    return;
  }
  if (until_.empty() || asked <= moment_ || witness.round == round_) return;
  witness.round = round_;
  ++held_at_once_;
  while (until_.size() > most_ - std::min(most_, held_at_once_)) until_.pop_front();
}

bool Ghosts::leave_room(std::size_t connections, Time now) {
  while (!until_.empty() && until_.front() <= now) until_.pop_front();
  return connections + until_.size() <= most_;
}

}  // namespace holdfast::core

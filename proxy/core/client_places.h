// How many clients of the sites there may be, in all and of one address. Counts; closes nobody. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "proxy/core/client_key.h"

namespace holdfast::core {

class ClientPlaces {
 public:
  // `most_of_address` 0: no limit.
  void set_limits(std::uint64_t most, std::uint32_t most_of_address) {
    most_ = most;
    most_of_address_ = most_of_address;
  }

  // A client has come. No key: it has no address. False: of its address there are more than may be.
  [[nodiscard]] bool enter(const std::optional<ClientKey>& key) {
    ++taken_;
    if (!key) return true;
    const std::uint32_t same = ++of_address_[*key];
    return most_of_address_ == 0 || same <= most_of_address_;
  }
  // It is being closed: its place is free, though its socket still exists for a moment.
  void leaving() { ++leaving_; }
  // It has gone. `was_leaving`: leaving() was called for it.
  void leave(const std::optional<ClientKey>& key, bool was_leaving) {
    --taken_;
    if (was_leaving) --leaving_;
    if (!key) return;
    const auto found = of_address_.find(*key);
    if (--found->second == 0) of_address_.erase(found);
  }

  std::size_t taken() const { return taken_ - leaving_; }
  std::uint64_t most() const { return most_; }
  std::size_t addresses() const { return of_address_.size(); }
  bool full() const { return taken() >= most_; }
  bool overfull() const { return taken() > most_; }

 private:
  std::uint64_t most_ = 0;
  std::uint32_t most_of_address_ = 0;
  std::size_t taken_ = 0;
  std::size_t leaving_ = 0;
  std::unordered_map<ClientKey, std::uint32_t, ClientKeyHash> of_address_;
};

}  // namespace holdfast::core

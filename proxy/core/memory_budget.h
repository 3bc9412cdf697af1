// The bytes that clients make the process hold: bodies, heads, pipelines, answers under way. One count for
// all (buffers.memory_max). Bodies may fill three quarters of it and go to the spool then; the last quarter
// is for what cannot: heads, and what is on its way between two sockets. Counts only; who asks decides.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace holdfast::core {

class MemoryBudget {
 public:
  void set_max(std::uint64_t bytes) { max_ = bytes; }
  std::uint64_t max() const { return max_; }
  std::uint64_t used() const { return used_; }

  // What one holder has counted so far becomes `now`.
  void recount(std::uint64_t& counted, std::uint64_t now) {
    assert(used_ >= counted);
    used_ = used_ - counted + now;
    counted = now;
  }
  std::uint64_t room_for_bodies() const {
    const std::uint64_t most = max_ - max_ / 4;
    return most - (used_ < most ? used_ : most);
  }
  // A head that is not whole is to take no more: the rest is for those that are, which give memory back.
  bool full_for_heads() const { return used_ >= max_ - max_ / 8; }
  // No more is to be taken on.
  bool full() const { return used_ >= max_; }

 private:
  std::uint64_t max_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t used_ = 0;
};

}  // namespace holdfast::core

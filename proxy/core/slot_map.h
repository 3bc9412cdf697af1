// Names for objects that somebody else owns: an id finds the object in two array reads, and is never found
// again once it was removed, though its slot is used by others. An insertion allocates only when more are in
// at a time than ever before.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace holdfast::core {

template <typename T>
class SlotMap {
 public:
  // Slot in the low half, how often that was used in the high half; 0 is none.
  using Id = std::uint64_t;

  // The object stays where it is until it is removed.
  Id insert(T& object) {
    if (free_.empty()) {
      assert(slots_.size() < UINT32_MAX);
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.push_back({});
      free_.reserve(slots_.capacity());  // removing allocates nothing
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.object = &object;
    if (++slot.uses == 0) slot.uses = 1;
    ++size_;
    return std::uint64_t{slot.uses} << 32 | index;
  }
  // nullptr: no such id, or removed.
  T* find(Id id) const {
    const std::size_t index = id & UINT32_MAX;
    if (index >= slots_.size() || slots_[index].uses != id >> 32) return nullptr;
    return slots_[index].object;
  }
  // Nothing for an id that is not in.
  void remove(Id id) {
    if (find(id) == nullptr) return;
    const auto index = static_cast<std::uint32_t>(id & UINT32_MAX);
    slots_[index].object = nullptr;
    free_.push_back(index);
    --size_;
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Slot {
    T* object = nullptr;
    std::uint32_t uses = 0;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;  // the last one freed is the next one used
  std::size_t size_ = 0;
};

}  // namespace holdfast::core

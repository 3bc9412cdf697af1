// Deadlines of thousands of objects behind the one timer of the loop. Each object add()s an entry once and
// then moves its deadline as often as it likes. Owns the entries; knows nothing of what they stand for:
// `object` and `kind` are the caller's words for that.
//
//   idle --set()--> armed --its time passes, pop_expired()--> idle
//    ^               |
//    +----clear()----+          remove() ends an entry from either state
//
// Lazy: moving a deadline later, and clear(), touch only the entry (O(1)); its place in the heap is put right
// when it comes to the top. Most deadlines (idle, keep-alive) are pushed back again and again and never fire.
// There is at most one heap node an entry, so the heap never outgrows the entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proxy/core/time.h"

namespace holdfast::core {

class DeadlineQueue {
 public:
  // Names one entry for ever: a removed entry's id is never given out again, so an id kept too long is found
  // to be dead (contains()) instead of hitting its successor. A default Id names nothing.
  struct Id {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    bool operator==(const Id&) const = default;
  };
  struct Owner {
    std::uint64_t object = 0;
    std::uint8_t kind = 0;
    bool operator==(const Owner&) const = default;
  };

  [[nodiscard]] Id add(std::uint64_t object, std::uint8_t kind);
  void remove(Id id);
  bool contains(Id id) const;

  // The following need a living id.
  Owner owner(Id id) const;
  void set(Id id, Time deadline);  // arms, or moves the deadline
  void clear(Id id);               // disarms; no-op when idle
  std::optional<Time> deadline(Id id) const;

  // The earliest armed deadline: when to wake up. Not const: tidies the top of the heap.
  std::optional<Time> next();

  // Appends the entries whose deadline is `now` or earlier, in the order of their deadlines, and disarms
  // them. Acting on one may remove() or set() another of the same list: who walks the list asks is_due() for
  // each.
  void pop_expired(Time now, std::vector<Id>& out);
  // For an id that pop_expired() gave: still there and not armed anew since.
  bool is_due(Id id) const { return contains(id) && !entries_[id.slot].armed; }

  std::size_t size() const { return entries_.size() - free_slots_.size(); }
  // Our own invariants, for tests: each node's place is known to its entry, no node lies later than the
  // deadline it stands for, every armed entry has a node, parents lie before children.
  bool check() const;

 private:
  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  struct Entry {
    Time deadline{};
    Owner owner;
    std::uint32_t generation = 0;    // odd: in use; 0 is never a living generation
    std::uint32_t place = kNowhere;  // index in heap_
    bool armed = false;
  };
  struct Node {
    Time at;  // not later than the entry's deadline
    std::uint32_t slot;
  };

  // Ties go by slot, so that a run of the simulation repeats exactly.
  static bool before(const Node& a, const Node& b) { return a.at != b.at ? a.at < b.at : a.slot < b.slot; }
  Entry& living(Id id);
  const Entry& living(Id id) const;
  void put(std::uint32_t place, Node node);
  void sift_up(std::uint32_t place, Node node);
  void sift_down(std::uint32_t place, Node node);
  void erase_node(std::uint32_t place);
  // Makes the top node true: armed, and at its entry's deadline. False when nothing is armed.
  bool settle_top();

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<Node> heap_;
};

}  // namespace holdfast::core

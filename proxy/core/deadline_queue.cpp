// A binary heap whose nodes and entries know each other's places. See the header for why it is lazy.
#include "proxy/core/deadline_queue.h"

#include <cassert>

namespace holdfast::core {

DeadlineQueue::Id DeadlineQueue::add(std::uint64_t object, std::uint8_t kind) {
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Entry& entry = entries_[slot];
  ++entry.generation;  // even (free) to odd (in use)
  entry.owner = {object, kind};
  return {slot, entry.generation};
}

void DeadlineQueue::remove(Id id) {
  Entry& entry = living(id);
  if (entry.place != kNowhere) erase_node(entry.place);
  entry.armed = false;
  ++entry.generation;
  // A slot whose generations are used up is retired instead of reused: an old id must never come alive again.
  if (entry.generation != UINT32_MAX - 1) free_slots_.push_back(id.slot);
}

bool DeadlineQueue::contains(Id id) const {
  return id.slot < entries_.size() && id.generation % 2 == 1 && entries_[id.slot].generation == id.generation;
}

DeadlineQueue::Entry& DeadlineQueue::living(Id id) {
  assert(contains(id));
  return entries_[id.slot];
}

const DeadlineQueue::Entry& DeadlineQueue::living(Id id) const {
  assert(contains(id));
  return entries_[id.slot];
}

DeadlineQueue::Owner DeadlineQueue::owner(Id id) const {
  return living(id).owner;
}

std::optional<Time> DeadlineQueue::deadline(Id id) const {
  const Entry& entry = living(id);
  if (!entry.armed) return std::nullopt;
  return entry.deadline;
}

void DeadlineQueue::set(Id id, Time deadline) {
  Entry& entry = living(id);
  entry.deadline = deadline;
  entry.armed = true;
  if (entry.place == kNowhere) {
    heap_.emplace_back();
    sift_up(static_cast<std::uint32_t>(heap_.size() - 1), {deadline, id.slot});
  } else if (deadline < heap_[entry.place].at) {
    sift_up(entry.place, {deadline, id.slot});
  }
  // Later than its node: left where it is until it comes up.
}

void DeadlineQueue::clear(Id id) {
  living(id).armed = false;
}

std::optional<Time> DeadlineQueue::next() {
  if (!settle_top()) return std::nullopt;
  return heap_.front().at;
}

void DeadlineQueue::pop_expired(Time now, std::vector<Id>& out) {
  // Looks at the top before it is settled: a node that lies in the future is left lazy.
  while (!heap_.empty() && heap_.front().at <= now) {
    if (!settle_top() || heap_.front().at > now) return;
    const std::uint32_t slot = heap_.front().slot;
    entries_[slot].armed = false;
    erase_node(0);
    out.push_back({slot, entries_[slot].generation});
  }
}

bool DeadlineQueue::settle_top() {
  while (!heap_.empty()) {
    const Node top = heap_.front();
    const Entry& entry = entries_[top.slot];
    if (!entry.armed) {
      erase_node(0);
    } else if (entry.deadline > top.at) {
      sift_down(0, {entry.deadline, top.slot});
    } else {
      return true;
    }
  }
  return false;
}

void DeadlineQueue::put(std::uint32_t place, Node node) {
  heap_[place] = node;
  entries_[node.slot].place = place;
}

void DeadlineQueue::sift_up(std::uint32_t place, Node node) {
  while (place > 0) {
    const std::uint32_t parent = (place - 1) / 2;
    if (!before(node, heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, node);
}

void DeadlineQueue::sift_down(std::uint32_t place, Node node) {
  const auto count = static_cast<std::uint32_t>(heap_.size());
  for (std::uint32_t child = place * 2 + 1; child < count; child = place * 2 + 1) {
    if (child + 1 < count && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], node)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, node);
}

void DeadlineQueue::erase_node(std::uint32_t place) {
  entries_[heap_[place].slot].place = kNowhere;
  const Node last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  // The last node fills the gap; it may belong above or below it.
  if (place > 0 && before(last, heap_[(place - 1) / 2])) {
    sift_up(place, last);
  } else {
    sift_down(place, last);
  }
}

bool DeadlineQueue::check() const {
  for (std::uint32_t place = 0; place < heap_.size(); ++place) {
    const Node& node = heap_[place];
    const Entry& entry = entries_[node.slot];
    if (entry.place != place || entry.generation % 2 == 0) return false;
    if (entry.armed && entry.deadline < node.at) return false;
    if (place > 0 && before(node, heap_[(place - 1) / 2])) return false;
  }
  for (const Entry& entry : entries_) {
    if (entry.armed && entry.place == kNowhere) return false;
    if (entry.place != kNowhere && entry.place >= heap_.size()) return false;
  }
  return true;
}

}  // namespace holdfast::core

// See waiter_queue.h.
#include "proxy/core/waiter_queue.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace holdfast::core {

namespace {
// ::ffff:a.b.c.d
constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
}  // namespace

AddressKey address_key(const std::array<std::uint8_t, 16>& bytes) {
  const bool mapped = std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
  const std::size_t from = mapped ? 8 : 0;
  AddressKey key = 0;
  for (std::size_t i = from; i < from + 8; ++i) key = key << 8 | bytes.at(i);
  return key;
}

Waiter::~Waiter() {
  if (!queued()) return;
  std::fputs("BUG: a waiter is destroyed while queued\n", stderr);
  std::abort();
}

// splitmix64.
std::size_t WaiterQueue::Hash::operator()(AddressKey key) const {
  std::uint64_t mixed = (key ^ seed) + 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  return static_cast<std::size_t>(mixed ^ (mixed >> 31));
}

WaiterQueue::WaiterQueue(std::uint64_t seed) : lines_(0, Hash{seed}) {}

WaiterQueue::~WaiterQueue() = default;

// In order of arrival. A new one goes to the end; a retry is older than all but the retries before it.
void WaiterQueue::link(List& list, Waiter::Links Waiter::*links, Waiter& waiter) {
  Waiter* after = list.last;
  if (after != nullptr && after->place_ > waiter.place_) {
    after = nullptr;
    for (Waiter* older = list.first; older->place_ < waiter.place_; older = (older->*links).next)
      after = older;
  }
  Waiter::Links& own = waiter.*links;
  own.previous = after;
  own.next = after != nullptr ? (after->*links).next : list.first;
  (own.next != nullptr ? (own.next->*links).previous : list.last) = &waiter;
  (after != nullptr ? (after->*links).next : list.first) = &waiter;
}

void WaiterQueue::unlink(List& list, Waiter::Links Waiter::*links, Waiter& waiter) {
  Waiter::Links& own = waiter.*links;
  (own.previous != nullptr ? (own.previous->*links).next : list.first) = own.next;
  (own.next != nullptr ? (own.next->*links).previous : list.last) = own.previous;
  own = {};
}

void WaiterQueue::add(Waiter& waiter, bool again) {
  link(arrival_, &Waiter::arrival_, waiter);
  Line& line = lines_[waiter.address_];
  const bool is_new = line.count == 0;
  line.key = waiter.address_;
  List list{line.first, line.last};
  link(list, &Waiter::in_line_, waiter);
  line.first = list.first;
  line.last = list.last;
  waiter.line_ = &line;
  count_line(line.count, line.count + 1);
  ++line.count;
  ++size_;
  if (again) {
    if (!is_new) leave_turn(line);
    turn_to_front(line);
  } else if (is_new) {
    turn_to_back(line);
  }
}

void WaiterQueue::remove(Waiter& waiter) {
  Line& line = *waiter.line_;
  unlink(arrival_, &Waiter::arrival_, waiter);
  List list{line.first, line.last};
  unlink(list, &Waiter::in_line_, waiter);
  line.first = list.first;
  line.last = list.last;
  waiter.line_ = nullptr;
  count_line(line.count, line.count - 1);
  --line.count;
  --size_;
  if (line.count > 0) return;
  leave_turn(line);
  lines_.erase(line.key);
}

Waiter* WaiterQueue::next() const {
  return first_turn_ == nullptr ? nullptr : first_turn_->first;
}

Waiter& WaiterQueue::take_next() {
  Line& line = *first_turn_;
  Waiter& waiter = *line.first;
  if (line.count > 1) {
    leave_turn(line);
    turn_to_back(line);
  }
  remove(waiter);
  return waiter;
}

Waiter& WaiterQueue::one_too_many(Waiter& newcomer) const {
  if (newcomer.line_->count >= longest_) return newcomer;
  const Line* line = first_turn_;
  while (line->count < longest_) line = line->next;
  return *line->last;
}

void WaiterQueue::turn_to_back(Line& line) {
  line.previous = last_turn_;
  line.next = nullptr;
  (last_turn_ != nullptr ? last_turn_->next : first_turn_) = &line;
  last_turn_ = &line;
}

void WaiterQueue::turn_to_front(Line& line) {
  line.previous = nullptr;
  line.next = first_turn_;
  (first_turn_ != nullptr ? first_turn_->previous : last_turn_) = &line;
  first_turn_ = &line;
}

void WaiterQueue::leave_turn(Line& line) {
  (line.previous != nullptr ? line.previous->next : first_turn_) = line.next;
  (line.next != nullptr ? line.next->previous : last_turn_) = line.previous;
}

void WaiterQueue::count_line(std::size_t from, std::size_t to) {
  if (lines_of_.size() <= to) lines_of_.resize(to + 1);
  if (from > 0) --lines_of_[from];
  if (to > 0) ++lines_of_[to];
  longest_ = std::max(longest_, to);
  while (longest_ > 0 && lines_of_[longest_] == 0) --longest_;
}

const char* WaiterQueue::broken() const {
  std::size_t queued = 0;
  for (const Waiter* waiter = arrival_.first; waiter != nullptr; waiter = waiter->arrival_.next) {
    const Waiter* next = waiter->arrival_.next;
    if (!waiter->queued()) return "a linked waiter is queued";
    if (next == nullptr && waiter != arrival_.last) return "the queue ends at its last";
    if (next != nullptr && (waiter->place_ >= next->place_ || waiter->deadline_ > next->deadline_))
      return "the queue is in order of arrival";
    ++queued;
  }
  if (queued != size_) return "waiting counts the queue";
  std::size_t in_lines = 0;
  std::size_t lines = 0;
  std::size_t longest = 0;
  for (const Line* line = first_turn_; line != nullptr; line = line->next, ++lines) {
    std::size_t count = 0;
    for (const Waiter* waiter = line->first; waiter != nullptr; waiter = waiter->in_line_.next, ++count) {
      if (waiter->line_ != line || waiter->address_ != line->key) return "a waiter stands in its own line";
    }
    if (count == 0 || count != line->count) return "a line counts its waiters, and has some";
    in_lines += count;
    longest = std::max(longest, count);
  }
  if (in_lines != size_ || lines != lines_.size()) return "each line has its turn";
  if (longest != longest_) return "the longest line is known";
  return nullptr;
}

}  // namespace holdfast::core

// See wait_queue.h.
#include "proxy/core/wait_queue.h"

#include <algorithm>
#include <cassert>

namespace holdfast::core {

AddressKey address_key(const AddressBytes& bytes) {
  const std::size_t from = is_ipv4(bytes) ? 8 : 0;
  AddressKey key = 0;
  for (std::size_t i = from; i < from + 8; ++i) key = key << 8 | bytes.at(i);
  return key;
}

WaitQueue::WaitQueue(std::uint64_t seed) : waiters_(seed), lines_(seed) {}

// In order of arrival. A new one goes to the end; a retry is older than all but the retries before it.
void WaitQueue::link(List& list, Links Waiter::*links, Waiter& waiter) {
  const std::uint64_t place = waiter.ticket.place;
  Waiter* after = list.last;
  if (after != nullptr && after->ticket.place > place) {
    after = nullptr;
    for (Waiter* older = list.first; older->ticket.place < place; older = (older->*links).next) after = older;
  }
  Links& own = waiter.*links;
  own.previous = after;
  own.next = after != nullptr ? (after->*links).next : list.first;
  (own.next != nullptr ? (own.next->*links).previous : list.last) = &waiter;
  (after != nullptr ? (after->*links).next : list.first) = &waiter;
}

void WaitQueue::unlink(List& list, Links Waiter::*links, Waiter& waiter) {
  Links& own = waiter.*links;
  (own.previous != nullptr ? (own.previous->*links).next : list.first) = own.next;
  (own.next != nullptr ? (own.next->*links).previous : list.last) = own.previous;
  own = {};
}

void WaitQueue::add(const Ticket& ticket, Entry entry) {
  assert(ticket.id != 0 && !contains(ticket.id));
  Waiter& waiter = waiters_.add(ticket.id);
  waiter.ticket = ticket;
  link(arrival_, &Waiter::arrival, waiter);
  Lines::Node* const known = lines_.find(ticket.address);
  const bool is_new = known == nullptr;
  Line& line = is_new ? lines_.add(ticket.address) : *known;
  line.address = ticket.address;
  link(line.waiters, &Waiter::in_line, waiter);
  waiter.line = &line;
  count_line(line.count, line.count + 1);
  ++line.count;
  if (entry == Entry::again) {
    if (!is_new) leave_turn(line);
    turn_to_front(line);
  } else if (is_new) {
    turn_to_back(line);
  }
}

bool WaitQueue::remove(WaiterId id) {
  Waiters::Node* const found = waiters_.find(id);
  if (found == nullptr) return false;
  take_out(*found);
  return true;
}

void WaitQueue::take_out(Waiters::Node& waiter) {
  Line& line = *waiter.line;
  unlink(arrival_, &Waiter::arrival, waiter);
  unlink(line.waiters, &Waiter::in_line, waiter);
  count_line(line.count, line.count - 1);
  --line.count;
  waiters_.remove(waiter);
  if (line.count > 0) return;
  leave_turn(line);
  lines_.remove(static_cast<Lines::Node&>(line));
}

const Ticket* WaitQueue::next() const {
  return first_turn_ == nullptr ? nullptr : &first_turn_->waiters.first->ticket;
}

Ticket WaitQueue::take_next() {
  assert(!empty());
  Line& line = *first_turn_;
  Waiter& waiter = *line.waiters.first;
  const Ticket ticket = waiter.ticket;
  if (line.count > 1) {
    leave_turn(line);
    turn_to_back(line);
  }
  take_out(static_cast<Waiters::Node&>(waiter));
  return ticket;
}

std::vector<Ticket> WaitQueue::take_all() {
  std::vector<Ticket> all;
  all.reserve(size());
  while (const Ticket* ticket = oldest()) {
    all.push_back(*ticket);
    remove(all.back().id);
  }
  return all;
}

WaiterId WaitQueue::one_too_many(WaiterId newcomer) const {
  if (waiters_.find(newcomer)->line->count >= longest_) return newcomer;
  const Line* line = first_turn_;
  while (line->count < longest_) line = line->next;
  return line->waiters.last->ticket.id;
}

void WaitQueue::turn_to_back(Line& line) {
  line.previous = last_turn_;
  line.next = nullptr;
  (last_turn_ != nullptr ? last_turn_->next : first_turn_) = &line;
  last_turn_ = &line;
}

void WaitQueue::turn_to_front(Line& line) {
  line.previous = nullptr;
  line.next = first_turn_;
  (first_turn_ != nullptr ? first_turn_->previous : last_turn_) = &line;
  first_turn_ = &line;
}

void WaitQueue::leave_turn(Line& line) {
  (line.previous != nullptr ? line.previous->next : first_turn_) = line.next;
  (line.next != nullptr ? line.next->previous : last_turn_) = line.previous;
}

void WaitQueue::count_line(std::size_t from, std::size_t to) {
  if (lines_of_.size() <= to) lines_of_.resize(to + 1);
  if (from > 0) --lines_of_[from];
  if (to > 0) ++lines_of_[to];
  longest_ = std::max(longest_, to);
  while (longest_ > 0 && lines_of_[longest_] == 0) --longest_;
}

const char* WaitQueue::check() const {
  std::size_t queued = 0;
  for (const Waiter* waiter = arrival_.first; waiter != nullptr; waiter = waiter->arrival.next) {
    const Waiter* next = waiter->arrival.next;
    if (waiter->line == nullptr) return "a waiter stands in a line";
    if (next == nullptr && waiter != arrival_.last) return "the queue ends at its last";
    if (next != nullptr &&
        (waiter->ticket.place >= next->ticket.place || waiter->ticket.arrived > next->ticket.arrived))
      return "the queue is in order of arrival";
    if (++queued > waiters_.size()) break;
  }
  if (queued != waiters_.size()) return "each waiter stands in the queue once";
  return check_lines();
}

const char* WaitQueue::check_lines() const {
  std::size_t in_lines = 0;
  std::size_t lines = 0;
  std::size_t longest = 0;
  for (const Line* line = first_turn_; line != nullptr && lines <= lines_.size();
       line = line->next, ++lines) {
    std::size_t count = 0;
    for (const Waiter* waiter = line->waiters.first; waiter != nullptr && count <= line->count;
         waiter = waiter->in_line.next, ++count) {
      if (waiter->line != line || waiter->ticket.address != line->address)
        return "a waiter stands in the line of its address";
    }
    if (count == 0 || count != line->count) return "a line counts its waiters, and has some";
    in_lines += count;
    longest = std::max(longest, count);
  }
  if (in_lines != waiters_.size() || lines != lines_.size()) return "each line has its turn";
  if (longest != longest_) return "the longest line is known";
  return nullptr;
}

}  // namespace holdfast::core

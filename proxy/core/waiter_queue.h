// The pool's queue: who waits, in which order they are served. First come, first served within an address,
// and the addresses take turns, so that one that asks for a thousand pages keeps another waiting for one of
// them. Where all wait for one address each it is a plain FIFO. Intrusive lists: waiters are linked, not
// owned; what is allocated is one line for each address that waits.
//
//   turn:   [10.0.0.1] -> [10.0.0.7] -> [2001:db8:1::/64]         who is next: the first of the first
//              |             |                |
//   lines:   A D E F         B                C G
//   arrival: A B C D E F G                                         for deadlines
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "proxy/core/time.h"

namespace holdfast::core {

// Whose turn it is; equal keys share it. 0 is a key like another.
using AddressKey = std::uint64_t;
// An IPv4 address, or the /64 of an IPv6 one: whoever has one of that has all of them. All zero (a Unix
// socket) is one too. Bytes as in ClientOrigin.
AddressKey address_key(const std::array<std::uint8_t, 16>& bytes);

class Waiter;

// Those of one address who wait; the queue's own.
struct WaiterLine {
  AddressKey key = 0;
  Waiter* first = nullptr;
  Waiter* last = nullptr;
  std::size_t count = 0;
  WaiterLine* previous = nullptr;  // in turn
  WaiterLine* next = nullptr;
};

// An exchange's place in the queue. Lives inside the exchange; linked by the queue only.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter();  // precondition: not queued
  bool queued() const { return line_ != nullptr; }
  Time enqueued() const { return enqueued_; }
  Time deadline() const { return deadline_; }

 private:
  friend class UpstreamPool;
  friend class WaiterQueue;
  struct Links {
    Waiter* previous = nullptr;
    Waiter* next = nullptr;
  };
  Links arrival_;
  Links in_line_;
  WaiterLine* line_ = nullptr;  // of its address, while queued
  Time enqueued_{};
  Time deadline_{};
  std::uint64_t place_ = 0;  // of arrival
  AddressKey address_ = 0;
  bool repeatable_ = false;
};

class WaiterQueue {
 public:
  // `seed`: so that nobody can choose addresses that are slow to find.
  explicit WaiterQueue(std::uint64_t seed);
  WaiterQueue(const WaiterQueue&) = delete;
  WaiterQueue& operator=(const WaiterQueue&) = delete;
  ~WaiterQueue();

  // By its place: a new one goes to the end. `again`: a retry, which may be older than others; it gets its
  // place back, and its address the next turn, for it had one already.
  void add(Waiter& waiter, bool again);
  void remove(Waiter& waiter);
  // Whose turn it is; nullptr: nobody waits.
  Waiter* next() const;
  // Takes next() out; then it is the next address's turn. Precondition: not empty.
  Waiter& take_next();
  // The first by arrival, and so by deadline.
  Waiter* oldest() const { return arrival_.first; }
  static Waiter* after(const Waiter& waiter) { return waiter.arrival_.next; }
  // One too many, the newest of them being `newcomer`: who has to go. The newest of the address with most
  // waiters, unless that is the newcomer's own.
  Waiter& one_too_many(Waiter& newcomer) const;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Empty, or which invariant does not hold.
  const char* broken() const;

 private:
  struct List {
    Waiter* first = nullptr;
    Waiter* last = nullptr;
  };
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(AddressKey key) const;
  };
  using Line = WaiterLine;

  static void link(List& list, Waiter::Links Waiter::*links, Waiter& waiter);
  static void unlink(List& list, Waiter::Links Waiter::*links, Waiter& waiter);
  void turn_to_back(Line& line);
  void turn_to_front(Line& line);
  void leave_turn(Line& line);
  void count_line(std::size_t from, std::size_t to);

  std::unordered_map<AddressKey, Line, Hash> lines_;
  Line* first_turn_ = nullptr;
  Line* last_turn_ = nullptr;
  List arrival_;
  std::size_t size_ = 0;
  std::vector<std::uint32_t> lines_of_;  // by their number of waiters
  std::size_t longest_ = 0;
};

}  // namespace holdfast::core

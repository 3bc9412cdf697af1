// The pool's queue: who waits, in which order they are served. First come, first served within an address,
// and the addresses take turns, so that one that asks for a thousand pages keeps another waiting for one of
// them. Where all wait for one address each it is a plain FIFO. Who waits is an id and a few values: the
// queue knows nothing of what stands behind it.
//
//   turn:   [10.0.0.1] -> [10.0.0.7] -> [2001:db8:1::/64]         who is next: the first of the first
//              |             |                |
//   lines:   A D E F         B                C G
//   arrival: A B C D E F G                                         for deadlines
//
// A queue in steady use allocates nothing. What it holds at its longest (some 150 bytes for each that waits)
// it keeps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/core/address_bytes.h"
#include "proxy/core/node_table.h"
#include "proxy/core/time.h"

namespace holdfast::core {

// Whose turn it is; equal keys share it. 0 is a key like another.
using AddressKey = std::uint64_t;
// An IPv4 address, or the /64 of an IPv6 one: whoever has one of that has all of them. All zero (a Unix
// socket) is one too. Bytes as in ClientOrigin.
AddressKey address_key(const AddressBytes& bytes);

// Chosen by whoever queues; no two that wait have the same. 0 is none.
using WaiterId = std::uint64_t;

// What its owner keeps of one who waits or has waited, and gives back to let it wait again.
struct Ticket {
  WaiterId id = 0;
  AddressKey address = 0;
  std::uint64_t place = 0;  // of arrival, the first one is 1
  Time arrived{};
  bool repeatable = false;
  // It comes back after a failure that other connections had at the same time: not its own doing.
  bool in_company = false;
};

class WaitQueue {
 public:
  // `seed`: so that nobody can choose addresses that are slow to find.
  explicit WaitQueue(std::uint64_t seed);
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // A ticket with the next place, for somebody who has come at `arrived`. Does not queue.
  Ticket issue(WaiterId id, bool repeatable, AddressKey address, Time arrived) {
    return {
        .id = id, .address = address, .place = ++last_place_, .arrived = arrived, .repeatable = repeatable};
  }
  // By its place: a new one goes to the end. `again`: a retry, which may be older than others; it gets its
  // place back, and its address the next turn, for it had one already. Precondition: it does not wait.
  enum class Entry : std::uint8_t { first_time, again };
  void add(const Ticket& ticket, Entry entry);
  // False: it does not wait.
  bool remove(WaiterId id);
  bool contains(WaiterId id) const { return waiters_.find(id) != nullptr; }
  // Whose turn it is; nullptr: nobody waits. The pointer lives until that one leaves.
  const Ticket* next() const;
  // Takes next() out; then it is the next address's turn. Precondition: not empty.
  Ticket take_next();
  // The first by arrival, and so by deadline; nullptr: nobody waits.
  const Ticket* oldest() const { return arrival_.first == nullptr ? nullptr : &arrival_.first->ticket; }
  // All, in order of arrival; nobody waits afterwards.
  std::vector<Ticket> take_all();
  // One too many, the newest of them being `newcomer`, who waits: who has to go. The newest of the address
  // with most waiters, unless that is the newcomer's own.
  WaiterId one_too_many(WaiterId newcomer) const;

  std::size_t size() const { return waiters_.size(); }
  bool empty() const { return waiters_.empty(); }
  // nullptr, or which invariant does not hold. Walks all who wait.
  const char* check() const;

 private:
  struct Line;
  struct Waiter;
  struct Links {
    Waiter* previous = nullptr;
    Waiter* next = nullptr;
  };
  struct Waiter {
    Ticket ticket;
    Links arrival;
    Links in_line;
    Line* line = nullptr;  // of its address
  };
  struct List {
    Waiter* first = nullptr;
    Waiter* last = nullptr;
  };
  // Those of one address.
  struct Line {
    AddressKey address = 0;
    List waiters;
    std::size_t count = 0;
    Line* previous = nullptr;  // in turn
    Line* next = nullptr;
  };
  using Waiters = NodeTable<Waiter>;  // by id
  using Lines = NodeTable<Line>;      // by address

  static void link(List& list, Links Waiter::*links, Waiter& waiter);
  static void unlink(List& list, Links Waiter::*links, Waiter& waiter);
  void take_out(Waiters::Node& waiter);
  void turn_to_back(Line& line);
  void turn_to_front(Line& line);
  void leave_turn(Line& line);
  void count_line(std::size_t from, std::size_t to);
  const char* check_lines() const;

  Waiters waiters_;
  Lines lines_;
  Line* first_turn_ = nullptr;
  Line* last_turn_ = nullptr;
  List arrival_;
  std::uint64_t last_place_ = 0;
  std::vector<std::uint32_t> lines_of_;  // by their number of waiters
  std::size_t longest_ = 0;
};

}  // namespace holdfast::core

// WaitQueue by itself: its order, ids that come and go, who gives way, and against a naive list.
#include "proxy/core/wait_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace holdfast::core;
using namespace std::chrono_literals;
using Entry = WaitQueue::Entry;

namespace {

struct Line {
  WaitQueue queue{7};
  Time now{1000s};

  Ticket join(WaiterId id, AddressKey address = 1) {
    const Ticket ticket = queue.issue(id, true, address, now += 1ms);
    queue.add(ticket, Entry::first_time);
    check();
    return ticket;
  }
  void join_again(const Ticket& ticket) {
    queue.add(ticket, Entry::again);
    check();
  }
  std::string serve_all() {
    std::string order;
    while (!queue.empty()) {
      const Ticket next = *queue.next();
      CHECK(queue.take_next().id == next.id);
      check();
      order += std::to_string(next.id) + " ";
    }
    CHECK(queue.next() == nullptr);
    CHECK(queue.oldest() == nullptr);
    return order;
  }
  void check() const {
    const char* const fault = queue.check();
    REQUIRE_MESSAGE(fault == nullptr, fault);
  }
};

}  // namespace

TEST_CASE("wait queue: a ticket holds what it was issued for, and places count up") {
  Line line;
  const Ticket ticket = line.queue.issue(5, true, 9, Time(3s));
  CHECK(ticket.id == 5);
  CHECK(ticket.address == 9);
  CHECK(ticket.repeatable);
  CHECK(ticket.arrived == Time(3s));
  CHECK_FALSE(ticket.in_company);
  CHECK_FALSE(line.queue.contains(5));  // not queued by that
  CHECK(line.queue.issue(6, false, 9, Time(3s)).place == ticket.place + 1);
}

TEST_CASE("wait queue: in turn by address, in order within one") {
  Line line;
  for (const WaiterId id : {1U, 2U, 3U}) line.join(id, 7);
  for (const WaiterId id : {4U, 5U}) line.join(id, 8);
  line.join(6, 0);
  CHECK(line.queue.oldest()->id == 1);
  CHECK(line.serve_all() == "1 4 6 2 5 3 ");
}

TEST_CASE("wait queue: removed by id at the front, in the middle, at the end; unknown ids are none") {
  for (const WaiterId gone : {1U, 2U, 3U}) {
    CAPTURE(gone);
    Line line;
    for (const WaiterId id : {1U, 2U, 3U}) line.join(id);
    CHECK_FALSE(line.queue.remove(4));
    CHECK(line.queue.contains(gone));
    CHECK(line.queue.remove(gone));
    line.check();
    CHECK_FALSE(line.queue.contains(gone));
    CHECK_FALSE(line.queue.remove(gone));
    CHECK(line.queue.size() == 2);
    CHECK(line.queue.oldest()->id == (gone == 1 ? 2 : 1));
    CHECK(line.serve_all() == (gone == 1 ? "2 3 " : gone == 2 ? "1 3 " : "1 2 "));
  }
}

TEST_CASE("wait queue: a retry takes its place by arrival, and its address the next turn") {
  Line line;
  const Ticket first = line.join(1, 7);
  const Ticket second = line.join(2, 7);
  line.queue.remove(1);
  line.queue.remove(2);
  line.join(3, 8);
  line.join(4, 7);
  line.join_again(second);
  line.join_again(first);  // the older one came back later
  CHECK(line.queue.oldest()->id == 1);
  CHECK(line.serve_all() == "1 3 2 4 ");
}

TEST_CASE("wait queue: one too many is the newest of the address with most, unless that is the newcomer's") {
  Line line;
  for (const WaiterId id : {1U, 2U, 3U}) line.join(id, 7);
  line.join(4, 8);
  CHECK(line.queue.one_too_many(4) == 3);
  line.join(5, 7);
  CHECK(line.queue.one_too_many(5) == 5);
  line.join(6, 8);
  line.join(7, 8);
  line.join(8, 8);  // four each
  CHECK(line.queue.one_too_many(8) == 8);
}

TEST_CASE("wait queue: take_all empties it in order of arrival") {
  Line line;
  for (const WaiterId id : {1U, 2U}) line.join(id, 7);
  line.join(3, 8);
  const std::vector<Ticket> all = line.queue.take_all();
  line.check();
  REQUIRE(all.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(all[i].id == i + 1);
  CHECK(line.queue.empty());
  CHECK(line.queue.take_all().empty());
}

TEST_CASE("wait queue: check() sees an order of arrival that is none") {
  WaitQueue queue(1);
  const Ticket late = queue.issue(1, true, 1, Time(20s));
  const Ticket early = queue.issue(2, true, 1, Time(10s));
  queue.add(late, Entry::first_time);
  CHECK(queue.check() == nullptr);
  queue.add(early, Entry::first_time);
  REQUIRE(queue.check() != nullptr);
  CHECK(std::string(queue.check()) == "the queue is in order of arrival");
}

// A list of lists, and who had its turn when.
TEST_CASE("wait queue: random arrivals, retries and departures against a naive list") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&random](std::size_t limit) { return random() % limit; };
    Line line;
    std::vector<Ticket> waiting;
    std::vector<Ticket> served;
    WaiterId last = 0;
    for (int step = 0; step < 300; ++step) {
      switch (below(5)) {
        case 0:
        case 1: waiting.push_back(line.join(++last, below(4))); break;
        case 2:
          if (waiting.empty()) break;
          {
            const auto gone = waiting.begin() + static_cast<std::ptrdiff_t>(below(waiting.size()));
            REQUIRE(line.queue.remove(gone->id));
            waiting.erase(gone);
          }
          break;
        case 3: {
          if (waiting.empty()) break;
          const Ticket next = line.queue.take_next();
          const auto found = std::find_if(waiting.begin(), waiting.end(),
                                          [&next](const Ticket& each) { return each.id == next.id; });
          REQUIRE(found != waiting.end());
          for (const Ticket& each : waiting)
            if (each.address == next.address) REQUIRE(each.place >= next.place);
          served.push_back(*found);
          waiting.erase(found);
          break;
        }
        default:
          if (served.empty()) break;
          line.join_again(served.back());
          waiting.push_back(served.back());
          REQUIRE(line.queue.next()->address == served.back().address);
          served.pop_back();
      }
      line.check();
      REQUIRE(line.queue.size() == waiting.size());
      const auto oldest = std::min_element(
          waiting.begin(), waiting.end(), [](const Ticket& a, const Ticket& b) { return a.place < b.place; });
      REQUIRE(
          (oldest == waiting.end() ? line.queue.oldest() == nullptr : line.queue.oldest()->id == oldest->id));
    }
  }
}

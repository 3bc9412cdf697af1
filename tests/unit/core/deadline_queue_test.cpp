// DeadlineQueue against a naive map, under random operations.
#include "proxy/core/deadline_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

using holdfast::core::DeadlineQueue;
using holdfast::core::Time;
using std::chrono::milliseconds;

namespace {

Time at(int ms) {
  return Time(milliseconds(ms));
}

std::vector<DeadlineQueue::Id> expired(DeadlineQueue& queue, int now) {
  std::vector<DeadlineQueue::Id> out;
  queue.pop_expired(at(now), out);
  return out;
}

}  // namespace

TEST_CASE("a deadline fires once, at its time and not before") {
  DeadlineQueue queue;
  const auto id = queue.add(7, 3);
  CHECK_FALSE(queue.next());
  queue.set(id, at(100));
  CHECK(queue.next() == at(100));
  CHECK(expired(queue, 99).empty());
  CHECK(expired(queue, 100) == std::vector{id});
  CHECK(queue.is_due(id));
  CHECK(queue.owner(id) == DeadlineQueue::Owner{7, 3});
  CHECK(expired(queue, 1000).empty());
  CHECK_FALSE(queue.next());
}

TEST_CASE("a deadline moved later does not fire at its old time, moved earlier fires at its new one") {
  DeadlineQueue queue;
  const auto id = queue.add(1, 0);
  queue.set(id, at(10));
  queue.set(id, at(20));
  CHECK(expired(queue, 15).empty());
  CHECK(queue.next() == at(20));
  queue.set(id, at(5));
  CHECK(queue.next() == at(5));
  CHECK(expired(queue, 5) == std::vector{id});
  CHECK(expired(queue, 100).empty());
}

TEST_CASE("cleared and removed entries stay silent; a removed id is dead although its slot is reused") {
  DeadlineQueue queue;
  const auto first = queue.add(1, 0);
  const auto second = queue.add(2, 0);
  queue.set(first, at(10));
  queue.set(second, at(10));
  queue.clear(first);
  CHECK_FALSE(queue.deadline(first));
  queue.remove(second);
  CHECK_FALSE(queue.next());
  CHECK_FALSE(queue.contains(second));
  const auto third = queue.add(3, 0);
  CHECK(third.slot == second.slot);
  CHECK_FALSE(third == second);
  CHECK_FALSE(queue.contains(second));
  CHECK(expired(queue, 1000).empty());
  CHECK_FALSE(queue.contains(DeadlineQueue::Id{}));
}

TEST_CASE("an entry of the expired list that was removed or armed anew is no longer due") {
  DeadlineQueue queue;
  const auto a = queue.add(1, 0);
  const auto b = queue.add(2, 0);
  const auto c = queue.add(3, 0);
  for (const auto id : {c, b, a}) queue.set(id, at(10));
  CHECK(expired(queue, 10) == std::vector{a, b, c});  // ties by age of the slot
  queue.remove(b);
  queue.set(c, at(50));
  CHECK(queue.is_due(a));
  CHECK_FALSE(queue.is_due(b));
  CHECK_FALSE(queue.is_due(c));
}

TEST_CASE("random operations agree with a naive map, 60 seeds") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
    DeadlineQueue queue;
    struct Known {
      DeadlineQueue::Id id;
      std::optional<Time> deadline;
    };
    std::map<std::uint64_t, Known> model;  // by object
    std::vector<DeadlineQueue::Id> dead;
    std::uint64_t next_object = 0;
    int now = 0;
    for (int step = 0; step < 1500; ++step) {
      const int what = below(10);
      auto picked = model.begin();
      if (!model.empty()) std::advance(picked, below(static_cast<int>(model.size())));
      if (what == 0 || model.empty()) {
        const auto id = queue.add(next_object, static_cast<std::uint8_t>(next_object % 256));
        model[next_object++] = {id, std::nullopt};
      } else if (what == 1) {
        queue.remove(picked->second.id);
        dead.push_back(picked->second.id);
        model.erase(picked);
      } else if (what == 2) {
        queue.clear(picked->second.id);
        picked->second.deadline.reset();
      } else if (what <= 7) {
        const Time when = at(now + below(100) - 5);
        queue.set(picked->second.id, when);
        picked->second.deadline = when;
      } else {
        now += below(30);
        std::vector<DeadlineQueue::Id> out;
        queue.pop_expired(at(now), out);
        Time previous = Time::min();
        for (const auto id : out) {
          REQUIRE(queue.contains(id));
          auto& known = model.at(queue.owner(id).object);
          REQUIRE(known.id == id);
          REQUIRE(queue.owner(id).kind == queue.owner(id).object % 256);
          REQUIRE(known.deadline.has_value());
          REQUIRE(*known.deadline <= at(now));
          REQUIRE(previous <= *known.deadline);
          previous = *known.deadline;
          known.deadline.reset();
        }
        for (const auto& [object, known] : model) REQUIRE((!known.deadline || *known.deadline > at(now)));
      }
      REQUIRE(queue.check());
      REQUIRE(queue.size() == model.size());
      std::optional<Time> earliest;
      for (const auto& [object, known] : model) {
        if (known.deadline && (!earliest || *known.deadline < *earliest)) earliest = known.deadline;
        REQUIRE(queue.deadline(known.id) == known.deadline);
      }
      if (below(2) == 0) REQUIRE(queue.next() == earliest);
    }
    for (const auto id : dead) REQUIRE_FALSE(queue.contains(id));
  }
}

// SlotMap: ids find their object until it is removed, and nothing afterwards.
#include "proxy/core/slot_map.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <vector>

using holdfast::core::SlotMap;

TEST_CASE("slot map: an id is never 0, and dead once removed although its slot is used again") {
  SlotMap<int> map;
  int first = 1;
  int second = 2;
  const auto id = map.insert(first);
  CHECK(id != 0);
  CHECK(map.find(id) == &first);
  CHECK(map.find(0) == nullptr);
  map.remove(id);
  map.remove(id);
  CHECK(map.empty());
  const auto other = map.insert(second);
  CHECK((other & UINT32_MAX) == (id & UINT32_MAX));
  CHECK(other != id);
  CHECK(map.find(id) == nullptr);
  map.remove(id);
  CHECK(map.find(other) == &second);
  CHECK(map.find(UINT64_MAX) == nullptr);
}

TEST_CASE("slot map: random insertions and removals against a map") {
  std::mt19937 random(1);
  SlotMap<int> map;
  std::vector<int> objects(50);
  std::map<SlotMap<int>::Id, int*> alive;
  std::vector<SlotMap<int>::Id> dead;
  for (int step = 0; step < 5000; ++step) {
    if (alive.size() < objects.size() && random() % 2 == 0) {
      int& object = objects[random() % objects.size()];
      const auto id = map.insert(object);
      REQUIRE_FALSE(alive.contains(id));
      alive[id] = &object;
    } else if (!alive.empty()) {
      auto gone = alive.begin();
      std::advance(gone, random() % alive.size());
      map.remove(gone->first);
      dead.push_back(gone->first);
      alive.erase(gone);
    }
    REQUIRE(map.size() == alive.size());
    for (const auto& [id, object] : alive) REQUIRE(map.find(id) == object);
    if (!dead.empty()) REQUIRE(map.find(dead[random() % dead.size()]) == nullptr);
  }
}

// NodeTable: nodes are found by their key, stay where they are, and are as new when used again.
#include "proxy/core/node_table.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

using holdfast::core::NodeTable;

namespace {
struct Payload {
  int value = -1;
};
using Table = NodeTable<Payload>;
}  // namespace

TEST_CASE("node table: a node that is used again is as new, and no other node is made") {
  Table table(1);
  std::set<Table::Node*> seen;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    Table::Node& node = table.add(key);
    CHECK(node.value == -1);
    node.value = 7;
    seen.insert(&node);
    CHECK(table.find(key) == &node);
    CHECK(table.find(key + 1) == nullptr);
    table.remove(node);
    CHECK(table.find(key) == nullptr);
    CHECK(table.empty());
  }
  CHECK(seen.size() == 1);
}

TEST_CASE("node table: random additions and removals against a map, through many sizes") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Table table(seed);
    std::map<std::uint64_t, Table::Node*> expected;
    for (int step = 0; step < 3000; ++step) {
      const std::uint64_t key = random() % 700 << (seed % 2 == 0 ? 32U : 0U);
      const auto known = expected.find(key);
      REQUIRE((table.find(key) == nullptr) == (known == expected.end()));
      if (known == expected.end()) {
        Table::Node& node = table.add(key);
        node.value = step;
        expected[key] = &node;
      } else if (random() % 3 == 0) {
        table.remove(*known->second);
        expected.erase(known);
      }
      REQUIRE(table.size() == expected.size());
      if (step % 100 != 0) continue;
      for (const auto& [each, node] : expected) REQUIRE(table.find(each) == node);
    }
  }
}

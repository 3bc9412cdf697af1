// Objects in a ring, and objects kept for the next request.
#include "proxy/core/ring.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "proxy/core/recycler.h"

using namespace holdfast::core;

namespace {
struct Thing {
  explicit Thing(int its_number) : number(its_number), link(*this) {}
  int number;
  Ring<Thing>::Link link;
};

std::vector<int> drain(Ring<Thing>& ring) {
  std::vector<int> numbers;
  while (Thing* const thing = ring.take_front()) numbers.push_back(thing->number);
  return numbers;
}
}  // namespace

TEST_CASE("a ring gives its objects in the order they came") {
  Ring<Thing> ring;
  CHECK(ring.empty());
  CHECK(ring.front() == nullptr);
  CHECK(ring.take_front() == nullptr);
  Thing one(1), two(2), three(3);
  ring.add(one.link);
  ring.add(two.link);
  ring.add(three.link);
  CHECK(ring.front() == &one);
  ring.add(one.link);  // from where it is, to the end
  CHECK(drain(ring) == std::vector<int>{2, 3, 1});
  CHECK(ring.empty());
  CHECK_FALSE(one.link.linked());
}

TEST_CASE("an object that is destroyed has left its ring") {
  Ring<Thing> ring;
  Thing one(1), three(3);
  auto two = std::make_unique<Thing>(2);
  ring.add(one.link);
  ring.add(two->link);
  ring.add(three.link);
  two.reset();
  one.link.unlink();
  one.link.unlink();
  CHECK(drain(ring) == std::vector<int>{3});
}

TEST_CASE("a ring takes over another's objects, behind its own") {
  Ring<Thing> ring, other;
  Thing one(1), two(2), three(3);
  ring.add(one.link);
  other.add(two.link);
  other.add(three.link);
  ring.take_all(other);
  CHECK(other.empty());
  CHECK(drain(ring) == std::vector<int>{1, 2, 3});
}

TEST_CASE("what is given back is taken again, and is freed by trim() only") {
  Recycler<int> recycler(1);
  CHECK(recycler.take() == nullptr);
  auto first = std::make_unique<int>(1);
  const int* const address = first.get();
  recycler.give_back(std::make_unique<int>(2));
  recycler.give_back(std::move(first));
  CHECK(recycler.take().get() == address);
  recycler.give_back(std::make_unique<int>(3));
  recycler.trim();
  CHECK(*recycler.take() == 2);
  CHECK(recycler.take() == nullptr);
}

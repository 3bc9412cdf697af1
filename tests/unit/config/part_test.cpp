// A part is a value, as if its holder had it as a member.
#include "config/part.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "config/client.h"
#include "config/config.h"

using namespace holdfast::config;

TEST_CASE("a part begins as its type does, and its copy is another one") {
  Part<std::string> one;
  CHECK(one->empty());
  *one = "one";
  Part<std::string> other = one;
  CHECK(other == one);
  CHECK(&*other != &*one);
  *other = "other";
  CHECK(*one == "one");
  CHECK(other != one);
  one = other;
  *other = "changed";
  CHECK(*one == "other");
  const Part<std::string>& same = one;
  one = same;
  CHECK(*one == "other");
}

TEST_CASE("a part that was moved from takes what is assigned to it") {
  Part<std::string> from;
  *from = "text";
  const std::string* const held = &*from;
  Part<std::string> to = std::move(from);
  CHECK(&*to == held);
  from = to;
  CHECK(*from == "text");
  CHECK(from == to);
}

TEST_CASE("a part of a const holder is const") {
  const Part<std::string> part;
  static_assert(std::is_same_v<decltype(*part), const std::string&>);
  static_assert(std::is_same_v<decltype(part.operator->()), const std::string*>);
  CHECK(part->empty());
}

TEST_CASE("a configuration differs from its copy as soon as a part of that changes") {
  const Config config;
  Config copy = config;
  CHECK(copy == config);
  copy.client->max_connections += 1;
  CHECK_FALSE(copy == config);
  CHECK(config.client->max_connections == Client().max_connections);
  copy = config;
  CHECK(copy == config);
}

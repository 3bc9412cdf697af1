// The states of a connection: each legal move is made, each other one is caught; and the set's books.
#include "proxy/core/connection_set.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

using namespace holdfast::core;
using namespace std::chrono_literals;

namespace {

constexpr Time kOpened{1000s};

std::vector<ConnectionState> all_states() {
  std::vector<ConnectionState> states;
  for (std::size_t i = 0; i < kConnectionStates; ++i) states.push_back(static_cast<ConnectionState>(i));
  return states;
}

// From `gone` by legal moves only, the shortest way.
std::vector<ConnectionState> way_to(ConnectionState wanted) {
  std::vector<std::vector<ConnectionState>> ways = {{ConnectionState::gone}};
  for (std::size_t next = 0; next < ways.size() && next < 10'000; ++next) {
    if (ways[next].back() == wanted && next > 0) return ways[next];
    const std::vector<ConnectionState> way = ways[next];
    for (const Transition& each : kTransitions) {
      if (each.from != way.back() || std::find(way.begin(), way.end(), each.to) != way.end()) continue;
      ways.push_back(way);
      ways.back().push_back(each.to);
    }
  }
  return {};
}

// As whoever moves it there would leave it.
void obey_rule(Connection& connection) {
  const StateRule& rule = rule_of(connection.state);
  connection.deadline.reset();
  if (rule.deadline == StateRule::Deadline::always) connection.deadline = kOpened + 1s;
}

std::string fault_of(const ConnectionSet& set) {
  const char* const fault = set.check();
  return fault == nullptr ? "" : fault;
}

struct Walked {
  ConnectionSet set{4};
  Connection* connection = nullptr;

  explicit Walked(ConnectionState to) {
    connection = &set.open(1, kOpened);
    obey_rule(*connection);
    const std::vector<ConnectionState> way = way_to(to);
    REQUIRE(way.size() >= 2);
    for (std::size_t i = 2; i < way.size(); ++i) move(way[i]);
    REQUIRE(connection->state == to);
  }
  void move(ConnectionState to) {
    set.move(*connection, to, kOpened);
    obey_rule(*connection);
    REQUIRE(fault_of(set) == "");
  }
};

}  // namespace

TEST_CASE("connection states: the rules are in order, the table has each move once, and a reason for it") {
  for (std::size_t i = 0; i < kStateRules.size(); ++i)
    CHECK(static_cast<std::size_t>(kStateRules.at(i).state) == i);
  for (std::size_t i = 0; i < kTransitions.size(); ++i) {
    CHECK_FALSE(kTransitions.at(i).why.empty());
    for (std::size_t j = 0; j < i; ++j)
      CHECK((kTransitions.at(i).from != kTransitions.at(j).from ||
             kTransitions.at(i).to != kTransitions.at(j).to));
    if (i > 0 && kTransitions.at(i).from != ConnectionState::connecting)
      CHECK(kTransitions.at(i).from >= kTransitions.at(i - 1).from);
  }
  CHECK(kTransitions.size() == 45);
}

TEST_CASE("connection states: each is reached, and from each there is a way to the end") {
  for (const ConnectionState state : all_states()) {
    CAPTURE(connection_state_name(state));
    if (state == ConnectionState::gone) continue;
    CHECK_FALSE(way_to(state).empty());
    std::vector<ConnectionState> reached = {state};
    for (std::size_t i = 0; i < reached.size(); ++i) {
      for (const Transition& each : kTransitions) {
        if (each.from == reached[i] && std::find(reached.begin(), reached.end(), each.to) == reached.end())
          reached.push_back(each.to);
      }
    }
    CHECK(std::find(reached.begin(), reached.end(), ConnectionState::gone) != reached.end());
  }
}

TEST_CASE("connection set: each legal move is made and keeps the books") {
  for (const Transition& each : kTransitions) {
    CAPTURE(connection_state_name(each.from));
    CAPTURE(connection_state_name(each.to));
    if (each.from == ConnectionState::gone) continue;  // open()
    Walked walked(each.from);
    if (each.to == ConnectionState::gone) {
      walked.set.forget(*walked.connection);
      CHECK(walked.set.empty());
      CHECK(walked.set.counts().total() == 0);
    } else {
      if (each.from == ConnectionState::leased && each.to == ConnectionState::leased)
        walked.set.free_slot(*walked.connection);  // handed over
      if (each.from == ConnectionState::draining && each.to == ConnectionState::leased)
        walked.set.free_slot(*walked.connection);
      walked.move(each.to);
      CHECK(walked.connection->since == kOpened);
    }
    CHECK(fault_of(walked.set) == "");
  }
}

TEST_CASE("connection set: each other move is caught by check(), from then on") {
  int illegal = 0;
  for (const ConnectionState from : all_states()) {
    if (from == ConnectionState::gone) continue;
    for (const ConnectionState to : all_states()) {
      if (may_move(from, to)) continue;
      CAPTURE(connection_state_name(from));
      CAPTURE(connection_state_name(to));
      Walked walked(from);
      if (to == ConnectionState::gone) {
        walked.set.forget(*walked.connection);
      } else {
        walked.set.free_slot(*walked.connection);
        walked.set.move(*walked.connection, to, kOpened);
        obey_rule(*walked.connection);
      }
      CHECK(fault_of(walked.set) == "a connection moved between states as none may");
      ++illegal;
    }
  }
  // 13 states to 14, and all but one of the table's moves start in one of them.
  CHECK(illegal == 13 * 14 - 44);
}

TEST_CASE("connection set: what a state promises is checked") {
  for (const ConnectionState state : all_states()) {
    if (state == ConnectionState::gone) continue;
    CAPTURE(connection_state_name(state));
    const StateRule& rule = rule_of(state);
    {
      Walked walked(state);
      walked.connection->deadline =
          rule.deadline == StateRule::Deadline::always ? std::nullopt : std::optional<Time>(kOpened);
      CHECK(fault_of(walked.set).empty() == (rule.deadline == StateRule::Deadline::perhaps));
    }
    {
      Walked walked(state);
      walked.connection->slots_taken = rule.carries ? 0 : 1;
      CHECK(fault_of(walked.set) == "slots are taken where requests run, and no more than there are");
      walked.connection->slots_taken = 2;  // of one
      CHECK(fault_of(walked.set) == "slots are taken where requests run, and no more than there are");
    }
    {
      Walked walked(state);
      walked.connection->proven = true;
      const bool before_its_answer =
          rule.phase == ConnectionPhase::connecting || rule.carries || state == ConnectionState::settling;
      CHECK(fault_of(walked.set).empty() == !before_its_answer);
    }
  }
}

TEST_CASE("connection set: slots are taken by a lease, up to as many as there are") {
  ConnectionSet set(1, 2);
  Connection& connection = set.open(1, kOpened);
  set.move(connection, ConnectionState::idle, kOpened);
  for (const std::uint32_t taken : {1U, 2U}) {
    set.move(connection, ConnectionState::leased, kOpened);
    CHECK(connection.slots_taken == taken);
    CHECK(fault_of(set) == "");
  }
  set.move(connection, ConnectionState::leased, kOpened);
  CHECK(fault_of(set) != "");  // three of two
  set.free_slot(connection);
  CHECK(fault_of(set) == "");
  set.move(connection, ConnectionState::idle, kOpened);
  CHECK(connection.slots_taken == 0);
  set.free_slot(connection);
  CHECK(connection.slots_taken == 0);
}

TEST_CASE("connection set: the stack of idle ones is in order of last use, whoever leaves it") {
  ConnectionSet set(4);
  for (const ConnectionId id : {1U, 2U, 3U, 4U}) {
    Connection& connection = set.open(id, kOpened);
    connection.idle_until = kOpened + std::chrono::seconds(id == 1 ? 9 : static_cast<int>(id));
    set.move(connection, ConnectionState::idle, kOpened);
    CHECK(fault_of(set) == "");
  }
  const auto order = [&set] {
    std::string ids;
    for (const Connection* each : set.idle()) ids += std::to_string(each->id);
    return ids;
  };
  CHECK(order() == "2341");
  set.move(*set.find(3), ConnectionState::leased, kOpened);
  CHECK(order() == "241");
  set.move(*set.find(1), ConnectionState::leased, kOpened);
  CHECK(order() == "24");
  set.find(2)->idle_until = kOpened + 10s;  // behind its back
  CHECK(fault_of(set) == "the stack is in order of last use");
}

TEST_CASE("connection set: a lowered ceiling goes down as connections go") {
  ConnectionSet set(3);
  for (const ConnectionId id : {1U, 2U, 3U}) {
    Connection& connection = set.open(id, kOpened);
    connection.deadline = kOpened;
  }
  CHECK_FALSE(set.room());
  set.set_most(1);
  CHECK(set.ceiling() == 3);
  CHECK(fault_of(set) == "");
  for (const ConnectionId id : {1U, 2U, 3U}) {
    set.find(id)->deadline.reset();
    set.move(*set.find(id), ConnectionState::closing, kOpened);
  }
  set.forget(*set.find(1));
  CHECK(set.ceiling() == 2);
  set.set_most(5);
  CHECK(set.ceiling() == 5);
  CHECK(set.room());
  CHECK(set.find(1) == nullptr);
  CHECK(fault_of(set) == "");
}

TEST_CASE("connection set: more than may be are caught") {
  ConnectionSet set(1);
  for (const ConnectionId id : {1U, 2U}) set.open(id, kOpened).deadline = kOpened;
  CHECK(fault_of(set) == "the cap holds");
}

TEST_CASE("connection set: the youngest of those that wait for their proof") {
  ConnectionSet set(4);
  for (const ConnectionId id : {1U, 2U, 3U, 4U}) set.open(id, kOpened);
  CHECK(set.youngest_unproven() == nullptr);
  set.move(*set.find(1), ConnectionState::proving, kOpened);
  CHECK(set.youngest_unproven()->id == 1);
  set.move(*set.find(3), ConnectionState::proving, kOpened);
  set.move(*set.find(3), ConnectionState::proving_again, kOpened);
  CHECK(set.youngest_unproven()->id == 3);
}

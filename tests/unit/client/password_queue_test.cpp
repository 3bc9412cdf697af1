// Who waits for the check of a password: whose turn it is, who has to go.
#include "proxy/client/password_queue.h"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace holdfast;

namespace {

// Runs a check when it is told to.
class Background final : public net::Background {
 public:
  bool run(std::unique_ptr<Task> task) override {
    if (closed) return false;
    tasks.push_back(std::move(task));
    return true;
  }
  void end_one() {
    const std::unique_ptr<Task> task = std::move(tasks.front());
    tasks.pop_front();
    task->work();
    task->done();
  }
  std::deque<std::unique_ptr<Task>> tasks;
  bool closed = false;
};

struct Asker final : PasswordReader {
  Asker(std::string its_name, std::vector<std::string>& all_said)
      : name(std::move(its_name)), said(all_said) {}
  void on_password(const PasswordVerdict& verdict) override {
    said.push_back(name + (verdict.result == PasswordResult::unreadable ? " told" : " ?"));
  }
  void on_pushed_out() override { said.push_back(name + " out"); }
  Presence presence() const override { return present; }
  std::string name;
  std::vector<std::string>& said;
  Presence present = Presence::there;
};

struct House {
  core::WaiterId ask(core::AddressKey address, const std::string& name) {
    askers.push_back(std::make_unique<Asker>(name, said));
    return queue.ask(address, {{"/none/users"}, {"ann", "x"}}, *askers.back());
  }
  std::vector<std::string> take() { return std::exchange(said, {}); }
  Background background;
  std::vector<std::string> said;
  std::vector<std::unique_ptr<Asker>> askers;
  PasswordQueue queue{&background, 1};
};

using Presence = PasswordReader::Presence;
using Said = std::vector<std::string>;
constexpr std::size_t kAll = PasswordQueue::kPlaces + net::Background::kRunningMost;

}  // namespace

TEST_CASE("addresses take turns") {
  House house;
  for (const char* name : {"a1", "a2", "a3", "a4", "a5"}) CHECK(house.ask(1, name) != 0);
  CHECK(house.background.tasks.size() == net::Background::kRunningMost);
  CHECK(house.ask(2, "b1") != 0);
  for (int i = 0; i < 6; ++i) house.background.end_one();
  CHECK(house.take() == Said{"a1 told", "a2 told", "a3 told", "b1 told", "a4 told", "a5 told"});
  CHECK(house.background.tasks.empty());
}

TEST_CASE("one address may have all places, and loses them to others") {
  House house;
  for (std::size_t i = 0; i < kAll; ++i) CHECK(house.ask(1, "a" + std::to_string(i)) != 0);
  CHECK(house.ask(1, "a") == 0);
  CHECK(house.take().empty());
  CHECK(house.ask(2, "b1") != 0);
  CHECK(house.take() == Said{"a" + std::to_string(kAll - 1) + " out"});
  CHECK(house.ask(2, "b2") != 0);
  CHECK(house.take() == Said{"a" + std::to_string(kAll - 2) + " out"});
  CHECK(house.ask(1, "a") == 0);
  for (int i = 0; i < 4; ++i) house.background.end_one();
  CHECK(house.take() == Said{"a0 told", "a1 told", "a2 told", "b1 told"});
}

TEST_CASE("many addresses: who comes to a full queue of equals is refused") {
  House house;
  for (std::size_t i = 0; i < kAll; ++i) CHECK(house.ask(i + 1, "a") != 0);
  CHECK(house.ask(1000, "b") == 0);
  CHECK(house.take().empty());
}

TEST_CASE("who leaves is told nothing, waiting or under check, and its place is free") {
  House house;
  const core::WaiterId checked = house.ask(1, "checked");
  house.ask(1, "other");
  const core::WaiterId waiting = house.ask(1, "waiting");
  CHECK_FALSE(house.queue.waits(checked));
  CHECK(house.queue.waits(waiting));
  house.queue.leave(checked);
  house.queue.leave(waiting);
  house.queue.leave(waiting);
  while (!house.background.tasks.empty()) house.background.end_one();
  CHECK(house.take() == Said{"other told"});
}

TEST_CASE("who is gone has no check, and no place in a full queue") {
  House house;
  for (std::size_t i = 0; i < kAll; ++i) house.ask(1, "a" + std::to_string(i));
  for (const std::size_t i : {2U, 9U, 0U}) house.askers[i]->present = Presence::gone;  // 0 is under check
  house.background.end_one();
  CHECK(house.take() == Said{"a2 out", "a0 told"});
  for (const char* name : {"b1", "b2"}) house.ask(1, name);  // in place of a2 and a3
  CHECK(house.take().empty());
  CHECK(house.ask(1, "b3") != 0);
  CHECK(house.take() == Said{"a9 out"});
}

TEST_CASE("who may be gone loses its place to another of its address") {
  House house;
  for (std::size_t i = 0; i + 1 < kAll; ++i) house.ask(1, "a" + std::to_string(i));
  house.ask(2, "b0");
  house.askers[1]->present = Presence::shut;  // under check
  for (const std::size_t i : {std::size_t{4}, std::size_t{7}, kAll - 1})
    house.askers[i]->present = Presence::shut;
  CHECK(house.ask(1, "a") != 0);
  CHECK(house.ask(2, "b1") != 0);
  CHECK(house.take() == Said{"a7 out", "a4 out"});
  CHECK(house.ask(1, "a") == 0);
}

TEST_CASE("without threads nobody is checked") {
  House house;
  house.background.closed = true;
  CHECK(house.ask(1, "a") != 0);
  CHECK(house.take() == Said{"a out"});
  std::vector<std::string> said;
  Asker asker("b", said);
  PasswordQueue none(nullptr, 1);
  CHECK(none.ask(1, {}, asker) == 0);
}

TEST_CASE("a check that outlives the queue tells nobody") {
  Background background;
  std::vector<std::string> said;
  Asker asker("a", said);
  {
    PasswordQueue queue(&background, 1);
    CHECK(queue.ask(1, {{"/none/users"}, {"ann", "x"}}, asker) != 0);
  }
  background.end_one();
  CHECK(said.empty());
}

// BodyStore: memory, spill file, both ways to read, failures.
#include "proxy/core/body_store.h"

#include <doctest/doctest.h>

#include <random>
#include <utility>

#include "pattern.h"

using namespace holdfast::core;

namespace {

struct FakeStore : SpillStore {
  bool create_fails = false;
  bool append_fails = false;
  bool read_fails = false;
  bool read_gives_nothing = false;
  std::size_t read_max = SIZE_MAX;
  int created = 0;
  int appends = 0;
  int living = 0;
  std::uint64_t discarded = 0;

  struct File : SpillFile {
    explicit File(FakeStore& owner) : store(owner) { ++store.living; }
    ~File() override { --store.living; }
    bool append(std::string_view more) override {
      if (store.append_fails) return false;
      ++store.appends;
      bytes.append(more);
      return true;
    }
    bool read(std::uint64_t offset, std::size_t bytes_max, std::string& out) override {
      if (store.read_fails) return false;
      if (store.read_gives_nothing) return true;
      REQUIRE(offset >= store.discarded);
      REQUIRE(offset + bytes_max <= bytes.size());
      out.append(bytes, static_cast<std::size_t>(offset), std::min(bytes_max, store.read_max));
      return true;
    }
    void discard_before(std::uint64_t offset) override {
      REQUIRE(offset >= store.discarded);
      store.discarded = offset;
    }
    FakeStore& store;
    std::string bytes;
  };

  std::uint64_t bytes_in_use() const override { return 0; }
  std::unique_ptr<SpillFile> create(std::string& error) override {
    if (create_fails) {
      error = "no space";
      return nullptr;
    }
    ++created;
    discarded = 0;
    return std::make_unique<File>(*this);
  }
};

std::string read_all(const BodyStore& store, std::size_t step) {
  std::string out;
  while (out.size() < store.size()) {
    const std::size_t before = out.size();
    REQUIRE(store.read(before, step, out));
    REQUIRE(out.size() > before);
    REQUIRE(out.size() - before <= step);
  }
  return out;
}

}  // namespace

TEST_CASE("memory_max bytes stay in memory, one more spills") {
  FakeStore spill;
  const std::string text = pattern(11);
  for (const std::size_t bytes : {9U, 10U, 11U}) {
    BodyStore store(&spill, 10);
    CHECK(store.append(std::string_view(text).substr(0, bytes)) == Append::ok);
    CHECK(store.spilled() == (bytes > 10));
    CHECK(store.front().size() == std::min<std::size_t>(bytes, 10));
    CHECK(store.size() == bytes);
    CHECK(read_all(store, 100) == text.substr(0, bytes));
  }
  CHECK(spill.living == 0);
}

TEST_CASE("a body appended in any cut can be read twice, in any step") {
  const std::string text = pattern(30);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    FakeStore spill;
    BodyStore store(&spill, 12);
    CHECK(store.append(std::string_view(text).substr(0, cut)) == Append::ok);
    CHECK(store.append(std::string_view(text).substr(cut)) == Append::ok);
    for (std::size_t step = 1; step <= 31; ++step) CHECK(read_all(store, step) == text);
    CHECK(store.front() == text.substr(0, 12));
    std::string out = "x";
    CHECK(store.read(30, 5, out));
    CHECK(store.read(3, 0, out));
    CHECK(out == "x");
  }
}

TEST_CASE("a store that cannot spill keeps what it had and stores nothing of the rest") {
  FakeStore spill;
  BodyStore store(&spill, 4);
  CHECK(store.append("ab") == Append::ok);
  SUBCASE("no file") {
    spill.create_fails = true;
    CHECK(store.append("cdef") == Append::spill_failed);
    CHECK(store.error() == "no space");
    spill.create_fails = false;
    CHECK(store.size() == 2);
    CHECK(store.append("cdef") == Append::ok);
    CHECK(read_all(store, 9) == "abcdef");
  }
  const std::string large = pattern(50'000);  // is not joined with others
  SUBCASE("the first write fails") {
    spill.append_fails = true;
    CHECK(store.append(large) == Append::spill_failed);
    CHECK_FALSE(store.spilled());
    CHECK_FALSE(store.error().empty());
    CHECK(read_all(store, 9) == "ab");
  }
  SUBCASE("the first write fails when small pieces have been joined: they are still there") {
    spill.append_fails = true;
    CHECK(store.append("cdef") == Append::ok);
    CHECK(store.append(large) == Append::spill_failed);
    CHECK(read_all(store, 9) == "abcdef");
    spill.append_fails = false;
    CHECK(store.append(large) == Append::ok);
    CHECK(read_all(store, 4096) == "abcdef" + large);
  }
  SUBCASE("a later write fails: nothing may follow in that file, until it was emptied") {
    CHECK(store.append(large) == Append::ok);
    spill.append_fails = true;
    CHECK(store.append(large) == Append::spill_failed);
    spill.append_fails = false;
    CHECK(store.append("g") == Append::spill_failed);
    std::string out;
    CHECK(store.take(100'000, out));
    CHECK(out == "ab" + large);
    CHECK(store.append("ghijklm") == Append::ok);
    CHECK(read_all(store, 9) == "ghijklm");
  }
  SUBCASE("no spill store at all") {
    BodyStore memory_only(nullptr, 4);
    CHECK(memory_only.append("abcd") == Append::ok);
    CHECK(memory_only.append("e") == Append::spill_failed);
    CHECK(read_all(memory_only, 9) == "abcd");
  }
}

TEST_CASE("a file that fails to read is reported") {
  FakeStore spill;
  BodyStore store(&spill, 2);
  CHECK(store.append("ab" + pattern(50'000)) == Append::ok);
  std::string out;
  SUBCASE("error") {
    spill.read_fails = true;
  }
  SUBCASE("no bytes") {
    spill.read_gives_nothing = true;
  }
  CHECK_FALSE(store.take(10, out));
  CHECK(out == "ab");  // what memory held was delivered and is gone
  CHECK(store.size() == 50'000);
}

TEST_CASE("a short read of the file loses nothing") {
  FakeStore spill;
  spill.read_max = 10'000;
  BodyStore store(&spill, 2);
  const std::string text = pattern(40'002);
  CHECK(store.append(text) == Append::ok);
  CHECK(store.append("end") == Append::ok);  // in the tail
  std::string out;
  for (int turn = 0; turn < 4; ++turn) CHECK(store.take(100'000, out));
  CHECK(out == text + "end");
  CHECK(store.empty());
}

TEST_CASE("a whole body in memory is taken without a copy") {
  BodyStore store(nullptr, 1000);
  CHECK(store.append(pattern(500)) == Append::ok);
  const char* const bytes = store.front().data();
  std::string out;
  CHECK(store.take(500, out));
  CHECK(out.data() == bytes);
  CHECK(store.empty());
}

TEST_CASE("first in, first out: random appends, takes and drops keep order and bounds, 40 seeds") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    FakeStore spill;
    const std::size_t memory_max = random() % 50;
    BodyStore store(&spill, memory_max);
    const std::string source = pattern(20'000);
    std::size_t in = 0;
    std::size_t out = 0;
    bool was_spilled = false;
    while (out < source.size()) {
      if (random() % 2 == 0) {
        const std::string_view piece = std::string_view(source).substr(in, random() % 40);
        REQUIRE(store.append(piece) == Append::ok);
        in += piece.size();
      } else if (random() % 3 == 0) {
        const std::size_t bytes = std::min<std::size_t>(random() % 40, in - out);
        store.drop(bytes);
        out += bytes;
      } else {
        std::string taken;
        REQUIRE(store.take(random() % 60, taken));
        REQUIRE(taken == source.substr(out, taken.size()));
        out += taken.size();
      }
      REQUIRE(store.size() == in - out);
      REQUIRE(store.front().size() <= memory_max);
      was_spilled |= store.spilled();
      if (store.empty()) {
        REQUIRE_FALSE(store.spilled());
        REQUIRE(spill.living == 0);
      }
    }
    CHECK(was_spilled);
  }
}

TEST_CASE("pieces of one byte are joined before they are written") {
  FakeStore spill;
  BodyStore store(&spill, 10);
  const std::string text = pattern(200'000);
  for (const char& c : text) REQUIRE(store.append({&c, 1}) == Append::ok);
  CHECK(spill.appends <= 8);
  CHECK(store.memory_bytes() <= 10 + 32 * 1024);
  CHECK(read_all(store, 4096) == text);
}

TEST_CASE("where bodies have no room in the budget the tail goes to the file at once") {
  FakeStore spill;
  MemoryBudget budget;
  BodyStore store(&spill, 0, &budget);
  CHECK(store.append("abc") == Append::ok);
  store.relieve();
  CHECK(store.memory_bytes() == 3);
  budget.set_max(0);
  store.relieve();
  CHECK(store.memory_bytes() == 0);
  CHECK(budget.used() == 0);
  CHECK(store.size() == 3);
  CHECK(store.append("de") == Append::ok);
  std::string out;
  CHECK(store.read(0, 10, out));
  CHECK(out == "abcde");
  spill.append_fails = true;
  store.relieve();
  CHECK(store.memory_bytes() == 2);
  out.clear();
  CHECK(store.read(0, 10, out));
  CHECK(out == "abcde");
  CHECK(store.append("f") == Append::spill_failed);
}

TEST_CASE("memory is counted in the budget, and bodies leave a quarter of it to others") {
  FakeStore spill;
  MemoryBudget budget;
  budget.set_max(1000);
  {
    BodyStore store(&spill, 700, &budget);
    BodyStore other(&spill, 700, &budget);
    CHECK(store.append(pattern(600)) == Append::ok);
    CHECK(budget.used() == 600);
    CHECK(other.append(pattern(151)) == Append::ok);  // one byte more than there is room for
    CHECK(other.spilled());
    CHECK(other.front().size() == 150);
    CHECK(read_all(other, 100) == pattern(151));
    std::string out;
    CHECK(store.take(600, out));
    CHECK(budget.used() == 151);
    CHECK(store.append("abc") == Append::ok);
    BodyStore moved(std::move(store));
    CHECK(budget.used() == 154);
    CHECK(read_all(moved, 3) == "abc");
    CHECK_FALSE(budget.full());
    budget.set_max(100);
    CHECK(budget.full());
    CHECK(budget.room_for_bodies() == 0);
  }
  CHECK(budget.used() == 0);
}

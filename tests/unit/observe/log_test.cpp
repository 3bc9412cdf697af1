// Lines on their way to a log whose reader takes what it likes: none waits, none is torn, those that are lost
// are counted and told of once.
#include "proxy/observe/log.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "proxy/core/log_text.h"
#include "proxy/observe/log_writer.h"

using namespace holdfast;

namespace {

// Takes `room` bytes more, then nothing.
struct Reader final : LogOutput {
  std::size_t room = 0;
  std::string text;
  std::size_t write(std::string_view lines) override {
    const std::size_t bytes = std::min(room, lines.size());
    text.append(lines.substr(0, bytes));
    room -= bytes;
    return bytes;
  }
};
constexpr std::size_t kAll = std::size_t{1} << 30;

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

struct World {
  Reader* reader = nullptr;
  std::unique_ptr<Log> log;
  World() {
    auto output = std::make_unique<Reader>();
    reader = output.get();
    log = std::make_unique<Log>(config::LogLevel::info, std::move(output));
  }
};

}  // namespace

TEST_CASE("a line is written at once") {
  World world;
  world.reader->room = kAll;
  world.log->warn("what is wrong");
  CHECK(world.reader->text.ends_with("Z warn what is wrong\n"));
  CHECK_FALSE(world.log->pending());
  world.log->debug("not wanted");
  CHECK(count(world.reader->text, "\n") == 1);
}

TEST_CASE("lines nobody reads are kept up to a limit, then dropped; how many is told once, in their place") {
  World world;
  world.reader->room = 10;  // stops within a line
  constexpr std::uint64_t kLines = 20000;
  for (std::uint64_t i = 0; i < kLines; ++i) world.log->info("line " + std::to_string(i) + " of many");
  world.log->flush();
  CHECK(world.reader->text.size() == 10);
  CHECK(world.log->pending());
  const std::uint64_t dropped = world.log->dropped();
  CHECK(dropped > 0);
  CHECK(dropped < kLines);
  SUBCASE("it reads on") {
    world.reader->room = kAll;
    world.log->flush();
    world.log->info("afterwards");
    const std::string& text = world.reader->text;
    CHECK(count(text, " of many\n") == kLines - dropped);
    CHECK(text.find("warn error log: " + std::to_string(dropped) + " lines were dropped while nobody read") !=
          std::string::npos);
    CHECK(count(text, "were dropped") == 1);
    CHECK(text.find("were dropped") < text.find("afterwards"));
    CHECK(count(text, "\n") == kLines - dropped + 2);
    CHECK(world.log->dropped() == dropped);
  }
  SUBCASE("it reads a little: one gap, not many") {
    for (int i = 0; i < 10; ++i) {
      world.reader->room = 4096;
      world.log->flush();
      world.log->info("line between of many");
    }
    CHECK(count(world.reader->text, "were dropped") == 0);
    CHECK(world.log->dropped() == dropped + 10);
    world.reader->room = kAll;
    world.log->flush();
    CHECK(count(world.reader->text, "line between") == 0);
    CHECK(count(world.reader->text, std::to_string(dropped + 10) + " lines were dropped") == 1);
  }
}

TEST_CASE("a line that was begun is ended in its place, or written whole in another") {
  LogWriter writer(1000);
  const auto first = std::make_shared<Reader>();
  const auto second = std::make_shared<Reader>();
  writer.use(first);
  second->room = kAll;
  for (const char* line : {"one\n", "two\n", "three\n"}) {
    REQUIRE(writer.admit());
    writer.lines() += line;
  }
  first->room = 5;
  CHECK(writer.flush() == 5);
  CHECK(writer.flush() == 0);
  CHECK(first->text == "one\nt");
  SUBCASE("its place") {
    first->room = 2;
    CHECK(writer.flush() == 2);
    CHECK(first->text == "one\ntwo");
    first->room = kAll;
    writer.flush();
    CHECK(first->text == "one\ntwo\nthree\n");
  }
  SUBCASE("another") {
    writer.start_line_over();
    writer.use(second);
    writer.flush();
    CHECK(second->text == "two\nthree\n");
  }
  SUBCASE("forgotten") {
    writer.drop_all();
    CHECK(writer.dropped() == 2);
    REQUIRE(writer.admit());
    writer.lines() += "four\n";
    writer.use(second);
    writer.flush();
    CHECK(second->text == "four\n");
  }
  CHECK_FALSE(writer.pending());
}

TEST_CASE("a line has a length limit, and says what is missing") {
  World world;
  world.reader->room = kAll;
  world.log->error(std::string(100000, 'x'));
  const std::string& text = world.reader->text;
  CHECK(text.size() <= core::kLogLineMost);
  CHECK(text.size() > core::kLogLineMost - 40);
  const std::size_t kept = count(text, "x");
  CHECK(text.ends_with("x... " + std::to_string(100000 - kept) + " more bytes\n"));
  world.reader->text.clear();
  world.log->error(std::string(8000, 'x'));
  CHECK(count(text, "x") == 8000);
  CHECK(count(text, "more bytes") == 0);
}

TEST_CASE("what an application says at length takes several lines, and loses only what is too long in one") {
  World world;
  world.reader->room = kAll;
  std::string said;
  for (int i = 0; i < 40; ++i) said += "noise-" + std::to_string(i) + "-" + std::string(1000, '.') + "\n";
  said += std::string(20000, 'y') + "\nlast\x1b\n";
  world.log->warn_lines("php: GET /x: ", said, "; the cure");
  std::string text = world.reader->text;
  for (int i = 0; i < 40; ++i) CHECK(count(text, "noise-" + std::to_string(i) + "-") == 1);
  CHECK(count(text, " more bytes") == 1);
  CHECK(text.ends_with("last\\x1b; the cure\n"));
  CHECK(count(text, "\n") >= 6);
  CHECK(count(text, " warn php: GET /x: ") == count(text, "\n"));
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    CHECK(end < core::kLogLineMost);
    text.erase(0, end + 1);
  }
  world.reader->text.clear();
  said = "PHP message: 0";
  for (int i = 1; i < 20; ++i) said += "; PHP message: " + std::to_string(i) + std::string(1000, '.');
  world.log->warn_lines("php: ", said, "");
  CHECK(count(world.reader->text, "PHP message: ") == 20);
  CHECK(count(world.reader->text, "more bytes") == 0);
  CHECK(count(world.reader->text, " warn php: PHP message: ") == count(world.reader->text, "\n"));
  world.reader->text.clear();
  world.log->warn_lines("php: ", "one\ntwo\n", "");
  CHECK(world.reader->text.ends_with(" warn php: one\\ntwo\n"));
}

TEST_CASE("what is printed keeps its lines, each within the limit") {
  World world;
  world.reader->room = kAll;
  world.log->print("one\ntwo\n" + std::string(9000, 'x'));
  const std::string& text = world.reader->text;
  CHECK(text.starts_with("one\ntwo\nxxx"));
  CHECK(count(text, "\n") == 3);
  CHECK(text.ends_with(" more bytes\n"));
}

TEST_CASE("a line is not cut within a character") {
  for (std::size_t lead = 0; lead < 4; ++lead) {
    std::string text(lead, 'a');
    while (text.size() < 300) text += "\xf0\x9f\x98\x80";
    std::string out;
    core::append_cut(out, text, 200);
    CHECK(out.size() <= 200);
    const std::size_t end = out.find("... ");
    REQUIRE(end != std::string::npos);
    CHECK((end - lead) % 4 == 0);
    CHECK(out.ends_with("... " + std::to_string(text.size() - end) + " more bytes"));
  }
}

// The table of `holdfast status`, from answers of this and of other versions.
#include "proxy/commands/status_view.h"

#include <doctest/doctest.h>

#include <sstream>
#include <vector>

using namespace holdfast;

namespace {

Json answer() {
  return *Json::parse(R"({
    "version": "0.1.0", "pid": 4711, "uptime_seconds": 100.4,
    "clients": {"connections": 7, "requests": 1234},
    "config": {"last_reload_successful": true},
    "pools": {"php": {"max_connections": 4, "leased": 2, "idle": 1, "settling": 0, "draining": 0, "connecting": 1,
      "waiting": 3, "oldest_wait_seconds": 0.25, "requests": 1000, "reused": 996, "opened": 4,
      "reachable": true, "paused": false}}})");
}

std::vector<std::string> lines_of(const Json& status, const Json* before = nullptr) {
  std::istringstream table(status_table(status, before));
  std::vector<std::string> lines;
  for (std::string line; std::getline(table, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

}  // namespace

TEST_CASE("status: a line a pool, under its heading") {
  const auto lines = lines_of(answer());
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "holdfast 0.1.0, pid 4711, up 100 s; 7 clients, 1234 requests");
  CHECK(words_of(lines[3]) == std::vector<std::string>{"php", "4", "2", "1", "0", "0", "1", "3", "0.250s",
                                                       "1000", "-", "99.60%", "4", "ok"});
  // Right-aligned: each number ends where its heading ends.
  for (const char* heading : {"max", "leased", "waiting", "requests", "reused", "opened"}) {
    CAPTURE(heading);
    const std::size_t end = lines[2].find(heading) + std::string(heading).size();
    CHECK(lines[3][end - 1] != ' ');
    CHECK(lines[3][end] == ' ');
  }
}

TEST_CASE("status: requests a second between two answers of one process") {
  const Json before = answer();
  Json now = answer();
  now["uptime_seconds"] = 102.4;
  now["pools"]["php"]["requests"] = 1250;
  CHECK(words_of(lines_of(now, &before)[3])[10] == "125");
  now["pid"] = 4712;
  CHECK(words_of(lines_of(now, &before)[3])[10] == "-");
}

TEST_CASE("status: states, and a refused reload") {
  Json status = answer();
  status["pools"]["php"]["reachable"] = false;
  CHECK(lines_of(status)[3].ends_with("  not reachable"));
  CHECK_FALSE(all_reachable(status));
  CHECK(all_reachable(answer()));
  status["pools"]["php"]["paused"] = true;
  CHECK(lines_of(status)[3].ends_with("  paused"));
  status["config"]["error"] = "line 3: unknown key";
  CHECK(lines_of(status)[2] ==
        "the last reload was refused, an older configuration is in force: line 3: unknown key");
}

TEST_CASE("status: an answer of another shape is shown as far as it goes") {
  for (const char* text : {"{}", R"({"pools": 3})", R"({"pools": {"php": {}}, "pid": "x", "config": []})",
                           R"({"pools": {"a/b": null}, "clients": 1})"}) {
    CAPTURE(text);
    const Json odd = *Json::parse(text);
    CHECK_FALSE(all_reachable(odd));
    CHECK(status_table(odd, &odd).starts_with("holdfast ?, pid -, up - s; - clients, - requests\n"));
  }
}

// The YAML layer: places, duplicates, aliases, and text that is not YAML.
#include "config/load_yaml.h"

#include <doctest/doctest.h>

#include <random>

#include "config/config.h"
#include "config/pool.h"
#include "helpers.h"

using namespace holdfast::config;

TEST_CASE("a tree with the style and place of each node") {
  const auto result = read_yaml("a: 012\nb:\n  - \"yes\"\n  - 'x'\n  - |\n    text\nc: { d: ~, d: 2 }\n");
  REQUIRE(result.root);
  CHECK(result.problems.empty());
  const Node& root = *result.root;
  REQUIRE(root.entries.size() == 3);
  CHECK(root.entries[0].value->text == "012");
  CHECK_FALSE(root.entries[0].value->quoted);
  CHECK(root.entries[0].value->mark.line == 1);
  CHECK(root.entries[0].value->mark.column == 4);
  const Node& list = *root.entries[1].value;
  REQUIRE(list.items.size() == 3);
  CHECK(list.items[0]->quoted);
  CHECK(list.items[0]->mark.line == 3);
  CHECK(list.items[0]->mark.column == 5);
  CHECK(list.items[1]->quoted);
  CHECK(list.items[2]->quoted);
  CHECK(list.items[2]->text == "text\n");
  const Node& map = *root.entries[2].value;
  REQUIRE(map.entries.size() == 2);  // both: whoever walks the tree reports the second
  CHECK(map.entries[0].value->kind == Node::Kind::null);
  CHECK(map.entries[1].mark.column == 12);
}

TEST_CASE("duplicate keys are errors wherever they are") {
  auto result = load("log: {}\n" + kMinimal + "log: {}\n");
  REQUIRE(errors(result) == 1);
  CHECK(result.diagnostics[0].message == "duplicate key 'log' at the top level");
  CHECK(result.diagnostics[0].hint == "first given in line 1");
  CHECK(result.diagnostics[0].line == 4);
  CHECK(says(load_pool("queue: { size: 1, size: 1 }"), "duplicate key 'size' in pools.php.queue"));
  CHECK(says(load_site("params: { A: 1, A: 1 }"), "duplicate key 'A' in sites[0].params"));
  CHECK(says(load("pools: { a: { address: unix:/a }, a: { address: unix:/b } }\n" + kSites),
             "duplicate key 'a' in pools"));
  CHECK(says(load(kMinimal + "\"pools\": {}\n"), "duplicate key 'pools'"));
}

TEST_CASE("aliases are the node they name") {
  const auto result = load(
      "pools:\n  a: { address: unix:/a, timeouts: &t { connect: 7s } }\n  b: { address: unix:/b, timeouts: "
      "*t }\n"
      "sites:\n  - { hosts: a, root: /usr/share, pool: a }\n  - { hosts: b, root: /usr/share, pool: b }\n");
  REQUIRE(result.config);
  CHECK(result.config->pools[1].timeouts.connect == std::chrono::seconds(7));
  CHECK(says(load(kMinimal + "log: *nothing\n"), "not valid YAML"));
  CHECK(says(load("log: &l { level: *l }\n" + kMinimal), "this alias refers to the node that contains it"));
  CHECK(says(load(kMinimal + "log: { <<: { level: warn } }\n"), "merge keys are not supported"));
}

TEST_CASE("aliases of aliases do not multiply the work") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 8; ++k) {
      text += ", " + before;
    }
    text += "]\n";
  }
  const auto result = load(text + "listen: *a39\n" + kMinimal);
  CHECK(
      says(result, "listen[8]: expected an address such as 127.0.0.1:8080, or a list of them, found a list"));
}

TEST_CASE("what YAML forbids is a diagnostic with a place") {
  struct {
    const char* text;
    int line;
    const char* part;
  } const cases[] = {
      {"a: [1, 2\n", 1, "not valid YAML"},
      {"{", 1, "not valid YAML"},
      {"a: b: c", 1, "put quotes around a value that holds ': '"},
      {"a:\n\tb: 1", 2, "indent with spaces"},
      {"a: 1\n @b: 1", 2, "not valid YAML"},
      {"@a: 1", 1, "put quotes around a text that begins with @"},
      {"hosts: [*.example.com]", 1, "\"*.example.com\""},
      {"hosts: *.example.com", 1, "\"*.example.com\""},
      {"hosts:\n  - *.example.com", 2, "\"*.example.com\""},
      {"a: \"b", 1, "a quote is opened after this and never closed"},
      {"a: \"b\n", 1, "a quote is opened after this and never closed"},  // yaml-cpp 0.7 reads "b "
      {"a: 'b\n\n\n", 1, "a quote is opened after this and never closed"},
      {"a: 1\n---\nb: 2\n", 3, "a second YAML document begins here"},
      {"? [x]\n: y\n", 1, "a key must be a word"},
      {"a: !!int 3\n", 1, "YAML tags"},
      {"%YAML 9.0\n---\na: 1\n", 1, "not valid YAML"},
      {"a:\n  b: 1\n c: 2\n", 3, "not valid YAML"}};
  for (const auto& row : cases) {
    CAPTURE(row.text);
    const auto result = load(row.text);
    CAPTURE(said(result));
    CHECK_FALSE(result.config);
    CHECK(std::any_of(result.diagnostics.begin(), result.diagnostics.end(), [&](const Diagnostic& d) {
      return d.line == row.line && format_diagnostic(d).find(row.part) != std::string::npos;
    }));
  }
}

TEST_CASE("deep nesting ends in a diagnostic, not in a crash") {
  for (const std::string unit : {"[", "{a: ", "- ", "? ", "!t "}) {
    std::string text;
    for (int i = 0; i < 20'000; ++i) {
      text += unit;
    }
    CAPTURE(unit);
    CHECK_FALSE(load(text).config);
  }
}

TEST_CASE("a file with everything, cut anywhere, never throws and never half loads") {
  const std::string whole = read_text(source_file("config/holdfast.yaml"));
  REQUIRE(whole.size() > 1000);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto result = load(whole.substr(0, length));
    CHECK((result.config != nullptr) == (errors(result) == 0));
  }
}

TEST_CASE("random damage never throws") {
  const std::string whole = read_text(source_file("config/holdfast.yaml"));
  std::mt19937 random(20240521);
  const std::string bytes = "{}[]:,#&*!|>'\"%@`$- \t\n\r\\\x01\x7F\x80\xFF?ax0";
  for (int round = 0; round < 3000; ++round) {
    std::string text = whole;
    for (int change = 0; change < 3; ++change) {
      const std::size_t at = random() % text.size();
      const char byte = bytes[random() % bytes.size()];
      switch (random() % 3) {
        case 0: text[at] = byte; break;
        case 1: text.insert(at, 1, byte); break;
        default: text.erase(at, random() % 20);
      }
    }
    CAPTURE(round);
    const auto result = load(text);
    CHECK((result.config != nullptr) == (errors(result) == 0));
    CHECK(said(result).find('\x01') == std::string::npos);
  }
}

// A file with many mistakes, and every word that is said about it. After a wanted change of wording: write
// what the test prints to golden/mistakes.txt, and read the difference.
#include <doctest/doctest.h>

#include "helpers.h"

using namespace holdfast::config;

TEST_CASE("many mistakes, all reported at once, in the order of the file") {
  const std::string yaml = read_text(source_file("tests/unit/config/golden/mistakes.yaml"));
  REQUIRE_FALSE(yaml.empty());
  const auto result = load_text(yaml, "mistakes.yaml", [](const std::string&) { return std::nullopt; });
  CHECK_FALSE(result.config);
  CHECK(said(result) == read_text(source_file("tests/unit/config/golden/mistakes.txt")));
}

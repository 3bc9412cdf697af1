// Path patterns: what matches what, what is taken, and the same from a second implementation.
#include "proxy/core/path_pattern.h"
#include "proxy/core/route_filter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "tests/support/path_pattern_oracle.h"

using namespace holdfast;

namespace {

core::PathPattern compiled(std::string_view text,
                           core::PathPattern::Case letters = core::PathPattern::Case::counts) {
  auto parsed = config::parse_path_pattern(text);
  REQUIRE_MESSAGE(parsed.value, parsed.error);
  return core::PathPattern(std::move(*parsed.value), letters);
}

std::optional<std::vector<std::string>> taken(const core::PathPattern& pattern, std::string_view path) {
  core::Captures captures;
  if (!pattern.matches(path, captures)) return std::nullopt;
  return std::vector<std::string>(captures.texts.begin(),
                                  captures.texts.begin() + static_cast<std::ptrdiff_t>(captures.count));
}

std::string shown(const std::optional<std::vector<std::string>>& texts) {
  if (!texts) return "no match";
  std::string out;
  for (const std::string& text : *texts) out += "[" + text + "]";
  return out;
}

struct PatternRow {
  const char* pattern;
  const char* path;
  const char* takes;  // "[$1][$2]"; nullptr: no match
};

constexpr const char* kNo = nullptr;
constexpr const char* kYes = "";

constexpr PatternRow kRows[] = {
    // A path, exactly.
    {"/", "/", kYes},
    {"/", "/a", kNo},
    {"/up", "/up", kYes},
    {"/up", "/up/", kNo},
    {"/up", "/up/x", kNo},
    {"/up", "/upper", kNo},
    {"/up", "/UP", kNo},
    {"/up", "/a/up", kNo},
    {"/a/b.txt", "/a/b.txt", kYes},
    {"/a b", "/a b", kYes},
    {"/\xC3\xBC", "/\xC3\xBC", kYes},
    // A folder and all below.
    {"/config/", "/config", kYes},
    {"/config/", "/config/", kYes},
    {"/config/", "/config/a/b.php", kYes},
    {"/config/", "/config.php", kNo},
    {"/config/", "/x/config/", kNo},
    {"/a/b/", "/a/b/c", kYes},
    {"/a/b/", "/a", kNo},
    // At any depth.
    {"composer.json", "/composer.json", kYes},
    {"composer.json", "/a/b/composer.json", kYes},
    {"composer.json", "/xcomposer.json", kNo},
    {"composer.json", "/composer.json/x", kNo},
    {"a/b", "/a/b", kYes},
    {"a/b", "/x/a/b", kYes},
    {"a/b", "/xa/b", kNo},
    {"node_modules/", "/node_modules", kYes},
    {"node_modules/", "/x/node_modules/y", kYes},
    {"node_modules/", "/my_node_modules/y", kNo},
    // One star: within a segment.
    {"*.sql", "/dump.sql", "[dump]"},
    {"*.sql", "/a/b/dump.sql", "[dump]"},
    {"*.sql", "/.sql", "[]"},
    {"*.sql", "/a.sql/b", kNo},
    {"*.sql", "/a.SQL", kNo},
    {"*~", "/a/b~", "[b]"},
    {"/*.html", "/a.html", "[a]"},
    {"/*.html", "/a/b.html", kNo},
    {"/a/*", "/a/b", "[b]"},
    {"/a/*", "/a/", kNo},
    {"/a/*", "/a/b/", kNo},
    {"/*/b", "/a/b", "[a]"},
    {"/*/b", "/b", kNo},
    {"/.*", "/.git", "[git]"},
    {"/.*", "/.git/config", kNo},
    {"/.*/", "/.git/config", "[git]"},
    {"/.*/", "/a/.git", kNo},
    {".*/", "/a/.git/config", "[git]"},
    {"/autotest*", "/autotest", "[]"},
    {"/autotest*", "/autotest.sh", "[.sh]"},
    {"/a*b*c", "/axbxc", "[x][x]"},
    {"/a*b*c", "/abbc", "[b][]"},
    {"/plugins/*/*.md", "/plugins/x/README.md", "[x][README]"},
    {"/plugins/*/*.md", "/plugins/x/y/README.md", kNo},
    {"*", "/a/b", "[b]"},
    {"*", "/a/", kNo},
    // Two stars: across segments.
    {"/**", "/", "[]"},
    {"/**", "/a/b", "[a/b]"},
    {"/old-wiki/**", "/old-wiki/", "[]"},
    {"/old-wiki/**", "/old-wiki/a/b", "[a/b]"},
    {"/old-wiki/**", "/old-wiki", kNo},
    {"/uploads/**.php", "/uploads/x.php", "[x]"},
    {"/uploads/**.php", "/uploads/2024/11/x.php", "[2024/11/x]"},
    {"/uploads/**.php", "/uploads/x.php/y", kNo},
    {"/uploads/**.php", "/uploads/.php", "[]"},
    {"/*/**.php", "/s/a/b.php", "[s][a/b]"},
    {"/*/**.php", "/a.php", kNo},
    {"/a/**/b", "/a/b", "[]"},
    {"/a/**/b", "/a/x/b", "[x]"},
    {"/a/**/b", "/a/x/y/b", "[x/y]"},
    {"/a/**/b", "/a/xb", kNo},
    {"/a/**/b", "/ab", kNo},
    {"**/c/*.php", "/c/a.php", "[][a]"},
    {"**/c/*.php", "/a/b/c/a.php", "[a/b][a]"},
    {"/**/vendor/", "/a/vendor/b", "[a]"},
    {"**/richdocumentscode*/proxy.php", "/custom_apps/richdocumentscode_arm64/proxy.php",
     "[custom_apps][_arm64]"},
    // Braces.
    {"*.{js,css}", "/a.css", "[a][css]"},
    {"*.{js,css}", "/a.cs", kNo},
    {"/wp-{admin,includes}/**", "/wp-includes/x/y", "[includes][x/y]"},
    {"/*/wp-{admin,content,includes}/**", "/blog/wp-content/a.css", "[blog][content][a.css]"},
    {"/*/wp-{admin,content,includes}/**", "/wp-content/a.css", kNo},
    {"/x{,-y}.php", "/x.php", "[]"},
    {"/x{,-y}.php", "/x-y.php", "[-y]"},
    {"/{a,ab}c", "/abc", "[ab]"},
    {"/{a,ab}*", "/abc", "[a][bc]"},
    {"{a,b}/", "/x/b/c", "[b]"},
    {"/_export/*/**", "/_export/pdf/a/b", "[pdf][a/b]"},
    {"/{a/b,c}/d", "/a/b/d", "[a/b]"},
};

}  // namespace

TEST_CASE("patterns match as .gitignore's do") {
  for (const PatternRow& row : kRows) {
    CAPTURE(row.pattern);
    CAPTURE(row.path);
    const core::PathPattern pattern = compiled(row.pattern);
    const auto got = taken(pattern, row.path);
    CHECK(pattern.matches(row.path) == (row.takes != nullptr));
    CHECK(shown(got) == (row.takes == nullptr ? std::string("no match") : std::string(row.takes)));
    CHECK(shown(PathPatternOracle(row.pattern, row.path).match()) == shown(got));
  }
}

TEST_CASE("nothing matches what is no path") {
  CHECK_FALSE(compiled("/**").matches(""));
  CHECK_FALSE(compiled("**").matches(""));
  CHECK_FALSE(compiled("*").matches(""));
}

TEST_CASE("where case is ignored, it is that of A to Z alone; what is taken is as the path has it") {
  const auto ignored = core::PathPattern::Case::ignored;
  const PatternRow rows[] = {
      {"*.{sql,JPG}", "/Dump.SQL", "[Dump][SQL]"},  // by its ending
      {"*.{sql,JPG}", "/a.jPg", "[a][jPg]"},
      {"*.sql", "/a.sqm", kNo},
      {"/Up", "/uP", kYes},             // the path itself
      {"/config/", "/CONFIG/a", kYes},  // a folder
      {"Node_Modules/", "/x/node_MODULES/y", kYes},
      {"/files/**.php", "/FILES/a/B.PHP", "[a/B]"},  // both ends
      {"{uploads,files}/**.php", "/X/Uploads/Y.PhP", "[Uploads][Y]"},
      {"/a*/B", "/AxY/b", "[xY]"},
  };
  for (const PatternRow& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.path);
    const core::PathPattern pattern = compiled(row.pattern, ignored);
    CHECK(pattern.matches(row.path) == (row.takes != nullptr));
    CHECK(shown(taken(pattern, row.path)) ==
          (row.takes == nullptr ? std::string("no match") : std::string(row.takes)));
    CHECK(shown(PathPatternOracle(row.pattern, row.path, true).match()) == shown(taken(pattern, row.path)));
  }
  CHECK_FALSE(PathPatternOracle("/@`[{", "/`@{[", true).match());
  CHECK_FALSE(compiled("/@`", ignored).matches("/`@"));
  CHECK_FALSE(compiled("/\xC3\xA4", ignored).matches("/\xC3\x84"));  // as nginx's ~*
  const std::string deep = "/" + std::string(3000, 'A') + "/B.Php";
  CHECK(shown(taken(compiled("/**.php", ignored), deep)) == "[" + std::string(3000, 'A') + "/B]");
}

TEST_CASE("random patterns and paths: both implementations agree") {
  std::mt19937 random(20);
  const auto text_of = [&](std::initializer_list<const char*> letters, std::size_t most) {
    std::string out;
    for (std::size_t n = random() % (most + 1); n > 0; --n) out += letters.begin()[random() % letters.size()];
    return out;
  };
  int matched = 0;
  int passed = 0;
  int rounds = 0;
  for (int round = 0; round < 60000; ++round) {
    const std::string text = text_of({"/", "/", "a", "b", "*", "**", "{a,b}", "{,ab}", ".php", "/**/"}, 7);
    auto parsed = config::parse_path_pattern(text);
    if (!parsed.value) continue;
    const core::PathPattern pattern(std::move(*parsed.value));
    std::string path = "/" + text_of({"/", "a", "b", "a", "ab", ".php", "c"}, 9);
    path.erase(std::unique(path.begin(), path.end(), [](char a, char b) { return a == '/' && b == '/'; }),
               path.end());
    CAPTURE(text);
    CAPTURE(path);
    const auto wanted = PathPatternOracle(text, path).match();
    ++rounds;
    REQUIRE(shown(taken(pattern, path)) == shown(wanted));
    REQUIRE(pattern.matches(path) == wanted.has_value());
    core::RouteFilter filter(70);
    filter.add(66, pattern);
    if (wanted) REQUIRE(filter.may_match(path, 1) == 4);
    REQUIRE(filter.may_match(path, 0) == 0);
    passed += filter.may_match(path, 1) != 0 ? 1 : 0;
    std::string other = path;
    for (char& c : other) c = (random() & 1) != 0 && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    const auto loose = taken(compiled(text, core::PathPattern::Case::ignored), other);
    REQUIRE(loose.has_value() == wanted.has_value());
    for (std::size_t i = 0; loose && i < loose->size(); ++i)
      REQUIRE((*loose)[i].size() == (*wanted)[i].size());
    if (loose) {
      core::RouteFilter of_loose(1);
      of_loose.add(0, compiled(text, core::PathPattern::Case::ignored));
      REQUIRE(of_loose.may_match(other, 0) == 1);
    }
    std::string mixed = text;
    for (char& c : mixed) c = (random() & 1) != 0 && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    REQUIRE(shown(taken(compiled(mixed, core::PathPattern::Case::ignored), other)) ==
            shown(PathPatternOracle(mixed, other, true).match()));
    matched += wanted ? 1 : 0;
  }
  CHECK(matched > 3000);
  CHECK(passed < rounds * 3 / 4);  // the filter says no, too
}

TEST_CASE("a path as long as a head may be costs no more than its length times the pattern's") {
  std::string path = "/";
  for (int i = 0; i < 16000; ++i) path += "a/";
  // The oracle would not come back from this one. 9 stars and 32001 bytes are some ten million steps at most.
  const core::PathPattern pattern = compiled("**a**a**a**a**a**a**a**a**b");
  CHECK_FALSE(pattern.matches(path + "c"));
  CHECK_FALSE(pattern.matches(path));
  CHECK(pattern.matches(path + "b"));
}

// nginx's language as a tree, whatever is put in.
#include "config/import/nginx_syntax.h"

#include <doctest/doctest.h>

#include <random>

using namespace holdfast::config;

namespace {

// One line of text for a tree: "a b{c d;}".
std::string shown(const std::vector<NginxDirective>& block) {
  std::string out;
  for (const NginxDirective& d : block) {
    out += d.name;
    for (const std::string& word : d.words) out += "[" + word + "]";
    out += d.has_block ? "{" + shown(d.block) + "}" : ";";
  }
  return out;
}

std::string parsed(std::string_view text) {
  const NginxTree tree = parse_nginx(text, "n.conf");
  return tree.problems.empty() ? shown(tree.directives)
                               : std::to_string(tree.problems[0].line) + ": " + tree.problems[0].text;
}

}  // namespace

TEST_CASE("words, quotes, comments and blocks") {
  CHECK(parsed("") == "");
  CHECK(parsed("a;") == "a;");
  CHECK(parsed("a b  c;d{e;}f;") == "a[b][c];d{e;}f;");
  CHECK(parsed("# x;\na b;# y\r\nc;") == "a[b];c;");
  CHECK(parsed("a b#c;") == "a[b#c];");
  CHECK(parsed("a \"b c;{\" 'd\"e' \"f\\\"g\";") == "a[b c;{][d\"e][f\"g];");
  CHECK(parsed("map $a $b { \"\" \"\"; default 1; }") == "map[$a][$b]{[];default[1];}");
  CHECK(parsed("location ~ \\.php$ { }") == "location[~][\\.php$]{}");
  CHECK(parsed("location ~ \"a{2}\" {}") == "location[~][a{2}]{}");
  CHECK(parsed("a ${b}c;") == "a[${b}c];");
  CHECK(parsed("a b\\;c;") == "a[b\\;c];");
  CHECK(parsed("x_by_lua_block { local a = { 1; } } b;") == "x_by_lua_block{}b;");
  CHECK(parsed("server{listen 80;location / {root /a;}}") == "server{listen[80];location[/]{root[/a];}}");
}

TEST_CASE("what is not nginx, and where") {
  CHECK(parsed("a") == "1: 'a' has no ';'");
  CHECK(parsed("a {\nb;") == "2: a '{' is never closed");
  CHECK(parsed("a;\n}") == "2: '}' closes nothing");
  CHECK(parsed("a {\nb }") == "2: 'b' has no ';'");
  CHECK(parsed(";") == "1: ';' stands behind nothing");
  CHECK(parsed("\n{}") == "2: '{' stands behind nothing");
  CHECK(parsed("a;\nb \"c\n\n") == "2: a quote is opened here and never closed");
  std::string deep;
  for (int i = 0; i < kNginxDepthMax; ++i) deep += "a{";
  CHECK(parsed(deep + std::string(kNginxDepthMax, '}')).find("a{") == 0);
  CHECK(parsed(deep + "a{" + std::string(kNginxDepthMax + 1, '}')).ends_with("nested too deeply"));
  CHECK(parsed(std::string(kNginxTextMax + 1, ' ')).ends_with("more than 1 MiB"));
}

TEST_CASE("each directive knows its line") {
  const NginxTree tree = parse_nginx("a;\n\nb {\n  c\n  d;\n}\n", "n.conf");
  REQUIRE(tree.directives.size() == 2);
  CHECK(tree.directives[0].line == 1);
  CHECK(tree.directives[1].line == 3);
  CHECK(tree.directives[1].block[0].line == 4);
}

TEST_CASE("any bytes end in a tree or a problem") {
  std::mt19937 random(5);
  const std::string bytes = "ab {};;\n\"'\\#$${} \t\r";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::size_t n = random() % 24; n > 0; --n) text += bytes[random() % bytes.size()];
    CAPTURE(text);
    const NginxTree tree = parse_nginx(text, "n");
    REQUIRE(tree.problems.size() <= 1);
  }
}

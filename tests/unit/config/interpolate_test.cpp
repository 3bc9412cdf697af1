// ${VAR} in scalars, alone and in a file.
#include "config/interpolate.h"

#include <doctest/doctest.h>

#include "config/config.h"
#include "config/pool.h"
#include "config/site.h"
#include "helpers.h"

using namespace holdfast::config;

namespace {

const Environment kEnvironment = [](const std::string& name) -> std::optional<std::string> {
  const Variables variables{
      {"HOST", "h"}, {"EMPTY", ""}, {"LOOP", "${HOST}$$"}, {"BYTES", "\xFF"}, {"_A1", "x"}};
  const auto found = variables.find(name);
  return found == variables.end() ? std::nullopt : std::optional(found->second);
};

std::string expanded(const std::string& text) {
  const auto result = interpolate(text, kEnvironment);
  return result.value ? result.value->text : "ERROR " + result.error;
}

}  // namespace

TEST_CASE("variables, defaults and dollars") {
  CHECK(expanded("") == "");
  CHECK(expanded("plain") == "plain");
  CHECK(expanded("${HOST}") == "h");
  CHECK(expanded("a${HOST}b${_A1}c") == "ahbxc");
  CHECK(expanded("${EMPTY}") == "");
  CHECK(expanded("${NONE:-d}") == "d");
  CHECK(expanded("${EMPTY:-d}") == "d");
  CHECK(expanded("${HOST:-d}") == "h");
  CHECK(expanded("${NONE:-}") == "");
  CHECK(expanded("${NONE:-unix:/a:b-c?}") == "unix:/a:b-c?");
  CHECK(expanded("${HOST:?m}") == "h");
  CHECK(expanded("$$") == "$");
  CHECK(expanded("$${HOST}") == "${HOST}");
  CHECK(expanded("$$$${HOST}") == "$${HOST}");
  CHECK(expanded("a$$$$b") == "a$$b");
  CHECK(expanded("${LOOP}") == "${HOST}$$");  // what a variable holds is not scanned again
  CHECK(expanded("}{") == "}{");
}

TEST_CASE("what is no variable") {
  CHECK(expanded("${NONE}") == "ERROR environment variable NONE is not set");
  CHECK(expanded("${NONE:?set it}") == "ERROR environment variable NONE is not set: set it");
  CHECK(expanded("${EMPTY:?set it}") == "ERROR environment variable EMPTY is not set: set it");
  CHECK(expanded("${NONE:?}") == "ERROR environment variable NONE is not set: required");
  CHECK(expanded("${BYTES}") == "ERROR environment variable BYTES is not UTF-8 text");
  for (const char* text : {"$", "a$", "$HOST", "${", "${HOST", "${}", "${1A}", "${A B}", "${HOST-d}",
                           "${HOST:+d}", "${HOST:}", "$ {HOST}", "$$$"}) {
    CAPTURE(text);
    CHECK(expanded(text).starts_with("ERROR "));
  }
}

TEST_CASE("a variable can be any scalar, quoted or not") {
  auto result = load_pool("max_connections: ${N}", {{"N", "7"}});
  REQUIRE(result.config);
  CHECK(result.config->pools[0].max_connections == 7);
  result = load_pool("queue: { size: \"${N}\", timeout: \"${T:-5}s\" }", {{"N", "7"}});
  REQUIRE(result.config);
  CHECK(result.config->pools[0].queue.size == 7);
  CHECK(result.config->pools[0].queue.timeout == std::chrono::seconds(5));
  result = load_pool("keep_alive: \"${K}\"", {{"K", "false"}});
  REQUIRE(result.config);
  CHECK_FALSE(result.config->pools[0].keep_alive);
  CHECK_FALSE(load_pool("keep_alive: ${K}", {{"K", "yes"}}).config);
}

TEST_CASE("a variable's value never becomes structure") {
  const auto result = load_site("params: { A: \"${V}\" }", {{"V", "x, B: y }\nmax_body: 1\n# "}});
  REQUIRE(result.config);
  CHECK(result.config->sites[0].params ==
        std::map<std::string, std::string>{{"A", "x, B: y }\nmax_body: 1\n# "}});
}

TEST_CASE("a missing variable is an error at its value, and the message escapes it") {
  const auto result = load("listen: ${PORT:?\x1b[31m}\n" + kMinimal);
  CHECK(errors(result) == 1);
  CHECK(says(result, "/etc/holdfast/test.yaml"));
  CHECK_FALSE(says(result, "\x1b"));
  const auto unset = load("listen: ${PORT}\n" + kMinimal);
  REQUIRE(unset.diagnostics.size() == 1);
  CHECK(unset.diagnostics[0].line == 1);
  CHECK(unset.diagnostics[0].column == 9);
  CHECK(unset.diagnostics[0].hint == "set it, or write ${PORT:-default}");
}

TEST_CASE("unquoted ${} inside braces gets the hint to quote it") {
  CHECK(says(load_pool("queue: { size: ${N} }", {{"N", "7"}}), "put quotes around it"));
}

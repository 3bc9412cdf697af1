// libFuzzer harness for path patterns and targets. The input is "pattern\npath\ntarget\nquery". Oracle: the
// second implementation of patterns that the unit tests have; and what every target promises. Not part of the
// build; in the project's root:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -I. tests/fuzz/route_fuzz.cpp
//         config/path_pattern.cpp config/target_template.cpp config/diagnostics.cpp
//         proxy/core/path_pattern.cpp proxy/core/route_target.cpp -o route_fuzz
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/core/route_target.h"
#include "tests/support/path_pattern_oracle.h"

namespace {

namespace core = holdfast::core;
namespace config = holdfast::config;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

// As the request parser leaves it: one slash at a time, no dots as segments, no NUL.
std::optional<std::string> normal_path(std::string_view text) {
  const std::string path = "/" + std::string(text);
  const std::string padded = path + "/";
  if (path.find("//") != std::string::npos || path.find('\0') != std::string::npos ||
      padded.find("/./") != std::string::npos || padded.find("/../") != std::string::npos)
    return std::nullopt;
  return path;
}

void check_targets(std::string_view text, const core::TargetFacts& facts) {
  if (const auto parsed = config::parse_redirect_target(text); parsed.value) {
    const auto location = core::redirect_location(*parsed.value, facts);
    require(location.has_value(), "the host is there");
    require(std::all_of(location->begin(), location->end(),
                        [](char c) { return c > 0x20 && c < 0x7F && c != '\\' && c != '"'; }),
            "bytes of a Location");
    const bool here = text.starts_with('/') || text.starts_with("$path") || text.starts_with("$uri");
    require(here ? location->starts_with('/') && !location->starts_with("//") : location->starts_with("http"),
            "the host of a redirect");
  }
  if (const auto parsed = config::parse_internal_target(text); parsed.value) {
    if (const auto target = core::internal_target(*parsed.value, facts)) {
      const std::string padded = target->path + "/";
      require(target->path.starts_with('/'), "an internal path begins with a slash");
      require(target->path.find("//") == std::string::npos, "single slashes");
      require(padded.find("/../") == std::string::npos && padded.find("/./") == std::string::npos, "no dots");
    }
  }
}

// True where the path matches; `captures`: what was taken.
bool check_pattern(std::string_view text, const std::string& path, bool ignore_case,
                   core::Captures& captures) {
  using Case = core::PathPattern::Case;
  captures = {};
  auto parsed = config::parse_path_pattern(text);
  if (!parsed.value) return false;
  require(parsed.value->captures() <= config::kCapturesMax, "captures are counted");
  const core::PathPattern pattern(std::move(*parsed.value), ignore_case ? Case::ignored : Case::counts);
  const bool matches = pattern.matches(path, captures);
  require(matches == pattern.matches(path), "with and without captures");
  const auto wanted = holdfast::PathPatternOracle(text, path, ignore_case).match();
  require(matches == wanted.has_value(), "both implementations agree");
  if (matches) {
    require(captures.count == wanted->size(), "how many were taken");
    for (std::size_t i = 0; i < captures.count; ++i)
      require(captures.texts[i] == (*wanted)[i], "what was taken");
  }
  return matches;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 600));
  const std::string_view pattern_text = next_line(rest);
  const std::optional<std::string> path = normal_path(next_line(rest));
  const std::string_view target = next_line(rest);
  if (!path) return 0;

  core::Captures captures;
  check_pattern(pattern_text, *path, true, captures);
  const bool matches = check_pattern(pattern_text, *path, false, captures);
  core::Captures loosely;
  require(!matches || check_pattern(pattern_text, *path, true, loosely), "what fits fits without its case");
  check_targets(target, {*path, *path, rest, "example.com", &captures});
  return 0;
}

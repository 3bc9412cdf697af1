// Short ways to load a text and to look at what was said about it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "config/load.h"

namespace holdfast::config {

using Variables = std::map<std::string, std::string>;

inline LoadResult load(const std::string& yaml, const Variables& variables = {}) {
  return load_text(yaml, "/etc/holdfast/test.yaml",
                   [&](const std::string& name) -> std::optional<std::string> {
                     const auto found = variables.find(name);
                     return found == variables.end() ? std::nullopt : std::optional(found->second);
                   });
}

inline std::string said(const LoadResult& result) {
  std::string out;
  for (const Diagnostic& diagnostic : result.diagnostics) {
    out += format_diagnostic(diagnostic);
  }
  return out;
}

inline int count(const LoadResult& result, Severity severity) {
  return static_cast<int>(std::count_if(result.diagnostics.begin(), result.diagnostics.end(),
                                        [&](const Diagnostic& d) { return d.severity == severity; }));
}
inline int errors(const LoadResult& result) {
  return count(result, Severity::error);
}
inline int warnings(const LoadResult& result) {
  return count(result, Severity::warning);
}

inline bool says(const LoadResult& result, const std::string& text) {
  return said(result).find(text) != std::string::npos;
}

// The smallest configuration without a finding; tests add to it. /usr/share exists on every machine.
inline const std::string kPools = "pools: { php: { address: unix:/run/php.sock } }\n";
inline const std::string kSites = "sites: [{ root: /usr/share, pool: php }]\n";
inline const std::string kMinimal = kPools + kSites;

// One more key of the pool.
inline LoadResult load_pool(const std::string& keys, const Variables& variables = {}) {
  return load("pools:\n  php:\n    address: unix:/run/php.sock\n    " + keys + "\n" + kSites, variables);
}

// One more key of the site.
inline LoadResult load_site(const std::string& keys, const Variables& variables = {}) {
  return load(kPools + "sites:\n  - root: /usr/share\n    pool: php\n    " + keys + "\n", variables);
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

inline std::string source_file(const std::string& name) {
  return std::string(HOLDFAST_SOURCE_DIR) + "/" + name;
}

inline void clean(const LoadResult& result) {
  CHECK_MESSAGE(result.diagnostics.empty(), said(result));
}

}  // namespace holdfast::config

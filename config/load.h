// Reads a configuration file into a Config, or says everything that is wrong with it, each with its place.
// No exception leaves it; yaml-cpp stays inside load_yaml.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace holdfast::config {

enum class Severity : std::uint8_t { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  int line = 0;             // 1-based; 0: no place (the file cannot be read)
  int column = 0;           // 1-based, in characters
  std::string message;      // "unknown key 'max_conections' in pools.php"
  std::string hint;         // "did you mean 'max_connections'?"; may be empty
  std::string source_line;  // the line of the file, for the caret
};

// "FILE:LINE:COL: error: MESSAGE; HINT\n    source line\n    ^\n"
std::string format_diagnostic(const Diagnostic& diagnostic);
std::string format_diagnostics(const std::vector<Diagnostic>& diagnostics);  // one after the other

struct LoadResult {
  std::optional<Config> config;         // absent when there is any error
  std::vector<Diagnostic> diagnostics;  // errors and warnings, by place
};

// Looks up environment variables; injected so that tests need no real environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> process_environment(const std::string& name);

LoadResult load_file(const std::string& path, const Environment& environment = process_environment);
LoadResult load_text(std::string_view yaml, const std::string& file_name,
                     const Environment& environment = process_environment);

// The effective configuration as YAML that load_text() reads back to an equal Config: every key, defaults
// included, variables expanded (so it may hold secrets).
std::string to_yaml(const Config& config);

// The same without the keys that have their default: what a person would write.
std::string to_brief_yaml(const Config& config);

// For command-line options (serve --listen, --php): one address in the syntax of the file. On failure `error`
// says why.
std::optional<Address> parse_listen_address(std::string_view text, std::string& error);
std::optional<Address> parse_pool_address(std::string_view text,
                                          std::string& error);  // tcp:HOST:PORT | unix:PATH

// CIDR membership. `address`: 16 bytes, IPv4 mapped.
bool contains(const std::vector<Network>& networks, const std::array<std::uint8_t, 16>& address);

}  // namespace holdfast::config

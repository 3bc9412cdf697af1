// Reads a configuration file into a Config, or says everything that is wrong with it, each with its place.
// No exception leaves it; yaml-cpp stays inside load_yaml.cpp.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "config/diagnostic.h"
#include "config/environment.h"
#include "config/snapshot.h"

namespace holdfast::config {

struct LoadResult {
  Snapshot config;                      // nullptr when there is any error
  std::vector<Diagnostic> diagnostics;  // errors and warnings, by place
  // The files that were read, and the folders looked through for them: what a reload reads again.
  std::vector<std::string> sources;
};

// The file may be a pipe, which is waited for; those that it includes are files.
LoadResult load_file(const std::string& path, const Environment& environment = process_environment);
// For a server at work: reads only files, and waits for nobody.
LoadResult load_file_again(const std::string& path, const Environment& environment = process_environment);
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

// Reads php-fpm's configuration (php-fpm.conf with its pool.d) as far as doctor needs it: sections, values
// with their file and line, includes. Follows sapi/fpm/fpm/fpm_conf.c; changes nothing and judges nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/address.h"

namespace holdfast {

struct FpmSetting {
  std::string value;
  std::string file;
  int line = 0;
};

// A section: [global], or a pool under its name.
struct FpmSection {
  std::string name;
  std::string file;  // where the section begins
  int line = 0;
  std::map<std::string, FpmSetting> settings;

  const FpmSetting* find(const std::string& key) const;
  // The value; nullopt: not set, or not of this form (then php-fpm would not start).
  std::optional<std::string> text(const std::string& key) const;
  std::optional<std::int64_t> number(const std::string& key) const;
  std::optional<std::int64_t> seconds(const std::string& key) const;  // "30", "30s", "5m", "1h", "1d"
};

struct FpmConfig {
  std::string file;
  FpmSection global;
  std::vector<FpmSection> pools;
  std::vector<std::string> problems;  // "FILE: why it could not be read", "FILE:LINE: what is wrong"
};

// `prefix` stands before relative paths, as php-fpm's own -p; Debian's build has /usr.
FpmConfig read_fpm_config(const std::string& file, const std::string& prefix = "/usr");

// The main files of the usual packages that exist below `root` ("" for the real one), newest version last.
std::vector<std::string> find_fpm_configs(const std::string& root = "");

// Does this pool listen where `address` connects to? A name or an address of another machine never matches.
bool listens_at(const FpmSection& pool, const config::Address& address, const std::string& prefix = "/usr");

}  // namespace holdfast

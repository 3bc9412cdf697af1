// Reader of php-fpm's ini files; see fpm_config.h.
#include "proxy/fpm/fpm_config.h"

#include <glob.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proxy/text/ascii.h"

namespace holdfast {

namespace {

namespace fs = std::filesystem;

constexpr int kIncludeDepthMax = 8;  // a file may include itself; php-fpm then never ends

std::string trim(const std::string& text) {
  return std::string(text::trim_line(text));
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// What the Zend scanner makes of the right side: a quoted string, or text up to a comment.
std::string unquote(const std::string& raw) {
  const std::string text = trim(raw);
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
    const std::size_t end = text.find(text[0], 1);
    return end == std::string::npos ? text.substr(1) : text.substr(1, end - 1);
  }
  return trim(text.substr(0, text.find(';')));
}

// ${NAME} of the environment. php-fpm expands by its own environment, of which ours is the best guess.
std::string expand_environment(std::string text) {
  for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) break;
    const char* value = std::getenv(text.substr(at + 2, end - at - 2).c_str());
    const std::string replacement = value == nullptr ? "" : value;
    text.replace(at, end - at + 1, replacement);
    at += replacement.size();
  }
  return text;
}

std::vector<std::string> glob_files(const std::string& pattern) {
  std::vector<std::string> files;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return files;
}

class FpmReader {
 public:
  FpmReader(FpmConfig& config, std::string prefix) : config_(config), prefix_(std::move(prefix)) {}

  void read(const std::string& path, int depth) {
    std::ifstream file(path);
    if (!file) {
      config_.problems.push_back(path + ": cannot be read");
      return;
    }
    std::string text;
    for (int line = 1; std::getline(file, text); ++line) read_line(trim(text), path, line, depth);
  }

 private:
  void read_line(const std::string& text, const std::string& file, int line, int depth) {
    if (text.empty() || text[0] == ';') return;
    if (text[0] == '[') {
      open_section(trim(text.substr(1, text.find(']') - 1)), file, line);
      return;
    }
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      config_.problems.push_back(file + ":" + std::to_string(line) + ": neither a section nor key = value");
      return;
    }
    const std::string key = trim(text.substr(0, equals));
    std::string value = expand_environment(unquote(text.substr(equals + 1)));
    if (key == "include") {
      include(value, file, line, depth);
      return;
    }
    FpmSection& section = current();
    replace_all(value, "$pool", section.name);
    section.settings[key] = {value, file, line};  // a later line wins
  }

  // Read at once and in the section that is open, which stays open behind the include as the included file
  // leaves it: fpm_conf.c keeps one current_wp for all files.
  void include(const std::string& pattern, const std::string& file, int line, int depth) {
    if (depth >= kIncludeDepthMax) {
      config_.problems.push_back(file + ":" + std::to_string(line) + ": includes are nested too deep");
      return;
    }
    const std::string full = pattern.rfind('/', 0) == 0 ? pattern : prefix_ + "/" + pattern;
    for (const std::string& each : glob_files(full)) read(each, depth + 1);
  }

  void open_section(const std::string& name, const std::string& file, int line) {
    if (name == "global") {
      current_ = kGlobal;
      return;
    }
    for (std::size_t i = 0; i < config_.pools.size(); ++i) {
      if (config_.pools[i].name == name) {
        current_ = i;
        return;
      }
    }
    current_ = config_.pools.size();
    config_.pools.push_back({name, file, line, {}});
  }

  FpmSection& current() { return current_ == kGlobal ? config_.global : config_.pools[current_]; }

  static constexpr std::size_t kGlobal = static_cast<std::size_t>(-1);
  FpmConfig& config_;
  std::string prefix_;
  std::size_t current_ = kGlobal;
};

struct ListenAddress {
  std::string host;  // empty: every address
  std::string port;
  std::string path;
};

// fpm_sockets_domain_from_address(): a colon or digits alone mean TCP, everything else is a path.
ListenAddress parse_listen(const std::string& listen, const std::string& prefix) {
  const std::size_t colon = listen.rfind(':');
  if (colon != std::string::npos) {
    std::string host = listen.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    if (host == "0.0.0.0" || host == "::" || host == "*") host.clear();
    return {host, listen.substr(colon + 1), {}};
  }
  if (listen.find_first_not_of("0123456789") == std::string::npos) return {{}, listen, {}};
  return {{}, {}, listen.rfind('/', 0) == 0 ? listen : prefix + "/" + listen};
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0;
}

std::string real_path(const std::string& path) {
  std::error_code failure;
  const fs::path real = fs::weakly_canonical(path, failure);  // /var/run is a link to /run
  return failure ? path : real.string();
}

}  // namespace

const FpmSetting* FpmSection::find(const std::string& key) const {
  const auto at = settings.find(key);
  return at == settings.end() ? nullptr : &at->second;
}

std::optional<std::string> FpmSection::text(const std::string& key) const {
  const FpmSetting* setting = find(key);
  return setting == nullptr ? std::nullopt : std::optional(setting->value);
}

std::optional<std::int64_t> FpmSection::number(const std::string& key) const {
  const FpmSetting* setting = find(key);
  if (setting == nullptr) return std::nullopt;
  const std::string& text = setting->value;
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> FpmSection::seconds(const std::string& key) const {
  const FpmSetting* setting = find(key);
  if (setting == nullptr || setting->value.empty()) return std::nullopt;
  const std::string& text = setting->value;
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || value < 0 || value > std::int64_t{1} << 31) return std::nullopt;
  const std::string unit(end, text.data() + text.size());
  if (unit.empty() || unit == "s") return value;
  if (unit == "m") return value * 60;
  if (unit == "h") return value * 3600;
  if (unit == "d") return value * 86400;
  return std::nullopt;
}

FpmConfig read_fpm_config(const std::string& file, const std::string& prefix) {
  FpmConfig config;
  config.file = file;
  config.global.name = "global";
  config.global.file = file;
  FpmReader(config, prefix).read(file, 0);
  return config;
}

std::vector<std::string> find_fpm_configs(const std::string& root) {
  // Debian and Ubuntu; Fedora and RHEL; Alpine; the official Docker images.
  std::vector<std::string> files;
  for (const char* pattern : {"/etc/php/*/fpm/php-fpm.conf", "/etc/php-fpm.conf", "/etc/php*/php-fpm.conf",
                              "/usr/local/etc/php-fpm.conf"}) {
    for (const std::string& file : glob_files(root + pattern)) files.push_back(file);
  }
  return files;
}

bool listens_at(const FpmSection& pool, const config::Address& address, const std::string& prefix) {
  const std::optional<std::string> listen = pool.text("listen");
  if (!listen || listen->empty()) return false;
  const ListenAddress here = parse_listen(*listen, prefix);
  if (address.kind == config::Address::Kind::unix_socket) {
    return !here.path.empty() && real_path(here.path) == real_path(address.path);
  }
  if (here.port != std::to_string(address.port)) return false;
  if (here.host == address.host) return true;
  return is_loopback(address.host) && (here.host.empty() || is_loopback(here.host));
}

}  // namespace holdfast

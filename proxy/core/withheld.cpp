// See withheld.h. Every part behind a dot counts for scripts (a.php.jpg, a.php.bak): Apache's AddHandler runs
// such names, so they hold source somewhere. Other endings count at the end of a name, behind what is added
// to copies and archives (dump.sql.2024-11-27.gz).
#include "proxy/core/withheld.h"

#include <algorithm>
#include <array>

#include "config/name_pattern.h"
#include "proxy/http/message.h"

namespace holdfast::core {

namespace {

constexpr std::array<std::string_view, 6> kScripts = {"php", "phtml", "phar", "phps", "pht", "phpt"};
constexpr std::array<std::string_view, 10> kEndings = {"inc",   "ctp",    "module",  "install",
                                                       "theme", "engine",  // PHP by the custom of frameworks
                                                       "sql",   "sqlite", "sqlite3", "env"};
constexpr std::array<std::string_view, 9> kCopies = {"bak", "backup", "old", "orig", "save",
                                                     "sav", "swp",    "swo", "swn"};
constexpr std::array<std::string_view, 11> kWrappings = {"gz",  "bz2", "xz",  "zst", "lz4", "7z",
                                                         "zip", "rar", "tar", "tgz", "txt"};
constexpr std::array<std::string_view, 9> kNames = {"composer.json", "composer.lock",     "auth.json",
                                                    "symfony.lock",  "package-lock.json", "pnpm-lock.yaml",
                                                    "yarn.lock",     "web.config",        "error_log"};

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

template <class List>
bool is_any(std::string_view word, const List& list) {
  return std::any_of(list.begin(), list.end(),
                     [&](std::string_view item) { return http::equals_ignore_case(word, item); });
}

// Its letters and digits up to the first other byte: "php~", "php old", "php,v" and "php" are one ending.
std::string_view leading_word(std::string_view part) {
  std::size_t end = 0;
  while (end < part.size() && is_alphanumeric(part[end])) ++end;
  return part.substr(0, end);
}

// php3 to php8, as old Apache configurations map them.
bool is_script_word(std::string_view word) {
  if (is_any(word, kScripts)) return true;
  return word.size() == 4 && http::equals_ignore_case(word.substr(0, 3), "php") && word[3] >= '0' &&
         word[3] <= '9';
}

bool has_script_part(std::string_view name) {
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (is_script_word(leading_word(name.substr(dot + 1)))) return true;
  }
  return false;
}

// A number or a date: what rotation and dumps append.
bool is_number(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(),
                                      [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

}  // namespace

bool is_withheld(std::string_view name) {
  if (has_script_part(name)) return true;
  if (name.starts_with('#') && name.ends_with('#')) return true;  // what Emacs saves by itself
  for (;;) {
    while (name.ends_with('.') || name.ends_with(' ')) name.remove_suffix(1);
    if (name.ends_with('~') || is_any(name, kNames)) return true;
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos) return false;
    const std::string_view part = name.substr(dot + 1);
    const std::string_view word = leading_word(part);
    if (is_any(word, kEndings) || is_any(word, kCopies)) return true;
    if (!is_any(word, kWrappings) && !is_number(part)) return false;
    name = name.substr(0, dot);
  }
}

bool is_published(std::string_view name, const std::vector<std::string>& publish) {
  return std::any_of(publish.begin(), publish.end(),
                     [&](const std::string& pattern) { return config::name_matches(pattern, name); });
}

}  // namespace holdfast::core

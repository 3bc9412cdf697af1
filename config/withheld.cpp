// See withheld.h. Every part behind a dot counts for scripts (a.php.jpg, a.php.bak): Apache's AddHandler runs
// such names, so they hold source somewhere. Other endings count at the end of a name, behind what is added
// to copies and archives (dump.sql.2024-11-27.gz). What copies are called by may be joined to an ending, and carry a
// number: a.phpbak, a.old2.
#include "config/withheld.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "config/ascii.h"

namespace holdfast::config {

namespace {

// Longer ones before those that they begin with.
constexpr std::array<std::string_view, 6> kScripts = {"phtml", "phar", "phps", "phpt", "php", "pht"};
constexpr std::array<std::string_view, 6> kSource = {"inc",     "ctp",   "module",
                                                     "install", "theme", "engine"};  // PHP by custom
constexpr std::array<std::string_view, 4> kDumps = {"sqlite3", "sqlite", "sql", "env"};
constexpr std::array<std::string_view, 7> kCopies = {"backup", "bak", "old", "orig", "save", "sav", "copy"};
constexpr std::array<std::string_view, 25> kWrappings = {
    "gz",  "bz2", "xz",  "zst", "zstd", "br",  "lz4", "lzma", "lz",  "lzo",  "z",   "7z", "zip",
    "rar", "tar", "tgz", "tbz", "tbz2", "txz", "gpg", "asc",  "tmp", "part", "new", "txt"};
constexpr std::array<std::string_view, 9> kNames = {"composer.json", "composer.lock",     "auth.json",
                                                    "symfony.lock",  "package-lock.json", "pnpm-lock.yaml",
                                                    "yarn.lock",     "web.config",        "error_log"};

bool equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

template <class List>
bool is_any(std::string_view word, const List& list) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view item) { return equal(word, item); });
}

std::string_view without_number(std::string_view word) {
  while (!word.empty() && is_digit(word.back())) word.remove_suffix(1);
  return word;
}

// Its letters and digits up to the first other byte: "php~", "php old", "php,v" and "php" are one ending.
std::string_view leading_word(std::string_view part) {
  std::size_t end = 0;
  while (end < part.size() && is_letter_or_digit(part[end])) ++end;
  return part.substr(0, end);
}

// Vim's: from swp downwards. swf and swc are Flash's.
bool is_swap_word(std::string_view word) {
  if (word.size() != 3 || !equal(word.substr(0, 2), "sw")) return false;
  const char last = to_lower(word[2]);
  return is_letter(last) && last != 'f' && last != 'c';
}

bool is_copy_word(std::string_view word) {
  return is_any(without_number(word), kCopies) || is_swap_word(word);
}

// True for `word` behind one of `endings`, as a copy is called, with a number at most between them: "php1bak".
template <class List>
bool is_copy_of(std::string_view word, const List& endings) {
  return std::any_of(endings.begin(), endings.end(), [word](std::string_view ending) {
    if (word.size() <= ending.size() || !equal(word.substr(0, ending.size()), ending)) return false;
    std::string_view rest = word.substr(ending.size());
    while (!rest.empty() && is_digit(rest.front())) rest.remove_prefix(1);
    return is_copy_word(rest);
  });
}

// php3 to php8, as old Apache configurations map them.
bool is_script_word(std::string_view word) {
  if (is_any(word, kScripts)) return true;
  return word.size() == 4 && equal(word.substr(0, 3), "php") && is_digit(word[3]);
}

template <class Judge>
bool any_part(std::string_view name, Judge judge) {
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (judge(leading_word(name.substr(dot + 1)))) return true;
  }
  return false;
}

// A number or a date: what rotation and dumps append.
bool is_number(std::string_view part) {
  return !part.empty() &&
         std::all_of(part.begin(), part.end(), [](char c) { return is_digit(c) || c == '-' || c == '_'; });
}

// By the end of the name.
Withheld by_ending(std::string_view name) {
  for (;;) {
    while (name.ends_with('.') || name.ends_with(' ')) name.remove_suffix(1);
    if (name.ends_with('~')) return Withheld::copy;
    if (is_any(name, kNames)) return Withheld::dependencies;
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos) return Withheld::no;
    const std::string_view part = name.substr(dot + 1);
    const std::string_view word = leading_word(part);
    if (is_copy_word(word) || is_copy_of(word, kSource) || is_copy_of(word, kDumps)) return Withheld::copy;
    if (is_any(word, kDumps)) return Withheld::dump;
    if (is_any(word, kSource)) return Withheld::source;
    if (!is_any(word, kWrappings) && !is_number(part)) return Withheld::no;
    name = name.substr(0, dot);
  }
}

}  // namespace

Withheld withheld_as(std::string_view name) {
  if (name.starts_with('#') && name.ends_with('#')) return Withheld::copy;  // what Emacs saves by itself
  if (any_part(name, [](std::string_view word) { return is_copy_of(word, kScripts); })) return Withheld::copy;
  const Withheld kind = by_ending(name);
  if (kind != Withheld::copy && any_part(name, is_script_word)) return Withheld::source;
  return kind;
}

}  // namespace holdfast::config

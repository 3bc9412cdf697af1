// See nginx_alternatives.h.
#include "config/import/nginx_alternatives.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "config/import/nginx_conditions.h"
#include "config/import/nginx_words.h"

namespace holdfast::config {
namespace {

// Behind what stands at `at`: one byte, an escape, a class or a group.
std::size_t behind_atom(std::string_view regex, std::size_t at) {
  if (regex[at] == '\\') return std::min(at + 2, regex.size());
  if (regex[at] == '(') return behind_group(regex, at);
  if (regex[at] != '[') return at + 1;
  for (std::size_t i = at + 2; i < regex.size(); ++i) {
    if (regex[i] == '\\') {
      ++i;
    } else if (regex[i] == ']') {
      return i + 1;
    }
  }
  return regex.size();
}

// A path begins with '/'.
bool matches_nothing(std::string_view regex) {
  if (!regex.starts_with('^') || regex.size() < 2) return false;
  const std::size_t first = regex[1] == '\\' ? 2 : 1;
  if (first >= regex.size()) return false;
  const char c = regex[first];
  const bool literal =
      first == 2 ? c == '.' || c == '#' : std::isalnum(static_cast<unsigned char>(c)) || c == '#';
  return literal && (first + 1 == regex.size() ||
                     std::string_view("?*{").find(regex[first + 1]) == std::string_view::npos);
}

void expand(const std::string& regex, std::vector<std::string>& out) {
  if (matches_nothing(regex)) return;
  if (out.size() >= kAlternativesMax || is_hidden(regex) || pattern_of_regex(regex)) {
    out.push_back(regex);
    return;
  }
  const auto branches = branches_of(regex);
  if (branches.size() > 1) {
    for (const std::string& branch : branches) expand(branch, out);
    return;
  }
  for (std::size_t at = 0; at < regex.size(); at = behind_atom(regex, at)) {
    if (regex[at] != '(') continue;
    const bool plain = regex.compare(at, 3, "(?:") == 0;
    const std::size_t end = behind_group(regex, at);
    if ((!plain && regex.compare(at, 2, "(?") == 0) || regex[end - 1] != ')') continue;
    const std::size_t begin = at + (plain ? 3 : 1);
    auto inside = branches_of(std::string_view(regex).substr(begin, end - 1 - begin));
    const bool optional = end < regex.size() && regex[end] == '?';
    if (optional) inside.emplace_back();
    if (inside.size() < 2) continue;
    for (const std::string& branch : inside)
      expand(regex.substr(0, at) + branch + regex.substr(end + (optional ? 1 : 0)), out);
    return;
  }
  out.push_back(regex);
}

// What the groups take is asked for.
bool uses_groups(const std::vector<NginxDirective>& block) {
  return std::any_of(block.begin(), block.end(), [](const NginxDirective& d) {
    return uses_groups(d.block) || std::any_of(d.words.begin(), d.words.end(), [](const std::string& word) {
             const std::size_t dollar = word.find('$');
             return dollar != std::string::npos && dollar + 1 < word.size() &&
                    std::isdigit(static_cast<unsigned char>(word[dollar + 1])) != 0;
           });
  });
}

}  // namespace

std::size_t behind_group(std::string_view regex, std::size_t at) {
  for (++at; at < regex.size(); at = behind_atom(regex, at)) {
    if (regex[at] == ')') return at + 1;
  }
  return regex.size();
}

std::vector<std::string> branches_of(std::string_view regex) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < regex.size(); at = behind_atom(regex, at)) {
    if (regex[at] != '|') continue;
    out.emplace_back(regex.substr(begin, at - begin));
    begin = at + 1;
  }
  out.emplace_back(regex.substr(begin));
  return out;
}

void split_alternatives(std::vector<NginxDirective>& block) {
  std::vector<NginxDirective> out;
  for (NginxDirective& d : block) {
    split_alternatives(d.block);
    const NginxLocation of(d);
    std::vector<std::string> parts;
    if (d.name == "location" && of.regex && of.path.size() <= kRegexMax && !pattern_of_regex(of.path) &&
        !uses_groups(d.block))
      expand(of.path, parts);
    const bool said = std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
      return is_hidden(part) || pattern_of_regex(part).has_value();
    });
    if (!said) {
      out.push_back(std::move(d));
      continue;
    }
    for (const std::string& part : parts) {
      NginxDirective& each = out.emplace_back(d);
      each.words = {of.modifier, part};
    }
  }
  block = std::move(out);
}

}  // namespace holdfast::config

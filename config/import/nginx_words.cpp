// See nginx_words.h.
#include "config/import/nginx_words.h"

#include <algorithm>
#include <utility>

#include "config/import/nginx_alternatives.h"
#include "config/path_pattern.h"
#include "config/target_template.h"
#include "config/units.h"

namespace holdfast::config {
namespace {

constexpr std::string_view kSpecial = "\\^$.|?*+()[]{}";

bool takes(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool takes_end(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// A '.', but for that of a name that ends in .php: who forgets the backslash there means it so.
bool is_any_byte(std::string_view text) {
  return text.starts_with('.') && text.find_first_of("*+?{") != 1 && !text.starts_with(".php");
}

// One literal byte, perhaps behind a backslash; '\0' where something else stands.
char literal(std::string_view& text) {
  if (text.empty()) return '\0';
  if (text[0] == '\\') {
    if (text.size() < 2 || std::string_view("./-_ @~:").find(text[1]) == std::string_view::npos) return '\0';
    const char c = text[1];
    text.remove_prefix(2);
    return c;
  }
  const bool ending = text.starts_with(".php");
  if (kSpecial.find(text[0]) != std::string_view::npos && !ending) return '\0';
  const char c = text[0];
  text.remove_prefix(1);
  return c;
}

using Words = std::vector<std::string>;

// What ends in each of `ends`, for all that is there so far. Nothing where it is too much.
std::optional<Words> joined(const Words& begins, const Words& ends) {
  if (begins.size() * ends.size() > kChoiceWordsMax) return std::nullopt;
  Words out;
  for (const std::string& begin : begins) {
    for (const std::string& end : ends) out.push_back(begin + end);
  }
  return out;
}

std::optional<Words> words_of(std::string_view regex);

// One byte, `[op]`, or a group.
std::optional<Words> words_of_atom(std::string_view& text) {
  if (text.starts_with('(')) {
    const std::size_t end = behind_group(text, 0);
    const std::size_t begin = text.starts_with("(?:") ? 3 : 1;
    if (text[end - 1] != ')' || end <= begin) return std::nullopt;
    auto out = words_of(text.substr(begin, end - 1 - begin));
    text.remove_prefix(end);
    return out;
  }
  if (takes(text, "[")) {
    Words out;
    while (!takes(text, "]")) {
      const bool range = text.size() > 1 && text[1] == '-';
      const char c = range ? '\0' : literal(text);
      if (c == '\0' || c == ',' || c == '-') return std::nullopt;
      out.emplace_back(1, c);
    }
    return out;
  }
  const char c = literal(text);
  return c == '\0' || c == ',' ? std::nullopt : std::optional(Words{std::string(1, c)});
}

// "jpe?g" is jpeg and jpg; nothing where it is more than that.
std::optional<Words> words_of_branch(std::string_view branch) {
  std::optional<Words> out = Words{""};
  while (!branch.empty() && out) {
    auto ends = words_of_atom(branch);
    if (!ends) return std::nullopt;
    if (takes(branch, "?")) ends->emplace_back();
    out = joined(*out, *ends);
  }
  return out;
}

std::optional<Words> words_of(std::string_view regex) {
  Words out;
  for (const std::string& branch : branches_of(regex)) {
    const auto words = words_of_branch(branch);
    if (!words || out.size() + words->size() > kChoiceWordsMax) return std::nullopt;
    out.insert(out.end(), words->begin(), words->end());
  }
  return out;
}

// The inside of a group as words in braces.
std::optional<std::string> choice_of(std::string_view inside) {
  const auto words = words_of(inside);
  if (!words) return std::nullopt;
  std::string out;
  for (const std::string& word : *words) out += (&word == words->data() ? "" : ",") + word;
  return "{" + out + "}";
}

// The pieces between the anchors, from left to right.
class RegexReader {
 public:
  explicit RegexReader(std::string_view text) : text_(text) {}

  std::optional<PatternOfRegex> read() {
    while (!text_.empty()) {
      if (!piece()) return std::nullopt;
    }
    return std::move(out_);
  }

 private:
  bool star(std::string_view shape) {
    out_.pattern += shape;
    ++taken_;
    return true;
  }

  bool wide(bool taken) {
    out_.widened = out_.widened || taken;
    return taken;
  }

  bool stars(bool group) {
    const auto as = [&](std::string_view regex, std::string_view shape) {
      const std::string whole = group ? "(" + std::string(regex) + ")" : std::string(regex);
      if (!takes(text_, whole)) return false;
      star(shape);
      if (group) out_.groups.push_back(taken_);
      return true;
    };
    return as(".*?", "**") || as(".+?", "**") || as(".*", "**") || as(".+", "**") || as("[^/]+", "*") ||
           as("[^/]*", "*") || as("[^\\/]+", "*") || as("[^/]", "*") || wide(as("\\d+", "*")) ||
           wide(as("[0-9]+", "*")) || wide(as("\\w+", "*")) || wide(as("[_0-9a-zA-Z-]+", "*")) ||
           wide(as("[a-zA-Z0-9_-]+", "*"));
  }

  bool piece() {
    if (stars(true) || stars(false)) return true;
    if (text_.starts_with('(')) return choice();
    if (text_.starts_with('[')) return one_of();
    if (is_any_byte(text_)) {
      text_.remove_prefix(1);
      return wide(star("**"));
    }
    const char c = literal(text_);
    if (c == '\0') return false;
    if (takes(text_, "?")) {
      out_.pattern += std::string("{") + c + ",}";
      ++taken_;
    } else {
      out_.pattern += c;
    }
    return true;
  }

  bool one_of() {
    const std::size_t end = text_.find(']');
    const auto words = choice_of(text_.substr(0, std::min(end, text_.size() - 1) + 1));
    if (!words || end == std::string_view::npos) return false;
    text_.remove_prefix(end + 1);
    return star(*words);
  }

  bool choice() {
    const bool counted = !text_.starts_with("(?:");
    const std::size_t close = behind_group(text_, 0) - 1;
    if (text_[close] != ')') return false;
    const std::size_t begin = counted ? 1 : 3;
    if (close < begin) return false;
    const std::string_view inside = text_.substr(begin, close - begin);
    const auto words = choice_of(inside);
    if (!words) return false;
    std::size_t within = 0;  // groups in it, which have no star of their own
    for (std::size_t at = inside.find('('); at != std::string_view::npos; at = inside.find('(', at + 1))
      within += inside.compare(at, 2, "(?") == 0 ? 0 : 1;
    text_.remove_prefix(close + 1);
    std::string shape = *words;
    if (takes(text_, "?")) shape.insert(shape.size() - 1, ",");
    star(shape);
    if (counted) out_.groups.push_back(taken_);
    out_.groups.insert(out_.groups.end(), within, 0);
    return true;
  }

  std::string_view text_;
  PatternOfRegex out_;
  std::size_t taken_ = 0;  // stars and braces so far
};

struct Unit {
  char name;
  std::uint64_t factor;
};

std::optional<std::uint64_t> number_of(std::string_view text, std::initializer_list<Unit> units) {
  std::uint64_t factor = 1;
  if (!text.empty()) {
    const auto* const unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& each) { return each.name == text.back(); });
    if (unit != units.end()) {
      factor = unit->factor;
      text.remove_suffix(1);
    }
  }
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  const auto count = parse_count(text);
  if (!count.value || *count.value > (std::uint64_t{1} << 50) / factor) return std::nullopt;
  return *count.value * factor;
}

}  // namespace

std::optional<PatternOfRegex> pattern_of_regex(std::string_view regex) {
  if (regex.size() > kRegexMax) return std::nullopt;
  const bool at_start = takes(regex, "^");
  const bool at_segment = !at_start && (takes(regex, "(^|/)") || takes(regex, "(?:^|/)"));
  bool folder = false;
  const bool top_alone = at_start && regex == "/?$";
  for (const std::string_view end : {"(/|$)", "(?:/|$)", "($|/)", "(?:$|/)", "(/.*)?$", "(?:/.*)?$", "/?$"}) {
    if ((folder = takes_end(regex, end))) break;
  }
  const bool at_end = folder || (!regex.ends_with("\\$") && takes_end(regex, "$"));
  if (top_alone) return PatternOfRegex{"/", {}};
  if (regex.empty() && at_start && at_end && !folder) return std::nullopt;  // `^$`: no path is empty
  if (regex.empty() || (regex == "/" && !at_end)) return PatternOfRegex{"/**", {}};
  auto out = RegexReader(regex).read();
  if (!out) return std::nullopt;
  std::string& pattern = out->pattern;
  const bool slash_first = pattern.starts_with('/');
  std::size_t shift = 0;  // stars put in front
  if (at_start) {
    if (!slash_first && !pattern.starts_with('*')) return std::nullopt;
    out->rooted = !slash_first && !out->groups.empty() && out->groups[0] == 1;
    if (!slash_first) pattern = "/" + pattern;
  } else if (slash_first) {
    pattern.erase(0, 1);
  } else if (!at_segment && !pattern.starts_with("**")) {
    pattern = "*" + pattern;
    shift = 1;
  }
  if (folder) {
    pattern += "/";
  } else if (!at_end && !pattern.ends_with('/')) {
    pattern += pattern.ends_with("**") ? "" : pattern.ends_with('*') ? "*" : "**";
  } else if (at_end && pattern.ends_with('/') && pattern.size() > 1) {
    return std::nullopt;  // the folder itself, not what is in it
  }
  for (std::size_t& group : out->groups) group += shift;
  if (!parse_path_pattern(pattern).value) return std::nullopt;
  return out;
}

std::optional<std::string> target_of(std::string_view text, const std::vector<std::size_t>& groups,
                                     const std::string& server_name, bool redirect, bool rooted) {
  std::string out;
  // It has the client's query in it: what a `?` behind it drops is a second one.
  if (text.ends_with("$request_uri?")) text.remove_suffix(1);
  for (std::string_view rest = text; !rest.empty();) {
    if (rest[0] != '$') {
      out += rest[0];
      rest.remove_prefix(1);
      continue;
    }
    // The client's query comes by itself.
    if (takes(rest, "$is_args$args") || takes(rest, "$is_args$query_string")) continue;
    if (takes(rest, "$args") || takes(rest, "$query_string")) {
      if (!out.ends_with('?') && !out.ends_with('&')) return std::nullopt;
      out.pop_back();
      continue;
    }
    if (takes(rest, "$request_uri")) {
      out += "$uri";
    } else if (takes(rest, "$document_uri") || takes(rest, "$uri")) {
      out += redirect ? "$uri" : "$path";
    } else if (takes(rest, "$http_host") || takes(rest, "$host")) {
      out += "$host";
    } else if (takes(rest, "$server_name")) {
      out += server_name.empty() ? "$host" : server_name;
    } else if (takes(rest, "$scheme") && out.empty()) {
      out += "http";
    } else if (rest.size() > 1 && rest[1] >= '1' && rest[1] <= '9') {
      const auto group = static_cast<std::size_t>(rest[1] - '1');
      if (group >= groups.size() || groups[group] == 0 || groups[group] > kCapturesMax) return std::nullopt;
      const bool in_path = out.find('?') == std::string::npos;
      if (rooted && group == 0 && !(in_path && out.ends_with('/'))) out += '/';
      out += "$" + std::to_string(groups[group]);
      rest.remove_prefix(2);
    } else {
      return std::nullopt;
    }
  }
  const auto parsed = redirect ? parse_redirect_target(out) : parse_internal_target(out);
  return parsed.value ? std::optional(out) : std::nullopt;
}

std::optional<Expires> expires_of(std::string_view text) {
  if (text == "off") return Expires{};
  if (text == "max") return Expires{Expires::Kind::max, {}};
  if (text.starts_with('+')) text.remove_prefix(1);
  constexpr std::uint64_t kDay = 24ULL * 3600;
  const auto seconds = number_of(
      text,
      {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', kDay}, {'w', 7 * kDay}, {'M', 30 * kDay}, {'y', 365 * kDay}});
  if (!seconds || *seconds > 3650 * kDay) return std::nullopt;
  return Expires{Expires::Kind::after, std::chrono::seconds(*seconds)};
}

std::optional<Duration> time_of(std::string_view text) {
  if (text.ends_with("ms")) {
    const auto count = number_of(text.substr(0, text.size() - 2), {});
    return count && *count > 0 ? std::optional(Duration(*count)) : std::nullopt;
  }
  const auto seconds = number_of(text, {{'s', 1}, {'m', 60}, {'h', 3600}});
  if (!seconds || *seconds == 0 || *seconds > 24ULL * 3600) return std::nullopt;
  return Duration(std::chrono::seconds(*seconds));
}

std::optional<std::uint64_t> size_of(std::string_view text) {
  return number_of(
      text,
      {{'k', 1U << 10}, {'K', 1U << 10}, {'m', 1U << 20}, {'M', 1U << 20}, {'g', 1U << 30}, {'G', 1U << 30}});
}

}  // namespace holdfast::config

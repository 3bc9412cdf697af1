// See front_lines.h.
#include "proxy/doctor/front_lines.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace holdfast {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

// One line, without its end.
std::vector<std::string> split_words(std::string_view line, const WordRules& rules) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  const auto end_word = [&] {
    if (in_word) words.push_back(std::exchange(word, {}));
    in_word = false;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool escapes = quote == '"' || (quote == 0 && rules.backslash_everywhere);
    if (c == '\\' && escapes && i + 1 < line.size()) {
      // Before anything but a quote or itself the backslash may be part of a regular expression.
      const char next = line[++i];
      if (quote == '"' && next != '"' && next != '\\') word += c;
      word += next;
      in_word = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (is_blank(c)) {
      end_word();
    } else if (rules.quotes.find(c) != std::string_view::npos) {
      quote = c;
      in_word = true;
    } else if (c == '#' && (in_word ? rules.comment_within_word : rules.comment_anywhere || words.empty())) {
      break;
    } else {
      word += c;
      in_word = true;
    }
  }
  end_word();
  return words;
}

}  // namespace

const std::string& FrontLine::word(std::size_t index) const {
  static const std::string kNone;
  return index < words.size() ? words[index] : kNone;
}

bool FrontLine::has_word(std::string_view word) const {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string FrontLine::text() const {
  std::string out;
  for (const std::string& each : words) out += (out.empty() ? "" : " ") + each;
  return out;
}

std::vector<FrontLine> split_lines(std::string_view text, const std::string& file, const WordRules& rules) {
  std::vector<FrontLine> out;
  int number = 0;
  while (!text.empty() && out.size() < kFrontLinesMax) {
    std::string line;
    const int first = number + 1;
    bool goes_on = true;
    while (goes_on && !text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      line += text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++number;
      goes_on = rules.lines_go_on && line.ends_with('\\');
      if (goes_on) line.back() = ' ';
    }
    FrontLine each;
    each.words = split_words(line, rules);
    each.place = {file, first};
    if (!each.words.empty()) out.push_back(std::move(each));
  }
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<std::uint64_t> front_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<config::Duration> front_time(std::string_view text, config::Duration unit) {
  constexpr std::uint64_t kMost = 1000ULL * 366 * 24 * 3600;  // more is a mistake, and would overflow
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = front_number(text.substr(0, digits));
  if (!number || *number > kMost) return std::nullopt;
  const std::string_view suffix = text.substr(digits);
  using std::chrono::hours;
  using std::chrono::milliseconds;
  using std::chrono::minutes;
  using std::chrono::seconds;
  if (suffix == "us") return milliseconds(static_cast<std::int64_t>(*number / 1000));
  if (suffix == "ms") {
    unit = milliseconds(1);
  } else if (suffix == "s") {
    unit = seconds(1);
  } else if (suffix == "m") {
    unit = minutes(1);
  } else if (suffix == "h") {
    unit = hours(1);
  } else if (suffix == "d") {
    unit = hours(24);
  } else if (!suffix.empty()) {
    return std::nullopt;
  }
  return unit * static_cast<std::int64_t>(*number);
}

}  // namespace holdfast

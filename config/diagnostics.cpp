// See diagnostics.h. Everything that came from outside (the file, the environment) passes printable() before
// it can reach a terminal: a configuration file may hold escape sequences too.
#include "config/diagnostics.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "config/ascii.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kShownLineMax = 120;  // characters of a source line on each side of which we cut
constexpr std::size_t kQuotedMax = 60;
// A wrong file (a minified JSON, say) shall not fill the screen or the memory.
constexpr std::size_t kDiagnosticsMax = 200;
constexpr std::size_t kSourceLineMax = 16384;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Replaces control characters, C1 included (U+0080..U+009F, in UTF-8 C2 80..C2 9F), by \xNN.
std::string printable(std::string_view text, bool keep_tabs) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0 &&
                    is_continuation(text[i + 1]);
    if (c1) {
      byte = static_cast<unsigned char>(text[++i]);
    }
    if (c1 || byte == 0x7F || (byte < 0x20 && !(keep_tabs && byte == '\t'))) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += static_cast<char>(byte);
    }
  }
  return out;
}

// The part of the line around the column, and a caret below the column. Tabs stay tabs above and below, so
// that the caret stands right at any tab width.
std::string excerpt(std::string_view line, int column) {
  std::vector<std::string_view> characters;
  for (std::size_t begin = 0; begin < line.size();) {
    std::size_t end = begin + 1;
    while (end < line.size() && is_continuation(line[end])) {
      ++end;
    }
    characters.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  const auto at = static_cast<std::size_t>(std::max(column, 1) - 1);
  const std::size_t first = at > kShownLineMax ? at - kShownLineMax : 0;
  const std::size_t last = std::min(characters.size(), at + kShownLineMax);
  std::string shown = first > 0 ? "    ..." : "    ";
  std::string below = first > 0 ? "       " : "    ";
  for (std::size_t i = first; i < last; ++i) {
    const std::string text = printable(characters[i], true);
    shown += text;
    if (i < at) {
      below += text == "\t" ? text : std::string(text.size() > 1 && text[0] == '\\' ? text.size() : 1, ' ');
    }
  }
  if (at > last) {
    below += ' ';  // the place is past the end of the line: nothing to point at but the end
  }
  return shown + (last < characters.size() ? "...\n" : "\n") + below + "^\n";
}

// Edit distance in which a swap of neighbours counts once (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    last[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

// People also write max-body, maxBody and MAX_BODY: the same word to us.
std::string folded(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c != '_' && c != '-' && c != ' ') {
      out += to_lower(c);
    }
  }
  return out;
}

}  // namespace

Report::Report(std::string file, std::string_view text) {
  (void)add_file(std::move(file), text);
}

int Report::add_file(std::string name, std::string_view text) {
  File& file = files_.emplace_back();
  file.name = std::move(name);
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    file.lines.emplace_back(line);
    begin = end + 1;
    if (!line.empty()) {
      file.last_line = static_cast<int>(file.lines.size());
    }
  }
  return static_cast<int>(files_.size()) - 1;
}

void Report::error(Mark mark, std::string message, std::string hint) {
  has_errors_ = true;
  add(Severity::error, mark, std::move(message), std::move(hint));
}

void Report::warning(Mark mark, std::string message, std::string hint) {
  add(Severity::warning, mark, std::move(message), std::move(hint));
}

void Report::add(Severity severity, Mark mark, std::string message, std::string hint) {
  if (diagnostics_.size() >= kDiagnosticsMax) {
    ++left_off_;
    return;
  }
  const File& file = files_[static_cast<std::size_t>(mark.file)];
  const std::vector<std::string>& lines = file.lines;
  // What is missing at the end of the file is shown behind its last line.
  if (mark.line > file.last_line) {
    mark.line = file.last_line;
    mark.column = static_cast<int>(lines[static_cast<std::size_t>(file.last_line) - 1].size()) + 1;
  }
  Diagnostic diagnostic{severity, file.name, mark.line, mark.column, std::move(message), std::move(hint), {}};
  if (mark.line > 0 && lines[static_cast<std::size_t>(mark.line) - 1].size() <= kSourceLineMax) {
    diagnostic.source_line = lines[static_cast<std::size_t>(mark.line) - 1];
    // Marks count bytes; editors and people count characters.
    const std::string_view left = std::string_view(diagnostic.source_line)
                                      .substr(0, static_cast<std::size_t>(std::max(mark.column, 1) - 1));
    diagnostic.column -= static_cast<int>(std::count_if(left.begin(), left.end(), is_continuation));
  }
  diagnostics_.emplace_back(mark.file, std::move(diagnostic));
}

std::vector<Diagnostic> Report::take() {
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.first, a.second.line, a.second.column) <
           std::tuple(b.first, b.second.line, b.second.column);
  });
  std::vector<Diagnostic> out;
  for (auto& [file, diagnostic] : diagnostics_) out.push_back(std::move(diagnostic));
  if (left_off_ > 0) {
    const Severity severity = has_errors_ ? Severity::error : Severity::warning;
    out.push_back({severity, files_[0].name, 0, 0, "and " + std::to_string(left_off_) + " more", {}, {}});
  }
  return out;
}

std::string format_diagnostic(const Diagnostic& diagnostic) {
  std::string out = printable(diagnostic.file, false);
  if (diagnostic.line > 0) {
    out += ':' + std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column);
  }
  out += diagnostic.severity == Severity::error ? ": error: " : ": warning: ";
  out += printable(diagnostic.message, false);
  if (!diagnostic.hint.empty()) {
    out += "; " + printable(diagnostic.hint, false);
  }
  out += '\n';
  if (diagnostic.line > 0 && !diagnostic.source_line.empty()) {
    out += excerpt(diagnostic.source_line, diagnostic.column);
  }
  return out;
}

std::string format_diagnostics(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) out += format_diagnostic(diagnostic);
  return out;
}

std::string closest(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string wanted = folded(word.substr(0, 64));
  // A third of the letters may be wrong, three at most: beyond that a guess is noise.
  std::size_t best_distance = std::min<std::size_t>(3, std::max<std::size_t>(1, wanted.size() / 3)) + 1;
  std::string best;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(wanted, folded(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string found = closest(word, candidates);
  return found.empty() ? found : "did you mean '" + found + "'?";
}

std::string quote(std::string_view text) {
  if (text.size() <= kQuotedMax) {
    return "'" + std::string(text) + "'";
  }
  std::size_t end = kQuotedMax;
  while (end > 0 && is_continuation(text[end])) {
    --end;
  }
  return "'" + std::string(text.substr(0, end)) + "...'";
}

std::string join_words(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    out += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) -> unsigned { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(i);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || i + length > text.size()) {
      return i;
    }
    for (std::size_t k = 1; k < length; ++k) {
      if (!is_continuation(text[i + k])) {
        return i;
      }
    }
    // RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF.
    if ((lead == 0xE0 && byte(i + 1) < 0xA0) || (lead == 0xED && byte(i + 1) >= 0xA0) ||
        (lead == 0xF0 && byte(i + 1) < 0x90) || (lead == 0xF4 && byte(i + 1) >= 0x90)) {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace holdfast::config

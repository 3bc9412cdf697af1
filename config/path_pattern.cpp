// See path_pattern.h.
#include "config/path_pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/diagnostics.h"

namespace holdfast::config {
namespace {

using Piece = PathPattern::Piece;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

struct Refusal {
  std::string_view error;
  std::string_view hint;
};

constexpr std::string_view kNoRegex =
    "there are no regular expressions: * is any text within a segment, ** across, {a,b} one of several";

// The pattern with each pair of braces as one byte: what is in them is meant as it stands.
std::string without_braces(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t close = text[at] == '{' ? text.find('}', at) : std::string_view::npos;
    if (close != std::string_view::npos) at = close;
    out += text[at];
  }
  return out;
}

// "/c++/" and "/report (1).pdf" are paths; a sign that repeats what a path hardly holds, or ends a text, is
// none of theirs.
bool looks_like_regex(std::string_view text) {
  if (text.find_first_of("\\^|") != std::string_view::npos || text.ends_with('$')) return true;
  for (std::size_t at = 1; at < text.size(); ++at) {
    const char before = text[at - 1];
    const char c = text[at];
    if (c == '+' && std::string_view(".)]}*").find(before) != std::string_view::npos) return true;
    if (before == '(' && std::string_view("?.*[").find(c) != std::string_view::npos) return true;
    if (before == ')' && std::string_view("?*{").find(c) != std::string_view::npos) return true;
  }
  return false;
}

// What other languages write where a pattern is meant, and what no path can hold.
std::optional<Refusal> refused(std::string_view text) {
  const auto has = [text](std::string_view part) { return text.find(part) != std::string_view::npos; };
  const auto has_any = [text](std::string_view bytes) {
    return text.find_first_of(bytes) != std::string_view::npos;
  };
  const std::string padded = std::string(text) + "/";
  if (text.empty()) return Refusal{"is empty", "write a path such as /admin/, or a pattern such as *.sql"};
  if (text.size() > kPatternMax) return Refusal{"is longer than 1024 bytes", "write several patterns"};
  if (text.starts_with('!'))
    return Refusal{"begins with '!'",
                   "there are no exceptions: of two routes the later one's settings count"};
  if (text.starts_with("= ") || text.starts_with("~ ") || text.starts_with("~* ") || text.starts_with("^~ "))
    return Refusal{"is nginx's way of writing it",
                   "a leading / and no star is exactly that path; a trailing / is it and all below"};
  const std::string bare = without_braces(text);
  if (looks_like_regex(bare))
    return Refusal{
        "looks like a regular expression",
        "there are no regular expressions: * is any text within a segment, ** across, {a,b} one of "
        "several; a sign that is meant as it is stands in braces: {+}"};
  if (bare.find_first_of("[]") != std::string::npos) return Refusal{"holds '[' or ']'", kNoRegex};
  if (has_any("?#"))
    return Refusal{"holds '?' or '#'", "a pattern is for the path alone, a query is `when: { query: ... }`"};
  if (has_percent_code(text)) return Refusal{"holds a percent code", "write the path as it is when decoded"};
  if (has("//")) return Refusal{"holds '//'", "paths have single slashes when patterns see them"};
  if (padded.find("/../") != std::string::npos || padded.find("/./") != std::string::npos ||
      text.starts_with("./") || text.starts_with("../") || text == "." || text == "..")
    return Refusal{"holds '.' or '..' as a segment", "paths have none of them when patterns see them"};
  if (has("***")) return Refusal{"holds '***'", "* is any text within a segment, ** across"};
  if (text.front() == ' ' || text.back() == ' ') return Refusal{"has a blank at its end", "remove it"};
  if (std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
      }))
    return Refusal{"holds a control character", "remove it"};
  return std::nullopt;
}

// Between braces: words without stars. Returns what is wrong.
std::optional<Refusal> read_choice(std::string_view inside, Piece& piece) {
  if (inside.find('{') != std::string_view::npos)
    return Refusal{"holds braces in braces", "write several patterns"};
  if (inside.find('*') != std::string_view::npos)
    return Refusal{"holds a star in braces", "write several patterns"};
  if (inside.empty()) return Refusal{"holds empty braces", "write the words: {gif,png}"};
  piece.kind = Piece::Kind::choice;
  for (std::size_t begin = 0; begin <= inside.size();) {
    const std::size_t end = std::min(inside.find(',', begin), inside.size());
    piece.words.emplace_back(inside.substr(begin, end - begin));
    begin = end + 1;
  }
  if (piece.words.size() > kChoiceWordsMax)
    return Refusal{"has more than 64 words in braces", "write several patterns"};
  return std::nullopt;
}

// Splits into pieces. `text` has no trailing slash; `whole`: a piece begins and ends with a segment.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::optional<Refusal> split(std::vector<Piece>& out) {
    while (at_ < text_.size()) {
      if (text_[at_] == '*') {
        star(out);
      } else if (text_[at_] == '{') {
        const std::size_t close = text_.find('}', at_);
        if (close == std::string_view::npos) return Refusal{"has a '{' without its '}'", {}};
        Piece piece;
        if (auto bad = read_choice(text_.substr(at_ + 1, close - at_ - 1), piece)) return bad;
        out.push_back(std::move(piece));
        at_ = close + 1;
      } else if (text_[at_] == '}') {
        return Refusal{"has a '}' without its '{'", {}};
      } else {
        const std::size_t end = std::min(text_.find_first_of("*{}", at_), text_.size());
        out.push_back({Piece::Kind::literal, std::string(text_.substr(at_, end - at_)), {}});
        at_ = end;
      }
    }
    return std::nullopt;
  }

 private:
  void star(std::vector<Piece>& out) {
    const bool two = text_.substr(at_).starts_with("**");
    const bool begins = at_ == 0 || text_[at_ - 1] == '/';
    at_ += two ? 2 : 1;
    const bool ends = at_ == text_.size() || text_[at_] == '/';
    Piece::Kind kind = two ? Piece::Kind::across : Piece::Kind::star;
    if (begins && ends && !two) kind = Piece::Kind::segment;
    if (begins && two && at_ < text_.size() && text_[at_] == '/') {
      kind = Piece::Kind::folders;
      ++at_;  // its slash goes with it
    }
    out.push_back({kind, {}, {}});
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

bool has_percent_code(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (at + 2 < text.size() && is_hex(text[at + 1]) && is_hex(text[at + 2])) return true;
  }
  return false;
}

std::size_t PathPattern::captures() const {
  return static_cast<std::size_t>(std::count_if(
      pieces.begin(), pieces.end(), [](const Piece& piece) { return piece.kind != Piece::Kind::literal; }));
}

Parsed<PathPattern> parse_path_pattern(std::string_view text) {
  Parsed<PathPattern> out;
  const auto refuse = [&](const Refusal& why) {
    out.error = "the pattern " + quote(text) + " " + std::string(why.error);
    out.hint = why.hint;
    return out;
  };
  if (const auto why = refused(text)) return refuse(*why);
  PathPattern pattern;
  pattern.any_depth = !text.starts_with('/');
  std::string_view rest = text;
  if (rest.size() > 1 && rest.ends_with('/')) {
    pattern.folder = true;
    rest.remove_suffix(1);
  }
  if (const auto why = Splitter(rest).split(pattern.pieces)) return refuse(*why);
  if (pattern.captures() > kCapturesMax)
    return refuse({"has more than 9 stars and braces", "write several patterns"});
  out.value = std::move(pattern);
  return out;
}

}  // namespace holdfast::config

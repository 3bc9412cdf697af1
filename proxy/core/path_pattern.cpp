// See path_pattern.h. The matcher works from the last piece to the first: for each piece it notes the
// positions of the path from which this piece and all behind it match to the end. No guess is made, so none
// is taken back; what the stars took is read off from left to right afterwards.
#include "proxy/core/path_pattern.h"

#include <algorithm>
#include <utility>

#include "proxy/text/ascii.h"

namespace holdfast::core {
namespace {

using Piece = config::PathPattern::Piece;
using Kind = Piece::Kind;

// A row of bits for each piece, one bit for each position of the path, its end included.
class Reach {
 public:
  Reach(std::size_t rows, std::size_t positions) : words_((positions + 63) / 64) {
    if (rows * words_ <= few_.size()) {
      bits_ = few_.data();
    } else {
      many_.resize(rows * words_);
      bits_ = many_.data();
    }
  }
  Reach(const Reach&) = delete;
  Reach& operator=(const Reach&) = delete;

  bool at(std::size_t row, std::size_t position) const {
    return (bits_[row * words_ + position / 64] >> (position % 64) & 1) != 0;
  }
  void set(std::size_t row, std::size_t position) {
    bits_[row * words_ + position / 64] |= std::uint64_t{1} << (position % 64);
  }

 private:
  std::size_t words_;
  std::uint64_t* bits_ = nullptr;
  std::array<std::uint64_t, 64> few_{};  // enough for a path of 255 bytes and 15 pieces
  std::vector<std::uint64_t> many_;
};

bool has_at(std::string_view path, std::size_t position, std::string_view word) {
  return path.substr(position, word.size()) == word;
}

// Fills the row of `piece` from the row below it, which is that of the piece behind.
void fill(Reach& reach, std::size_t row, const Piece& piece, std::string_view path) {
  const std::size_t behind = row + 1;
  const std::size_t end = path.size();
  switch (piece.kind) {
    case Kind::literal:
      for (std::size_t p = 0; p + piece.text.size() <= end; ++p) {
        if (reach.at(behind, p + piece.text.size()) && has_at(path, p, piece.text)) reach.set(row, p);
      }
      return;
    case Kind::choice:
      for (const std::string& word : piece.words) {
        for (std::size_t p = 0; p + word.size() <= end; ++p) {
          if (reach.at(behind, p + word.size()) && has_at(path, p, word)) reach.set(row, p);
        }
      }
      return;
    case Kind::star:
      for (std::size_t p = end + 1; p-- > 0;) {
        if (reach.at(behind, p) || (p < end && path[p] != '/' && reach.at(row, p + 1))) reach.set(row, p);
      }
      return;
    case Kind::segment:
      for (std::size_t p = end; p-- > 0;) {
        if (path[p] != '/' && (reach.at(behind, p + 1) || reach.at(row, p + 1))) reach.set(row, p);
      }
      return;
    case Kind::across:
      for (std::size_t p = end + 1; p-- > 0;) {
        if (reach.at(behind, p) || (p < end && reach.at(row, p + 1))) reach.set(row, p);
      }
      return;
    case Kind::folders: {
      bool later = false;  // behind a slash further on the rest matches
      for (std::size_t p = end + 1; p-- > 0;) {
        if (later || reach.at(behind, p)) reach.set(row, p);
        if (p > 0 && path[p - 1] == '/' && reach.at(behind, p)) later = true;
      }
      return;
    }
  }
}

struct Step {
  std::size_t next;      // where the piece behind begins
  std::size_t taken_to;  // the end of what this one took
};

// How far the piece reaches from `p`, with which the row behind still matches.
Step furthest(const Reach& reach, std::size_t behind, const Piece& piece, std::string_view path,
              std::size_t p) {
  const std::size_t end = path.size();
  switch (piece.kind) {
    case Kind::literal: return {p + piece.text.size(), p + piece.text.size()};
    case Kind::choice:
      for (const std::string& word : piece.words) {
        const std::size_t next = p + word.size();
        if (next <= end && has_at(path, p, word) && reach.at(behind, next)) return {next, next};
      }
      return {p, p};
    case Kind::star:
    case Kind::segment:
    case Kind::across: {
      std::size_t next = piece.kind == Kind::across ? end : std::min(path.find('/', p), end);
      while (next > p && !reach.at(behind, next)) --next;
      return {next, next};
    }
    case Kind::folders:
      for (std::size_t next = end; next > p; --next) {
        if (path[next - 1] == '/' && reach.at(behind, next)) return {next, next - 1};
      }
      return {p, p};
  }
  return {p, p};
}

std::size_t least(const Piece& piece) {
  switch (piece.kind) {
    case Kind::literal: return piece.text.size();
    case Kind::segment: return 1;
    case Kind::star:
    case Kind::across:
    case Kind::folders: return 0;
    case Kind::choice:
      return std::min_element(piece.words.begin(), piece.words.end(),
                              [](const auto& a, const auto& b) { return a.size() < b.size(); })
          ->size();
  }
  return 0;
}

bool is_loose(const Piece& piece) {
  return piece.kind != Kind::literal && piece.kind != Kind::choice;
}

// All texts that the pieces from `first` up to `last` stand for; none where a star is among them, or they are
// too many.
std::vector<std::string> texts_of(const std::vector<Piece>& pieces, std::size_t first, std::size_t last) {
  constexpr std::size_t kTextsMax = 64;
  std::vector<std::string> out = {""};
  for (std::size_t i = first; i < last; ++i) {
    const Piece& piece = pieces[i];
    if (is_loose(piece) || out.size() * std::max<std::size_t>(1, piece.words.size()) > kTextsMax) return {};
    if (piece.kind == Kind::literal) {
      for (std::string& text : out) text += piece.text;
      continue;
    }
    std::vector<std::string> longer;
    for (const std::string& text : out) {
      for (const std::string& word : piece.words) longer.push_back(text + word);
    }
    out = std::move(longer);
  }
  return out;
}

template <class Test>
bool any_of(const std::vector<std::string>& texts, Test test) {
  return std::any_of(texts.begin(), texts.end(), test);
}

void make_lower(std::string& text) {
  for (char& c : text) c = text::to_lower(c);
}

// The path in small letters; of the same length, so that places in it are places in the path.
class SmallLetters {
 public:
  explicit SmallLetters(std::string_view path) {
    char* out = few_.data();
    if (path.size() > few_.size()) {
      many_.resize(path.size());
      out = many_.data();
    }
    std::transform(path.begin(), path.end(), out, text::to_lower);
    text_ = {out, path.size()};
  }
  SmallLetters(const SmallLetters&) = delete;
  SmallLetters& operator=(const SmallLetters&) = delete;
  std::string_view text() const { return text_; }

 private:
  std::array<char, 256> few_;
  std::string many_;
  std::string_view text_;
};

bool is_within(std::string_view path, const std::string& text) {
  for (std::size_t at = path.find(text); at != std::string_view::npos; at = path.find(text, at + 1)) {
    const std::size_t behind = at + text.size();
    if (behind == path.size() || path[behind] == '/') return true;
  }
  return false;
}

}  // namespace

PathPattern::PathPattern(config::PathPattern pattern, Case letters)
    : pattern_(std::move(pattern)), letters_(letters) {
  if (letters_ == Case::ignored) {
    for (Piece& piece : pattern_.pieces) {
      make_lower(piece.text);
      for (std::string& word : piece.words) make_lower(word);
    }
  }
  find_shape();
  if (letters_ == Case::ignored) {
    for (int byte = 'A'; byte <= 'Z'; ++byte) {
      if (last_[static_cast<std::size_t>(byte - 'A' + 'a')]) last_.set(static_cast<std::size_t>(byte));
    }
  }
}

void PathPattern::find_shape() {
  const std::vector<Piece>& pieces = pattern_.pieces;
  for (const Piece& piece : pieces) {
    shortest_ += least(piece);
    if (piece.text.size() > needle_.size()) needle_ = piece.text;
  }
  if (pattern_.any_depth) ++shortest_;
  if (!pattern_.any_depth) prefix_ = pieces.front().text;
  const auto loose = static_cast<std::size_t>(std::count_if(pieces.begin(), pieces.end(), is_loose));
  const auto first =
      static_cast<std::size_t>(std::find_if(pieces.begin(), pieces.end(), is_loose) - pieces.begin());
  const auto behind =
      static_cast<std::size_t>(pieces.rend() - std::find_if(pieces.rbegin(), pieces.rend(), is_loose));
  endings_ = texts_of(pieces, behind, pieces.size());  // behind the last star
  last_.set();
  if (!pattern_.folder && !endings_.empty() && !any_of(endings_, [](const auto& e) { return e.empty(); })) {
    last_.reset();
    for (const std::string& ending : endings_) last_.set(static_cast<unsigned char>(ending.back()));
  }
  if (endings_.empty()) return;

  const bool any_depth = pattern_.any_depth;
  if (loose == 0) {
    if (any_depth) {
      for (std::string& ending : endings_) ending.insert(0, 1, '/');
      shape_ = pattern_.folder ? Shape::within : Shape::ending;
    } else {
      starts_ = std::move(endings_);
      shape_ = pattern_.folder ? Shape::tree : Shape::exact;
    }
  } else if (loose > 1 || pattern_.folder) {
    return;
  } else if (any_depth && first == 0) {
    // `*.sql`, where the star takes the beginning of the name whatever it is; `**.php`, where it takes all.
    const bool name = pieces[0].kind == Kind::star &&
                      !any_of(endings_, [](const auto& e) { return e.find('/') != std::string::npos; });
    if (name || pieces[0].kind == Kind::across) shape_ = Shape::ending;
  } else if (!any_depth && pieces[first].kind == Kind::across) {
    starts_ = texts_of(pieces, 0, first);
    if (!starts_.empty()) shape_ = Shape::around;
  }
}

std::bitset<256> PathPattern::bytes_of(const std::vector<std::string>& texts, std::size_t place,
                                       bool from_end) const {
  std::bitset<256> out;
  if (texts.empty()) return out.set();
  for (const std::string& text : texts) {
    if (text.size() <= place) return out.set();
    const auto byte = static_cast<unsigned char>(text[from_end ? text.size() - 1 - place : place]);
    out.set(byte);
    if (letters_ == Case::ignored && byte >= 'a' && byte <= 'z')
      out.set(static_cast<std::size_t>(byte - 'a' + 'A'));
  }
  return out;
}

std::bitset<256> PathPattern::first_bytes() const {
  return bytes_of(starts_.empty() ? std::vector{prefix_} : starts_, 1, false);
}

std::bitset<256> PathPattern::second_last_bytes() const {
  if (pattern_.folder) return std::bitset<256>().set();
  return bytes_of(shape_ == Shape::exact ? starts_ : endings_, 1, true);
}

bool PathPattern::matches(std::string_view path) const {
  if (path.size() < shortest_ || path.empty() || !last_[static_cast<unsigned char>(path.back())])
    return false;
  return letters_ == Case::counts ? fits(path) : fits(SmallLetters(path).text());
}

bool PathPattern::fits(std::string_view path) const {
  switch (shape_) {
    case Shape::exact: return any_of(starts_, [path](const auto& text) { return path == text; });
    case Shape::tree:
      return any_of(starts_, [path](const auto& text) {
        return path.starts_with(text) && (path.size() == text.size() || path[text.size()] == '/');
      });
    case Shape::ending:
      return any_of(endings_, [path, last = path.back()](const auto& text) {
        return text.empty() || (text.back() == last && path.ends_with(text));
      });
    case Shape::within: return any_of(endings_, [path](const auto& text) { return is_within(path, text); });
    case Shape::around:
      return any_of(starts_, [&](const auto& start) {
        return path.starts_with(start) && any_of(endings_, [&](const auto& ending) {
                 return path.size() >= start.size() + ending.size() && path.ends_with(ending);
               });
      });
    case Shape::general: break;
  }
  return path.starts_with(prefix_) && path.find(needle_) != std::string_view::npos && find(path, nullptr);
}

bool PathPattern::matches(std::string_view path, Captures& captures) const {
  captures.count = 0;
  if (!matches(path)) return false;
  if (letters_ == Case::counts) return find(path, &captures);
  const SmallLetters small(path);
  (void)find(small.text(), &captures);
  for (std::size_t i = 0; i < captures.count; ++i) {
    std::string_view& taken = captures.texts[i];
    taken = path.substr(static_cast<std::size_t>(taken.data() - small.text().data()), taken.size());
  }
  return true;
}

bool PathPattern::find(std::string_view path, Captures* captures) const {
  const std::vector<Piece>& pieces = pattern_.pieces;
  Reach reach(pieces.size() + 1, path.size() + 1);
  reach.set(pieces.size(), path.size());
  if (pattern_.folder) {
    for (std::size_t p = 0; p < path.size(); ++p) {
      if (path[p] == '/') reach.set(pieces.size(), p);
    }
  }
  for (std::size_t row = pieces.size(); row-- > 0;) fill(reach, row, pieces[row], path);

  std::size_t at = 0;
  if (pattern_.any_depth) {
    at = 1;
    while (at <= path.size() && !(path[at - 1] == '/' && reach.at(0, at))) ++at;
    if (at > path.size()) return false;
  } else if (!reach.at(0, 0)) {
    return false;
  }
  for (std::size_t row = 0; captures != nullptr && row < pieces.size(); ++row) {
    const Step step = furthest(reach, row + 1, pieces[row], path, at);
    if (pieces[row].kind != Kind::literal)
      captures->texts[captures->count++] = path.substr(at, step.taken_to - at);
    at = step.next;
  }
  return true;
}

}  // namespace holdfast::core

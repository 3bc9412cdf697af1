// A second implementation of path patterns, by its own reading of their text: descends into each way the text
// may go, longest first, and remembers only where it failed. Slow and plain on purpose.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast {

class PathPatternOracle {
 public:
  // `ignore_case`: a letter from A to Z is the same as its small one.
  PathPatternOracle(std::string_view pattern, std::string_view path, bool ignore_case = false)
      : pattern_(pattern), path_(path), ignore_case_(ignore_case) {}

  // What the stars and braces took, or nothing where the path does not match.
  std::optional<std::vector<std::string>> match() {
    if (pattern_.size() > 1 && pattern_.ends_with('/')) {
      folder_ = true;
      pattern_.remove_suffix(1);
    }
    if (pattern_.starts_with('/')) {
      if (!descend(0, 0)) return std::nullopt;
      return taken_;
    }
    for (std::size_t at = 0; at < path_.size(); ++at) {
      if (path_[at] == '/' && descend(0, at + 1)) return taken_;
    }
    return std::nullopt;
  }

 private:
  bool descend(std::size_t p, std::size_t t) {
    if (failed_.contains({p, t})) return false;
    const bool fits = p == pattern_.size() ? ends(t)
                      : pattern_[p] == '*' ? stars(p, t)
                      : pattern_[p] == '{' ? braces(p, t)
                                           : byte(p, t);
    if (!fits) failed_.insert({p, t});
    return fits;
  }

  bool ends(std::size_t t) const { return t == path_.size() || (folder_ && path_[t] == '/'); }

  bool byte(std::size_t p, std::size_t t) {
    return t < path_.size() && same(path_[t], pattern_[p]) && descend(p + 1, t + 1);
  }

  bool same(char a, char b) const {
    if (a == b) return true;
    const char low = static_cast<char>(a | 0x20);
    return ignore_case_ && low >= 'a' && low <= 'z' && low == static_cast<char>(b | 0x20);
  }

  bool follows(std::string_view word, std::size_t t) const {
    if (word.size() > path_.size() - t) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (!same(word[i], path_[t + i])) return false;
    }
    return true;
  }

  bool take(std::size_t p, std::size_t t, std::size_t from, std::size_t to) {
    taken_.emplace_back(path_.substr(from, to - from));
    if (descend(p, t)) return true;
    taken_.pop_back();
    return false;
  }

  bool stars(std::size_t p, std::size_t t) {
    const bool two = p + 1 < pattern_.size() && pattern_[p + 1] == '*';
    const std::size_t behind = p + (two ? 2 : 1);
    const bool first = p == 0 || pattern_[p - 1] == '/';
    const bool slash = behind < pattern_.size() && pattern_[behind] == '/';
    if (two && first && slash) {  // any number of folders
      for (std::size_t end = path_.size(); end > t; --end) {
        if (path_[end - 1] == '/' && take(behind + 1, end, t, end - 1)) return true;
      }
      return take(behind + 1, t, t, t);
    }
    const bool whole = first && (slash || behind == pattern_.size());
    const std::size_t least = t + (whole && !two ? 1 : 0);
    std::size_t most = path_.size();
    if (!two) most = std::min(path_.find('/', t), most);
    for (std::size_t end = most + 1; end-- > least;) {
      if (take(behind, end, t, end)) return true;
    }
    return false;
  }

  bool braces(std::size_t p, std::size_t t) {
    const std::size_t close = pattern_.find('}', p);
    std::size_t begin = p + 1;
    while (begin <= close) {
      const std::size_t end = std::min(pattern_.find(',', begin), close);
      const std::string_view word = pattern_.substr(begin, end - begin);
      if (follows(word, t) && take(close + 1, t + word.size(), t, t + word.size())) return true;
      begin = end + 1;
    }
    return false;
  }

  std::string_view pattern_;
  std::string_view path_;
  bool ignore_case_;
  bool folder_ = false;
  std::set<std::pair<std::size_t, std::size_t>> failed_;
  std::vector<std::string> taken_;
};

}  // namespace holdfast

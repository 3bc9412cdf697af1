// Collects what is wrong with a file, each finding with its place and source line, and renders it for people.
// Also the "did you mean" search. Knows nothing of YAML or of the keys.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/node.h"

namespace holdfast::config {

class Report {
 public:
  Report(std::string file, std::string_view text);        // keeps its own copy of the lines
  int add_file(std::string name, std::string_view text);  // returns what Mark::file is in it

  void error(Mark mark, std::string message, std::string hint = {});
  void warning(Mark mark, std::string message, std::string hint = {});
  bool has_errors() const { return has_errors_; }
  std::vector<Diagnostic> take();  // by place; those of one place in the order they were found

 private:
  void add(Severity severity, Mark mark, std::string message, std::string hint);

  struct File {
    std::string name;
    std::vector<std::string> lines;
    int last_line = 1;  // that is not empty
  };
  std::vector<File> files_;
  std::vector<std::pair<int, Diagnostic>> diagnostics_;  // by file
  std::size_t left_off_ = 0;
  bool has_errors_ = false;
};

// The candidate that `word` most probably is a slip of, or empty when none is near.
std::string closest(std::string_view word, const std::vector<std::string>& candidates);

// "did you mean 'x'?" or empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// 'text' in single quotes, cut when it is long: for messages.
std::string quote(std::string_view text);

// "a, b or c"
std::string join_words(const std::vector<std::string>& words);

// Offset of the first byte that is not part of well-formed UTF-8 (RFC 3629), or npos.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace holdfast::config

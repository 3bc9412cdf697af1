// Lines of words, as Apache, HAProxy and Caddy write their configuration; nothing interpreted. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/duration.h"
#include "proxy/doctor/front_config.h"

namespace holdfast {

// A directive: its words, and the block behind it.
struct FrontLine {
  std::vector<std::string> words;  // the first: its name
  FrontPlace place;
  std::vector<FrontLine> block;
  bool has_block = false;

  const std::string& word(std::size_t index) const;  // "" where there are fewer
  bool has_word(std::string_view word) const;
  std::string text() const;  // for messages
};

// How a language writes words.
struct WordRules {
  std::string_view quotes = "\"'";    // around words or parts of them
  bool backslash_everywhere = false;  // it protects the next character outside of quotes, too
  bool comment_anywhere = false;      // '#' begins a comment at the begin of any word, else of a line only
  bool comment_within_word = false;   // and within a word
  bool lines_go_on = false;           // with a backslash at the end
};

// Lines without words are left out; the blocks are for the caller to find.
std::vector<FrontLine> split_lines(std::string_view text, const std::string& file, const WordRules& rules);

constexpr int kFrontDepthMax = 32;              // blocks in blocks, files in files
constexpr std::size_t kFrontFilesMax = 1000;    // of one configuration
constexpr std::size_t kFrontLinesMax = 200000;  // of one configuration, with all that it includes

std::string lower_case(std::string_view text);
// "90" in `unit`, "1500ms", "5m", "2h", "1d"; nothing for anything else.
std::optional<config::Duration> front_time(std::string_view text, config::Duration unit);
std::optional<std::uint64_t> front_number(std::string_view text);  // decimal, the whole of it

}  // namespace holdfast

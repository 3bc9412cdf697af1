// nginx's configuration language as a tree: directives with words and blocks, nothing interpreted. Pure: text
// in, tree out. After ngx_conf_file.c: words end at blanks, ';' and braces; quotes and backslashes protect.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

struct NginxDirective {
  std::string name;
  std::vector<std::string>
      words;  // behind the name; quotes taken off, backslashes of regular expressions kept
  std::vector<NginxDirective> block;
  bool has_block = false;
  std::string file;
  int line = 0;  // 1-based, of the name

  std::string text() const;                          // "name word word", for messages
  const std::string& word(std::size_t index) const;  // "" where there are fewer
};

// What could not be said in our words, or was not needed, and where it stands.
struct ImportNote {
  std::string file;
  int line = 0;
  std::string text;
};

struct NginxTree {
  std::vector<NginxDirective> directives;
  std::vector<ImportNote> problems;  // what is no nginx; the tree then ends before it
};

constexpr std::size_t kNginxTextMax = std::size_t{1} << 20;  // bytes of a file
constexpr int kNginxDepthMax = 32;                           // blocks in blocks

NginxTree parse_nginx(std::string_view text, const std::string& file);

}  // namespace holdfast::config

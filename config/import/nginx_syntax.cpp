// See nginx_syntax.h.
#include "config/import/nginx_syntax.h"

#include <utility>

namespace holdfast::config {
namespace {

class NginxParser {
 public:
  NginxParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  NginxTree parse() {
    NginxTree tree;
    if (text_.size() > kNginxTextMax) {
      problem("has more than 1 MiB");
    } else {
      read_block(tree.directives, 0);
    }
    tree.problems = std::move(problems_);
    return tree;
  }

 private:
  enum class Token : unsigned char { word, end_of_directive, open, close, end_of_text };

  void problem(std::string text) {
    if (problems_.empty()) problems_.push_back({file_, line_, std::move(text)});
    at_ = text_.size();
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char take() {
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }

  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  void skip_blanks() {
    while (at_ < text_.size()) {
      if (is_blank(peek())) {
        take();
      } else if (peek() == '#') {
        while (at_ < text_.size() && peek() != '\n') take();
      } else {
        return;
      }
    }
  }

  Token next(std::string& word) {
    skip_blanks();
    word.clear();
    if (at_ >= text_.size()) return Token::end_of_text;
    switch (peek()) {
      case ';': take(); return Token::end_of_directive;
      case '{': take(); return Token::open;
      case '}': take(); return Token::close;
      case '"':
      case '\'': quoted(word); return Token::word;
      default: break;
    }
    while (at_ < text_.size() && !is_blank(peek()) && peek() != ';' && peek() != '{') {
      if (peek() == '\\' && at_ + 1 < text_.size()) word += take();
      const bool variable = peek() == '$' && at_ + 1 < text_.size() && text_[at_ + 1] == '{';
      word += take();
      if (!variable) continue;
      while (at_ < text_.size() && peek() != '}' && !is_blank(peek())) word += take();
      if (peek() == '}') word += take();
    }
    return Token::word;
  }

  // Only the quote itself and blanks need a backslash here; one in front of anything else is the word's.
  void quoted(std::string& word) {
    const int begun = line_;
    const char quote = take();
    while (at_ < text_.size() && peek() != quote) {
      if (peek() == '\\' && at_ + 1 < text_.size()) {
        const char escaped = text_[at_ + 1];
        const char backslash = take();
        if (escaped != quote) word += backslash;
      }
      word += take();
    }
    if (at_ >= text_.size()) {
      line_ = begun;
      problem("a quote is opened here and never closed");
      return;
    }
    take();
  }

  // Code of another language, which may hold anything but unbalanced braces.
  void skip_code() {
    int depth = 1;
    while (at_ < text_.size() && depth > 0) {
      const char c = take();
      depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    }
  }

  void read_block(std::vector<NginxDirective>& out, int depth) {
    NginxDirective directive;
    bool begun = false;  // the name may be an empty text: `map` has such
    std::string word;
    const auto finish = [&] {
      out.push_back(std::exchange(directive, {}));
      begun = false;
    };
    while (true) {
      const Token token = next(word);
      if (!problems_.empty()) return;
      switch (token) {
        case Token::word:
          if (begun) {
            directive.words.push_back(word);
          } else {
            directive.name = word;
            directive.file = file_;
            directive.line = line_;
            begun = true;
          }
          break;
        case Token::end_of_directive:
          if (!begun) return problem("';' stands behind nothing");
          finish();
          break;
        case Token::open:
          if (!begun) return problem("'{' stands behind nothing");
          if (depth + 1 > kNginxDepthMax) return problem("blocks are nested too deeply");
          directive.has_block = true;
          if (directive.name.ends_with("_by_lua_block")) {
            skip_code();
          } else {
            read_block(directive.block, depth + 1);
          }
          finish();
          break;
        case Token::close:
          if (begun) return problem("'" + directive.name + "' has no ';'");
          if (depth == 0) return problem("'}' closes nothing");
          return;
        case Token::end_of_text:
          if (begun) return problem("'" + directive.name + "' has no ';'");
          if (depth > 0) return problem("a '{' is never closed");
          return;
      }
    }
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<ImportNote> problems_;
};

}  // namespace

std::string NginxDirective::text() const {
  std::string out = name;
  for (const std::string& each : words) out += " " + each;
  return out.size() > 120 ? out.substr(0, 117) + "..." : out;
}

const std::string& NginxDirective::word(std::size_t index) const {
  static const std::string kNone;
  return index < words.size() ? words[index] : kNone;
}

NginxTree parse_nginx(std::string_view text, const std::string& file) {
  return NginxParser(text, file).parse();
}

}  // namespace holdfast::config

// See lighttpd_tree.h.
#include "proxy/doctor/lighttpd_tree.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "proxy/doctor/front_lines.h"

namespace holdfast {

namespace {

using Settings = std::vector<LighttpdSetting>;

struct Token {
  enum class Is : std::uint8_t { word, string, sign, end };
  Is is = Is::end;
  std::string text;
  int line = 0;
  bool operator==(std::string_view sign_text) const { return is == Is::sign && text == sign_text; }
};

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_' || c == '$';
}

std::vector<Token> tokens_of(std::string_view text) {
  constexpr std::string_view kSigns[] = {"+=", ":=", "=>", "==", "!=", "=~", "!~", "=^", "=$"};
  std::vector<Token> out;
  int line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::size_t begin = i;
    const int begin_line = line;
    if (c == '\n') ++line;
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++i;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '"' || c == '\'') {
      std::string word;
      for (++i; i < text.size() && text[i] != c; ++i) {
        if (text[i] == '\n') ++line;
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        word += text[i];
      }
      i = std::min(i + 1, text.size());
      out.push_back({Token::Is::string, word, begin_line});
    } else if (is_word_char(c)) {
      while (i < text.size() && is_word_char(text[i])) ++i;
      out.push_back({Token::Is::word, std::string(text.substr(begin, i - begin)), line});
    } else {
      const auto sign = std::find(std::begin(kSigns), std::end(kSigns), text.substr(i, 2));
      i += sign != std::end(kSigns) ? 2 : 1;
      out.push_back({Token::Is::sign, std::string(text.substr(begin, i - begin)), line});
    }
  }
  out.push_back({Token::Is::end, "the end of the file", line});
  return out;
}

class LighttpdTreeReader {
 public:
  LighttpdTreeReader(const FrontFiles& files, LighttpdTree& out) : files_(files), out_(out) {}

  void read(std::string_view text, const std::string& name, Settings& out, int depth) {
    const auto outer = std::pair(std::move(tokens_), at_);
    const std::string outer_file = std::exchange(file_, name);
    tokens_ = tokens_of(text);
    at_ = 0;
    read_block(out, depth, false);
    tokens_ = outer.first;
    at_ = outer.second;
    file_ = outer_file;
  }

 private:
  const Token& now() const { return tokens_[std::min(at_, tokens_.size() - 1)]; }
  Token next() {
    Token token = now();
    ++at_;
    return token;
  }
  bool fails() const { return !out_.problems.empty(); }
  FrontPlace here() const { return {file_, now().line}; }

  void problem(const std::string& expected) {
    if (!fails()) out_.problems.push_back({file_, now().line, expected + " expected before " + now().text});
  }
  void expect(std::string_view sign) {
    if (!(now() == sign)) return problem("'" + std::string(sign) + "'");
    ++at_;
  }
  void note(const FrontPlace& place, const std::string& text) {
    out_.unclear.push_back({place.file, place.line, text});
  }

  void read_block(Settings& out, int depth, bool braces) {
    if (depth > kFrontDepthMax) return problem("less depth");
    while (!fails()) {
      if (now().is == Token::Is::end) {
        if (braces) problem("'}'");
        return;
      }
      if (now() == "}" && braces) {
        ++at_;
        return;
      }
      if (now() == "," || now() == ";") {  // separators are optional
        ++at_;
        continue;
      }
      if (now().is != Token::Is::word) return problem("a name");
      read_statement(out, depth);
    }
  }

  void read_statement(Settings& out, int depth) {
    const FrontPlace place = here();
    const std::string name = next().text;
    if (name == "include") return include(place, out, depth);
    if (name == "include_shell") return include_shell(place, out, depth);
    if (name.starts_with('$') || name == "else" || name == "elseif" || name == "elsif")
      return read_condition(place, out, depth);
    LighttpdSetting setting;
    setting.name = name;
    setting.place = place;
    setting.adds = now() == "+=";
    if (!setting.adds && !(now() == "=") && !(now() == ":=")) return problem("'='");
    ++at_;
    setting.value = read_value(0);
    if (name.starts_with("var.")) variables_[name.substr(4)] = setting.value;
    if (name.find('.') == std::string::npos) variables_[name] = setting.value;
    out.push_back(std::move(setting));
  }

  // $HTTP["host"] == "x" { ... }, else { ... }, else if ... { ... }
  void read_condition(const FrontPlace& place, Settings& out, int depth) {
    while (!fails() && !(now() == "{")) {
      if (now().is == Token::Is::end) return problem("'{'");
      ++at_;
    }
    ++at_;
    LighttpdSetting setting;
    setting.place = place;
    read_block(setting.block, depth + 1, true);
    out.push_back(std::move(setting));
  }

  LighttpdValue read_value(int depth) {
    LighttpdValue value = read_part(depth);
    while (!fails() && now() == "+") {
      ++at_;
      LighttpdValue more = read_part(depth);
      value.understood = value.understood && more.understood;
      value.text += more.text;
      std::move(more.items.begin(), more.items.end(), std::back_inserter(value.items));
    }
    return value;
  }

  LighttpdValue read_part(int depth) {
    LighttpdValue value;
    value.place = here();
    if (depth > kFrontDepthMax) {
      problem("less depth");
    } else if (now() == "(") {
      ++at_;
      read_array(value, depth);
    } else if (now().is == Token::Is::string) {
      value.text = next().text;
    } else if (now().is == Token::Is::word) {
      take_word(next().text, value);
    } else {
      problem("a value");
    }
    return value;
  }

  void take_word(const std::string& word, LighttpdValue& value) const {
    if (std::isdigit(static_cast<unsigned char>(word[0])) != 0 || word == "enable" || word == "disable") {
      value.text = word;
      return;
    }
    const auto found = variables_.find(word.starts_with("var.") ? word.substr(4) : word);
    const FrontPlace place = value.place;
    if (found != variables_.end()) value = found->second;
    value.place = place;
    if (found == variables_.end()) value.understood = false;  // env.X, server.port
  }

  void read_array(LighttpdValue& array, int depth) {
    array.is_array = true;
    while (!fails() && !(now() == ")")) {
      LighttpdValue value = read_value(depth + 1);
      std::string key;
      if (now() == "=>") {
        ++at_;
        key = value.text;
        value = read_value(depth + 1);
      }
      array.items.push_back({std::move(key), std::move(value)});
      if (!(now() == ")")) expect(",");
    }
    expect(")");
  }

  void include(const FrontPlace& place, Settings& out, int depth) {
    const LighttpdValue name = read_value(0);
    if (fails()) return;
    if (!name.understood) return note(place, "include of a variable is not read");
    take_files(name.text, place, out, depth);
  }

  // Debian's scripts are known: one includes, the others set a port and types of files.
  void include_shell(const FrontPlace& place, Settings& out, int depth) {
    const std::string command = read_value(0).text;
    if (command.find("include-conf-enabled.pl") != std::string::npos) {
      take_files("/etc/lighttpd/conf-enabled/*.conf", place, out, depth);
    } else if (command.find("use-ipv6.pl") == std::string::npos &&
               command.find("create-mime") == std::string::npos) {
      note(place, "include_shell \"" + command + "\": what that prints is not read");
    }
  }

  void take_files(const std::string& pattern, const FrontPlace& place, Settings& out, int depth) {
    const std::vector<FrontFile> found = files_(pattern);
    if (found.empty() && pattern.find('*') == std::string::npos)
      note(place, "include \"" + pattern + "\": there is no such file");
    for (const FrontFile& each : found) {
      if (++count_ > kFrontFilesMax) return note(place, "too many files");
      read(each.text, each.name, out, depth + 1);
    }
  }

  const FrontFiles& files_;
  LighttpdTree& out_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::string file_;
  std::map<std::string, LighttpdValue> variables_;
  std::size_t count_ = 0;
};

}  // namespace

const LighttpdValue* LighttpdValue::find(std::string_view key) const {
  const auto at =
      std::find_if(items.begin(), items.end(), [key](const auto& each) { return each.key == key; });
  return at != items.end() ? &at->value : nullptr;
}

LighttpdTree read_lighttpd_tree(std::string_view text, const std::string& file, const FrontFiles& files) {
  LighttpdTree out;
  LighttpdTreeReader(files, out).read(text, file, out.settings, 0);
  return out;
}

}  // namespace holdfast

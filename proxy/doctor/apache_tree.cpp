// See apache_tree.h.
#include "proxy/doctor/apache_tree.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace holdfast {

namespace {

using Lines = std::vector<FrontLine>;

// In the program itself, as Debian and Fedora build it.
constexpr std::string_view kBuiltIn[] = {"core",       "so",    "http",    "watchdog",
                                         "log_config", "logio", "version", "unixd"};

class ApacheTreeReader {
 public:
  ApacheTreeReader(const FrontFiles& files, ApacheTree& out) : files_(files), out_(out) {}

  void read_variables(const std::string& text) {  // Debian's envvars, a shell script
    WordRules rules;
    for (const FrontLine& line : split_lines(text, "", rules)) {
      if (line.word(0) != "export") continue;
      const std::size_t equals = line.word(1).find('=');
      if (equals == std::string::npos) continue;
      std::string value = line.word(1).substr(equals + 1);
      // Only set where several instances run; else the suffix is empty.
      if (const std::size_t suffix = value.find("$SUFFIX"); suffix != std::string::npos)
        value.erase(suffix, 7);
      if (value.find('$') == std::string::npos) variables_[line.word(1).substr(0, equals)] = value;
    }
  }

  void read(std::string_view text, const std::string& name, Lines& out, int depth) {
    WordRules rules;
    rules.lines_go_on = true;
    Lines lines = split_lines(text, name, rules);
    std::size_t at = 0;
    read_section(lines, at, "", {name, 1}, out, depth);
    if (at < lines.size() && out_.problems.empty())
      problem(lines[at].place, lines[at].text() + " ends nothing");
  }

 private:
  // Up to the end of the section `name`, or of the file where that is empty.
  void read_section(Lines& lines, std::size_t& at, const std::string& name, const FrontPlace& begin,
                    Lines& out, int depth) {
    if (depth > kFrontDepthMax) return problem(begin, "sections and files lie too deep");
    while (at < lines.size() && out_.problems.empty()) {
      FrontLine line = lines[at];
      if (line.words[0].starts_with("</")) {
        if (lower_case(line.words[0]) == "</" + name + ">" && !name.empty()) {
          ++at;
          return;
        }
        return problem(lines[at].place, lines[at].text() + " ends nothing");
      }
      ++at;
      for (std::string& word : line.words) put_in_variables(word);
      if (line.words[0].starts_with('<')) {
        open_section(lines, at, std::move(line), out, depth);
      } else {
        take(std::move(line), out, depth);
      }
    }
    if (!name.empty()) problem(begin, "<" + name + " ...> has no end");
  }

  void open_section(Lines& lines, std::size_t& at, FrontLine line, Lines& out, int depth) {
    std::string& last = line.words.back();
    if (last.ends_with('>')) last.pop_back();
    if (last.empty()) line.words.pop_back();
    if (line.words.empty() || line.words[0].size() < 2) return problem(line.place, "'<' without a name");
    line.words[0] = lower_case(line.words[0]);
    const std::string name = line.words[0].substr(1);
    Lines block;
    const bool skipped = !holds(name, line);
    const std::size_t begin = at;
    // What is skipped loads nothing and includes nothing.
    skipping_ += skipped ? 1 : 0;
    read_section(lines, at, name, line.place, block, depth + 1);
    skipping_ -= skipped ? 1 : 0;
    tell_unknown(name, line, passes_on(lines, begin, at), skipped);
    if (skipped) return;
    if (name == "ifmodule" || name == "ifdefine" || name == "iffile" || name == "ifversion" ||
        name == "ifdirective" || name == "ifsection") {
      std::move(block.begin(), block.end(), std::back_inserter(out));
      return;
    }
    line.has_block = true;
    line.block = std::move(block);
    out.push_back(std::move(line));
  }

  bool holds(const std::string& name, const FrontLine& line) {
    std::string_view what = line.word(1);
    const bool negated = what.starts_with('!');
    if (negated) what.remove_prefix(1);
    if (name == "ifmodule") return is_loaded(what) != negated;
    if (name == "ifdefine") return defined_.contains(std::string(what)) != negated;
    if (name == "macro") {
      note(line, "macros are not read");
      return false;
    }
    return true;
  }

  // What was given to httpd by -D, its version, and which files there are is not known here.
  void tell_unknown(const std::string& name, const FrontLine& line, bool passes, bool skipped) {
    const bool known = name != "ifdefine" && name != "iffile" && name != "ifversion" &&
                       name != "ifdirective" && name != "ifsection";
    if (known || !passes) return;
    if (name == "ifdefine" && defined_.contains(line.word(1))) return;
    note(line, std::string("whether that holds is not known; what is within was ") +
                   (skipped ? "left out" : "read"));
  }

  // Whether one of these lines speaks FastCGI.
  static bool passes_on(const Lines& lines, std::size_t begin, std::size_t end) {
    return std::any_of(
        lines.begin() + static_cast<std::ptrdiff_t>(begin), lines.begin() + static_cast<std::ptrdiff_t>(end),
        [](const FrontLine& line) { return line.text().find("fcgi://") != std::string::npos; });
  }

  // By its identifier or by the name of its source. Where nothing is loaded this is part of a configuration.
  bool is_loaded(std::string_view what) const {
    if (!out_.loads_modules) return true;
    std::string name(what);
    if (name.starts_with("mod_") && name.ends_with(".c")) {
      name = name.substr(4, name.size() - 6);
      if (name == "php8" || name == "php") return loaded_.contains("php_module");
    } else if (name.ends_with("_module")) {
      name.resize(name.size() - 7);
    }
    if (std::find(std::begin(kBuiltIn), std::end(kBuiltIn), name) != std::end(kBuiltIn)) return true;
    return loaded_.contains(name + "_module");
  }

  void take(FrontLine line, Lines& out, int depth) {
    if (skipping_ > 0) return;
    const std::string name = lower_case(line.words[0]);
    line.words[0] = name;
    if (name == "loadmodule") {
      out_.loads_modules = true;
      loaded_.insert(line.word(1));
      if (line.word(1) == "proxy_fcgi_module") out_.has_proxy_fcgi = true;
    } else if (name == "serverroot") {
      server_root_ = line.word(1);
    } else if (name == "define") {
      defined_.insert(line.word(1));
      if (line.words.size() > 2) variables_[line.word(1)] = line.word(2);
    } else if (name == "undefine") {
      defined_.erase(line.word(1));
      variables_.erase(line.word(1));
    } else if (name == "include" || name == "includeoptional") {
      return include(line, out, depth);
    } else if (name == "use") {
      note(line, "macros are not read");
    }
    out.push_back(std::move(line));
  }

  void include(const FrontLine& line, Lines& out, int depth) {
    std::string pattern = line.word(1);
    if (!pattern.starts_with('/') && !server_root_.empty()) pattern = server_root_ + "/" + pattern;
    std::vector<FrontFile> found = files_(pattern);
    if (found.empty() && !pattern.ends_with('*')) found = files_(pattern + "/*");  // a folder, perhaps
    if (found.empty() && line.word(0) == "include" && pattern.find('*') == std::string::npos)
      note(line, "there is no such file");
    for (const FrontFile& each : found) {
      if (++count_ > kFrontFilesMax) return note(line, "too many files");
      read(each.text, each.name, out, depth + 1);
    }
  }

  void put_in_variables(std::string& word) const {
    std::size_t at = 0;
    while ((at = word.find("${", at)) != std::string::npos) {
      const std::size_t end = word.find('}', at);
      if (end == std::string::npos) return;
      const auto found = variables_.find(word.substr(at + 2, end - at - 2));
      if (found == variables_.end()) {
        at = end;
        continue;
      }
      word.replace(at, end - at + 1, found->second);
      at += found->second.size();
    }
  }

  void note(const FrontLine& line, const std::string& why) {
    if (skipping_ == 0) out_.unclear.push_back({line.place.file, line.place.line, line.text() + ": " + why});
  }
  void problem(const FrontPlace& place, const std::string& text) {
    if (out_.problems.empty()) out_.problems.push_back({place.file, place.line, text});
  }

  const FrontFiles& files_;
  ApacheTree& out_;
  std::string server_root_;
  std::map<std::string, std::string> variables_;
  std::set<std::string> defined_;
  std::set<std::string> loaded_;
  std::size_t count_ = 0;
  int skipping_ = 0;
};

}  // namespace

ApacheTree read_apache_tree(std::string_view text, const std::string& file, const FrontFiles& files) {
  ApacheTree out;
  ApacheTreeReader reader(files, out);
  for (const FrontFile& each : files("envvars")) reader.read_variables(each.text);
  reader.read(text, file, out.lines, 0);
  return out;
}

}  // namespace holdfast

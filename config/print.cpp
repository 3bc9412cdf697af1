// to_yaml() and to_brief_yaml(): the effective configuration, from the tables of the schema.
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/load.h"
#include "config/pool.h"
#include "config/schema.h"
#include "config/site.h"
#include "config/writer.h"

namespace holdfast::config {
namespace {

// A line of YAML as the Writer prints it.
struct Line {
  std::size_t indent = 0;  // of its key, behind a dash
  bool dash = false;
  std::string text;  // "key: value", or "key:" of a block

  bool opens() const { return text.ends_with(':'); }
};

std::vector<Line> lines_of(const std::string& yaml) {
  std::vector<Line> out;
  for (std::size_t begin = 0; begin < yaml.size();) {
    const std::size_t end = yaml.find('\n', begin);
    std::string_view line = std::string_view(yaml).substr(begin, end - begin);
    const std::size_t first = line.find_first_not_of(' ');
    const bool dash = line.substr(first).starts_with("- ");
    const std::size_t indent = first + (dash ? 2 : 0);
    out.push_back({indent, dash, std::string(line.substr(indent))});
    begin = end + 1;
  }
  return out;
}

// Each line with the top-level section it stands in: defaults are compared within it.
std::set<std::string> defaults() {
  Config plain;
  plain.pools.emplace_back().name = "NAME";
  plain.sites.emplace_back();
  std::set<std::string> out;
  std::string section;
  for (const Line& line : lines_of(to_yaml(plain))) {
    if (line.indent == 0) section = line.text.substr(0, line.text.find(':'));
    if (!line.opens()) out.insert(section + std::string(line.indent, ' ') + line.text);
  }
  return out;
}

}  // namespace

std::string to_yaml(const Config& config) {
  Writer writer;
  write_config(writer, config);
  return writer.take_text();
}

std::string to_brief_yaml(const Config& config) {
  Config shown = config;
  for (Site& site : shown.sites) {
    if (site.php_root == site.root) site.php_root.clear();
  }
  const std::set<std::string> usual = defaults();
  std::vector<Line> kept;
  std::string section;
  bool dash = false;
  for (Line& line : lines_of(to_yaml(shown))) {
    // A block that turned out to hold nothing goes when the next line is not within it.
    while (!kept.empty() && kept.back().opens() && line.indent <= kept.back().indent) {
      dash = dash || kept.back().dash;
      kept.pop_back();
    }
    if (line.indent == 0) section = line.text.substr(0, line.text.find(':'));
    dash = dash || line.dash;
    if (!line.opens() && usual.contains(section + std::string(line.indent, ' ') + line.text)) continue;
    line.dash = std::exchange(dash, false);
    kept.push_back(std::move(line));
  }
  while (!kept.empty() && kept.back().opens()) kept.pop_back();
  std::string out;
  for (const Line& line : kept) {
    if (line.indent == 0 && !out.empty()) out += '\n';
    out += std::string(line.indent - (line.dash ? 2 : 0), ' ') + (line.dash ? "- " : "") + line.text + '\n';
  }
  return out;
}

}  // namespace holdfast::config

// See nginx_variables.h.
#include "config/import/nginx_variables.h"

#include <cctype>

namespace holdfast::config {
namespace {

using Variables = std::map<std::string, std::string>;

bool is_of_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string filled_in(const std::string& word, const Variables& variables) {
  std::string out;
  for (std::size_t at = 0; at < word.size();) {
    const bool braces = word.compare(at, 2, "${") == 0;
    std::size_t end = at + (braces ? 2 : 1);
    while (word[at] == '$' && end < word.size() && is_of_name(word[end])) ++end;
    const bool closed = braces && end < word.size() && word[end] == '}';
    const std::string name = closed ? "$" + word.substr(at + 2, end - at - 2) : word.substr(at, end - at);
    if (closed) ++end;
    const auto known = variables.find(name);
    out += known != variables.end() ? known->second : word.substr(at, end - at);
    at = end;
  }
  return out;
}

void fill_in(std::vector<NginxDirective>& block, const Variables& variables) {
  for (NginxDirective& d : block) {
    for (std::string& word : d.words) {
      if (d.name != "set") word = filled_in(word, variables);
    }
    fill_in(d.block, variables);
  }
}

}  // namespace

Variables fill_in_variables(NginxDirective& server) {
  Variables out;
  for (const NginxDirective& d : server.block) {
    if (d.name == "set" && d.words.size() == 2 && d.word(1).find('$') == std::string::npos)
      out[d.word(0)] = d.word(1);
  }
  if (!out.empty()) fill_in(server.block, out);
  return out;
}

}  // namespace holdfast::config

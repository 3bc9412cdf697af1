// See path_text.h.
#include "proxy/core/path_text.h"

#include "proxy/core/withheld.h"

namespace holdfast::core {

namespace {
std::string_view segment_at(std::string_view path, std::size_t slash) {
  return path.substr(slash + 1, path.find('/', slash + 1) - slash - 1);  // npos - n is "to the end" too
}

std::size_t find_hidden(std::string_view path, const std::vector<std::string>& publish, bool two_dots_count) {
  std::size_t at = path.find("/.");
  while (at != std::string_view::npos) {
    const std::string_view name = segment_at(path, at);
    const bool well_known = at == 0 && name == ".well-known";  // RFC 8615: at the top only
    const bool counts = !well_known && (two_dots_count || !name.starts_with(".."));
    if (counts && !is_published(name, publish)) break;
    at = path.find("/.", at + 1);
  }
  return at;
}
}  // namespace

std::size_t script_end(std::string_view path, std::size_t from) {
  for (std::size_t at = path.find(kScriptSuffix, from); at != std::string_view::npos;
       at = path.find(kScriptSuffix, at + 1)) {
    const std::size_t end = at + kScriptSuffix.size();
    if (end == path.size() || path[end] == '/') return end;
  }
  return std::string_view::npos;
}

std::size_t hidden_at(std::string_view path, const std::vector<std::string>& publish) {
  return find_hidden(path, publish, true);
}

std::size_t hidden_behind_link_at(std::string_view path, const std::vector<std::string>& publish) {
  return find_hidden(path, publish, false);
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) || path == folder.substr(0, folder.size() - 1);
}

}  // namespace holdfast::core

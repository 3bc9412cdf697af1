// Which web server a configuration is for: each line that only one of them has is a point for it.
#include <algorithm>
#include <array>
#include <cstddef>

#include "proxy/doctor/front_lines.h"
#include "proxy/doctor/front_readers.h"

namespace holdfast {

namespace {

using Words = std::initializer_list<std::string_view>;

bool is_one_of(std::string_view word, Words words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_lighttpd(std::string_view first, std::string_view line) {
  return first.starts_with("$HTTP[") || first.starts_with("$SERVER[") || first == "include_shell" ||
         (is_one_of(first.substr(0, first.find('.')),
                    {"server", "fastcgi", "index-file", "url", "mimetype"}) &&
          first.find('.') != std::string_view::npos && line.find('=') != std::string_view::npos);
}

bool is_haproxy(std::string_view first, std::string_view last) {
  if (last.ends_with('{') || last.ends_with(';')) return false;
  return is_one_of(first, {"global", "defaults", "frontend", "backend", "fcgi-app", "use_backend",
                           "default_backend", "bind"});
}

bool is_apache(std::string_view first) {
  return (first.size() > 2 && first[0] == '<' && (first[1] == '/' || (first[1] >= 'A' && first[1] <= 'Z'))) ||
         is_one_of(lower_case(first),
                   {"loadmodule", "serverroot", "sethandler", "proxypass", "proxypassmatch",
                    "includeoptional", "documentroot", "proxytimeout", "servername", "addhandler"});
}

bool is_caddy(std::string_view first, std::string_view last) {
  if (last.ends_with(';')) return false;
  const bool opens = last == "{" && first != "{";
  return is_one_of(first, {"php_fastcgi", "reverse_proxy", "file_server", "encode", "handle", "handle_path",
                           "respond", "root", "transport", "import", "auto_https"}) ||
         (opens && (first.starts_with(':') || first.starts_with('(') || first.starts_with("http://") ||
                    first.starts_with("https://")));
}

bool is_nginx(const FrontLine& line) {
  const std::string& last = line.words.back();
  if (last.ends_with(';')) return true;
  if (line.has_word("{") && is_one_of(line.words[0], {"http", "server", "events", "location", "upstream"}))
    return true;
  // Several directives in a line.
  return last == "}" && std::any_of(line.words.begin(), line.words.end(),
                                    [](const std::string& each) { return each.ends_with(';'); });
}

}  // namespace

std::optional<FrontKind> recognise_front(std::string_view text) {
  WordRules rules;
  rules.quotes = "";
  std::array<std::size_t, 5> points{};
  const auto point = [&points](FrontKind kind, bool given) {
    if (given) ++points[static_cast<std::size_t>(kind)];
  };
  for (const FrontLine& each : split_lines(text, "", rules)) {
    const std::string& first = each.words.front();
    const std::string& last = each.words.back();
    point(FrontKind::lighttpd, is_lighttpd(first, each.text()));
    point(FrontKind::haproxy, is_haproxy(first, last));
    point(FrontKind::apache, is_apache(first));
    point(FrontKind::caddy, is_caddy(first, last));
    point(FrontKind::nginx, is_nginx(each));
  }
  const auto best = std::max_element(points.begin(), points.end());
  if (*best == 0 || std::count(points.begin(), points.end(), *best) > 1) return std::nullopt;
  return static_cast<FrontKind>(best - points.begin());
}

}  // namespace holdfast

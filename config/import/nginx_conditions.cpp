// See nginx_conditions.h.
#include "config/import/nginx_conditions.h"

#include <algorithm>

namespace holdfast::config {

std::string condition_text(const NginxDirective& condition) {
  std::string out;
  for (const std::string& word : condition.words) out += (out.empty() ? "" : " ") + word;
  if (out.starts_with('(')) out.erase(0, 1);
  if (out.ends_with(')')) out.pop_back();
  while (out.ends_with(' ')) out.pop_back();
  while (out.starts_with(' ')) out.erase(0, 1);
  return out;
}

bool when_of(const std::string& condition, RouteWhen& when) {
  const auto behind = [&condition](std::string_view prefix) -> std::string {
    if (!condition.starts_with(prefix)) return {};
    std::string out = condition.substr(prefix.size());
    return out.find_first_of("\\^$|?*+()[]{} =") == std::string::npos ? out : std::string();
  };
  if (const std::string exact = behind("$http_user_agent ~ ^"); !exact.empty()) {
    when.user_agent = {exact + "*"};
  } else if (const std::string begin = behind("$http_user_agent ~* ^"); !begin.empty()) {
    when.user_agent = {begin + "*"};
  } else if (const std::string part = behind("$http_user_agent ~* "); !part.empty()) {
    when.user_agent = {"*" + part + "*"};
  } else if (const std::string method = behind("$request_method = "); !method.empty()) {
    when.method = {method};
  } else if (const std::string name = behind("$arg_"); !name.empty()) {
    when.query = {name + "=*"};
  } else {
    return false;
  }
  return true;
}

bool is_hidden(std::string_view regex) {
  for (const std::string_view begin : {"(^|/)\\.", "(?:^|/)\\.", "^/\\.", "/\\."}) {
    if (!regex.starts_with(begin)) continue;
    const std::string_view rest = regex.substr(begin.size());
    // An alternative beside it, as in `/\.|config`, would be more than that.
    return rest.find('|') == std::string_view::npos || rest.starts_with('(');
  }
  return false;
}

NginxLocation::NginxLocation(const NginxDirective& location) : path(location.word(0)) {
  if (location.words.size() > 1) {
    modifier = location.word(0);
    path = location.word(1);
  } else {
    for (const std::string_view each : {"=", "^~", "~*", "~"}) {
      if (!path.starts_with(each)) continue;
      modifier = each;
      path.erase(0, each.size());
      break;
    }
  }
  regex = modifier == "~" || modifier == "~*";
}

int NginxLocation::rank() const {
  return modifier == "=" ? 0 : modifier == "^~" ? 1 : regex ? 2 : 3;
}

bool NginxLocation::ignores_case(const std::string& pattern) const {
  return modifier == "~*" && std::any_of(pattern.begin(), pattern.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

std::string prefix_pattern(std::string_view modifier, const std::string& path) {
  if (path == "/" && modifier != "=") return "/**";
  return modifier == "=" || path.ends_with('/') ? path : path + "**";
}

PatternOfRegex prefix_as_pattern(const NginxLocation& of) {
  return {prefix_pattern(of.modifier, of.path), {}, of.path.find_first_of("*{") != std::string::npos};
}

std::string within_prefix(const std::string& prefix, const std::string& pattern) {
  if (prefix.empty() || pattern.starts_with('/')) return pattern;
  if (pattern.starts_with("**")) return prefix + pattern;
  if (pattern.starts_with('*')) return prefix + "*" + pattern;
  return prefix + (prefix.ends_with('/') ? "**/" : "/**/") + pattern;
}

std::string without_below(std::string pattern) {
  for (const std::string_view tail : {"/", "**"}) {
    if (pattern.ends_with(tail) && pattern.size() > tail.size()) pattern.resize(pattern.size() - tail.size());
  }
  return pattern;
}

std::string scripts_below(const std::string& pattern) {
  return pattern.ends_with("/") || pattern.ends_with("**")
             ? without_below(pattern) + (pattern.ends_with("/") ? "/**.php" : "**.php")
             : pattern;
}

bool can_run(const std::string& pattern) {
  return pattern.ends_with(".php") || pattern.ends_with('*') ||
         (pattern.ends_with('}') && pattern.find("php") != std::string::npos);
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

bool is_standard_param(std::string_view name) {
  static constexpr std::string_view kOwn =
      " SCRIPT_FILENAME SCRIPT_NAME PATH_INFO PATH_TRANSLATED QUERY_STRING REQUEST_METHOD CONTENT_TYPE "
      "CONTENT_LENGTH REQUEST_URI DOCUMENT_URI DOCUMENT_ROOT SERVER_PROTOCOL REQUEST_SCHEME HTTPS "
      "GATEWAY_INTERFACE SERVER_SOFTWARE REMOTE_ADDR REMOTE_PORT REMOTE_USER SERVER_ADDR SERVER_PORT "
      "SERVER_NAME REDIRECT_STATUS HTTP_PROXY HTTP_HOST ";
  return kOwn.find(" " + std::string(name) + " ") != std::string_view::npos;
}

}  // namespace holdfast::config

// See nginx_conditions.h.
#include "config/import/nginx_conditions.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "config/addresses.h"
#include "config/import/nginx_alternatives.h"

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

namespace {

// The texts that an expression is found in, with stars: `^a|(b|c)` is a*, *b*, *c*. Empty: not to be said.
std::vector<std::string> texts_of(std::string_view regex) {
  std::vector<std::string> out;
  for (std::string branch : branches_of(regex)) {
    const bool at_start = branch.starts_with('^');
    const bool at_end = branch.ends_with('$') && !branch.ends_with("\\$");
    if (at_start) branch.erase(0, 1);
    if (at_end && !branch.empty()) branch.pop_back();
    if (branch.starts_with('(') && behind_group(branch, 0) == branch.size()) {
      const std::size_t begin = branch.starts_with("(?:") ? 3 : 1;
      for (const std::string& each :
           branches_of(std::string_view(branch).substr(begin, branch.size() - 1 - begin))) {
        const auto inside = texts_of((at_start ? "^" : "") + each + (at_end ? "$" : ""));
        if (inside.empty()) return {};
        out.insert(out.end(), inside.begin(), inside.end());
      }
      continue;
    }
    std::string text = at_start ? "" : "*";
    for (std::size_t at = 0; at < branch.size(); ++at) {
      const bool escaped = branch[at] == '\\' && at + 1 < branch.size() &&
                           std::isalnum(static_cast<unsigned char>(branch[at + 1])) == 0;
      if (escaped) ++at;
      if (branch[at] == '*' ||
          (!escaped && std::string_view("\\^$|?+()[]{}").find(branch[at]) != std::string_view::npos))
        return {};
      if (!escaped && branch[at] == '.' && branch.compare(at, 2, ".*") == 0) ++at;
      text += !escaped && (branch[at] == '.' || branch[at] == '*') ? '*' : branch[at];
    }
    out.push_back(text + (at_end ? "" : "*"));
  }
  return out;
}

// The methods that `^(GET|POST)$` is found in.
std::vector<std::string> methods_of(std::string_view regex) {
  const std::vector<std::string> texts = texts_of(regex);
  const auto is_found = [&texts](const std::string& method) {
    return std::any_of(texts.begin(), texts.end(), [&method](std::string text) {
      const bool anywhere = text.starts_with('*');
      const bool open = text.ends_with('*');
      text = text.substr(anywhere ? 1 : 0);
      if (open && !text.empty()) text.pop_back();
      const std::size_t at =
          anywhere && !open && method.ends_with(text) ? method.size() - text.size() : method.find(text);
      return at != std::string::npos && (anywhere || at == 0) && (open || at + text.size() == method.size());
    });
  };
  std::vector<std::string> out = methods_but({});
  std::erase_if(out, [&is_found](const std::string& each) { return !is_found(each); });
  return out;
}

// `$arg_x`, `$cookie_x`: pairs of a name and one of these texts.
bool take_pairs(const std::string& name, const std::vector<std::string>& values,
                std::vector<std::string>& out) {
  if (name.find_first_of("=*&; ") != std::string::npos) return false;
  for (const std::string& value : values) out.push_back(name + "=" + value);
  return !values.empty();
}

// `$args`: one of these texts in a name, in a value, or in both. What a `&` or a code may stand in is not said.
bool take_query(const std::vector<std::string>& texts, std::vector<std::string>& out) {
  for (const std::string& text : texts) {
    const std::size_t begin = text.starts_with('*') ? 1 : 0;
    const std::size_t end = text.ends_with('*') && text.size() > 1 ? text.size() - 1 : text.size();
    const bool plain = std::all_of(
        text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end),
        [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '='; });
    const auto equals = std::count(text.begin(), text.end(), '=');
    if (!plain || equals > 1 || text.starts_with('=') || text.starts_with("*=")) return false;
    out.push_back(text);
    if (equals == 0) out.push_back("*=" + text);
  }
  return !texts.empty();
}

}  // namespace

bool when_of(const std::string& condition, RouteWhen& when) {
  if (condition.size() > kRegexMax) return false;
  const std::size_t blank = std::min(condition.find(' '), condition.size());
  const std::string variable = condition.substr(0, blank);
  const std::string rest = condition.substr(std::min(blank + 1, condition.size()));
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string sign = rest.substr(0, end);
  const std::string value = rest.substr(std::min(end + 1, rest.size()));
  const bool found = sign == "~" || sign == "~*";
  std::vector<std::string> texts;
  if (found) texts = texts_of(value);
  const bool equal = sign == "=" && !value.empty() && value.find_first_of("*$") == std::string::npos;
  if (equal) texts = {value};
  if (sign.empty()) texts = {"*"};
  if (variable == "$http_user_agent" && !sign.empty()) {
    when.user_agent = std::move(texts);
    return !when.user_agent.empty();
  }
  if (variable == "$request_method") {
    if (sign == "=" || sign == "!=") texts = {value};
    if (found || sign == "!~" || sign == "!~*") texts = methods_of(value);
    when.method = sign.starts_with('!') && !texts.empty() ? methods_but(texts) : std::move(texts);
    return !sign.empty() && !when.method.empty();
  }
  if (variable == "$remote_addr" && equal) {
    const auto networks = parse_networks(value);
    if (networks.value) when.from = *networks.value;
    return networks.value.has_value();
  }
  // Case counts in their values.
  if (sign == "~*") return false;
  if (variable == "$args" || variable == "$query_string") return take_query(texts, when.query);
  if (variable.starts_with("$arg_")) return take_pairs(variable.substr(5), texts, when.query);
  if (variable.starts_with("$cookie_")) return take_pairs(variable.substr(8), texts, when.cookie);
  return false;
}

bool paths_of(const std::string& condition, Route& route) {
  for (const std::string_view variable : {"$uri ~", "$document_uri ~", "$request_uri ~"}) {
    if (!condition.starts_with(variable)) continue;
    std::string regex = condition.substr(variable.size());
    const bool any_case = regex.starts_with("* ");
    regex.erase(0, any_case ? 2 : 1);
    const auto pattern = pattern_of_regex(regex);
    if (!pattern) return false;
    route.path = {pattern->pattern};
    route.ignore_case = any_case;
    return true;
  }
  return false;
}

std::vector<std::string> methods_but(const std::vector<std::string>& methods) {
  // Others are no requests (llhttp's HTTP_METHOD_MAP).
  std::vector<std::string> out = {"GET",        "HEAD",     "POST",    "PUT",       "DELETE",      "OPTIONS",
                                  "PATCH",      "TRACE",    "CONNECT", "PROPFIND",  "PROPPATCH",   "MKCOL",
                                  "COPY",       "MOVE",     "LOCK",    "UNLOCK",    "SEARCH",      "BIND",
                                  "REBIND",     "UNBIND",   "ACL",     "REPORT",    "MERGE",       "CHECKOUT",
                                  "MKACTIVITY", "M-SEARCH", "NOTIFY",  "SUBSCRIBE", "UNSUBSCRIBE", "PURGE",
                                  "MKCALENDAR", "LINK",     "UNLINK",  "SOURCE"};
  std::erase_if(out, [&methods](const std::string& each) {
    return std::find(methods.begin(), methods.end(), each) != methods.end();
  });
  return out;
}

bool is_for_some(const std::string& condition) {
  return condition.find(" !=") != std::string::npos || condition.find(" !~") != std::string::npos;
}

bool is_guard(const std::string& name) {
  static constexpr std::string_view kNames =
      " limit_except auth_request auth_jwt auth_digest proxy_pass uwsgi_pass scgi_pass grpc_pass "
      "memcached_pass "
      "stub_status empty_gif content_by_lua_block content_by_lua_file access_by_lua_block "
      "access_by_lua_file ";
  return kNames.find(" " + name + " ") != std::string_view::npos;
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

bool is_any_script(const std::string& pattern) {
  return pattern == "*.php" || pattern == "**.php" || pattern == "/**.php" || pattern == "/*.php";
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

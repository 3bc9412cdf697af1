// See nginx_guards.h.
#include "config/import/nginx_guards.h"

#include <algorithm>

#include "config/import/nginx_alternatives.h"
#include "config/import/nginx_conditions.h"

namespace holdfast::config {
namespace {

bool has(const NginxDirective& location, std::string_view name) {
  return std::any_of(location.block.begin(), location.block.end(),
                     [name](const NginxDirective& d) { return d.name == name; });
}

// By the files that are there, or by what a site says itself.
bool is_of_files_or_host(const std::string& condition) {
  for (const std::string_view begin :
       {"-", "!-", "$host ", "$http_host ", "$server_name ", "$scheme ", "$https "}) {
    if (condition.starts_with(begin)) return true;
  }
  return false;
}

}  // namespace

Route refused() {
  Route out;
  out.deny = 403;
  return out;
}

Route refused_methods(const NginxContext& context, const NginxDirective& d) {
  std::vector<std::string> methods = d.words;
  if (std::find(methods.begin(), methods.end(), "GET") != methods.end()) methods.emplace_back("HEAD");
  Route out = refused();
  out.when.method = methods_but(methods);
  if (d.block.size() != 1 || d.block[0].name != "deny" || d.block[0].word(0) != "all")
    context.note(d, "the other methods are refused to all");
  return out;
}

bool take_guard(const NginxContext& context, const NginxDirective& d, NginxScope& scope) {
  if (!is_guard(d.name)) return false;
  if (d.word(0) == "off") return true;
  if (!scope.deny) scope.deny = 403;
  context.note(d, "has no counterpart here: deny: 403 stands for it");
  return true;
}

bool condition_guards(const NginxDirective& d, const NginxScope& does, bool of_server) {
  const std::string text = condition_text(d);
  if (is_of_files_or_host(text)) return false;
  const bool for_some = is_for_some(text) || text.ends_with(" =");
  return (does.deny && (for_some || !of_server)) || (does.redirect && for_some);
}

void hidden(const NginxContext& context, const NginxDirective& location, int deny,
            std::vector<RankedRoute>& routes) {
  context.note(location, "not needed: names that begin with a dot are never served");
  std::string regex = NginxLocation(location).path;
  for (const std::string_view end : {"$", "*", "+", "."}) {
    if (regex.ends_with(end) && !regex.ends_with("\\" + std::string(end)))
      regex.resize(regex.size() - end.size());
  }
  if (!regex.ends_with("\\.")) return;  // of some names
  RankedRoute& route = routes.emplace_back(RankedRoute{2, 0, {}});
  route.route.path = {"/.well-known/"};
  route.route.deny = deny;
}

void refuse_folder(const NginxContext& context, const NginxDirective& location, NginxScope& scope) {
  context.note(location, "alias and internal can be said of prefixes alone: deny: 404 stands for it");
  if (!scope.deny && !scope.redirect) scope.deny = 404;
  scope.alias.clear();
  scope.internal = false;
}

bool goes_first(const NginxDirective& server, const std::string& prefix) {
  return !prefix.empty() &&
         std::none_of(server.block.begin(), server.block.end(), [&](const NginxDirective& d) {
           const NginxLocation of(d);
           return d.name == "location" && !of.regex && of.path.size() > prefix.size() &&
                  of.path.starts_with(prefix);
         });
}

bool no_index_elsewhere(const NginxDirective& server) {
  return std::all_of(server.block.begin(), server.block.end(), [](const NginxDirective& d) {
    const NginxLocation of(d);
    if (d.name != "location" || of.is_rest() || of.regex || of.path.starts_with('@')) return true;
    if (of.modifier == "=" && of.path != "/") return true;
    return has(d, "try_files") || has(d, "return") || has(d, "deny") || has(d, "alias") || has(d, "internal");
  });
}

std::string folder_of(const std::optional<PatternOfRegex>& pattern) {
  const bool folder = pattern && !pattern->widened && pattern->pattern.size() > 1 &&
                      pattern->pattern.starts_with('/') && pattern->pattern.ends_with('/');
  return folder ? pattern->pattern : "";
}

bool falls_to(const NginxScope& server, const std::string& pattern) {
  return pattern.find('*') < pattern.find(".php") ||
         (server.fallback && server.fallback->starts_with(pattern.substr(0, pattern.find('*'))));
}

bool hands_to_php(const NginxDirective& location) {
  return std::any_of(location.block.begin(), location.block.end(),
                     [](const NginxDirective& d) { return d.name == "fastcgi_pass" || hands_to_php(d); });
}

std::string only_script(const NginxDirective& location) {
  for (const NginxDirective& d : location.block) {
    if (d.name != "fastcgi_param" || d.word(0) != "SCRIPT_FILENAME") continue;
    for (const std::string_view root : {"$document_root/", "$realpath_root/"}) {
      const std::string& file = d.word(1);
      const std::string name = file.starts_with(root) ? file.substr(root.size() - 1) : "";
      if (name.ends_with(".php") && name.find_first_of("$*{") == std::string::npos) return name;
    }
  }
  return {};
}

void all_to_php(const NginxContext& context, const NginxDirective& rest, std::vector<std::string>& run,
                NginxScope& scope) {
  const std::string script = only_script(rest);
  if (script.empty())
    return context.note(rest, "fastcgi_pass: only names that end in .php run; files are sent");
  context.note(rest, "files that are there are sent, all else gets " + script);
  run.push_back(script);
  if (!scope.fallback) scope.fallback = script;
}

bool scripts_but_for(const NginxContext& context, const NginxDirective& location,
                     std::vector<std::string>& run) {
  const std::string only = only_script(location);
  if (!only.empty()) {
    run.push_back(only);
    context.note(location,
                 "all its scripts are " + only + " there: here that one runs, for others see fallback");
  }
  bool some = !only.empty();
  for (const NginxDirective& d : location.block) {
    const std::string& regex = d.word(0);
    if (d.name != "rewrite" || !regex.starts_with("^/(?!") || regex.size() > kRegexMax) continue;
    const std::size_t end = behind_group(regex, 2);
    if (end != regex.size() || !regex.ends_with(')')) continue;
    for (const std::string& branch : branches_of(std::string_view(regex).substr(5, end - 6))) {
      const auto pattern = pattern_of_regex("^/" + branch);
      if (pattern) {
        const std::string which = without_below(pattern->pattern);
        some = true;
        run.push_back(which.ends_with(".php") ? which : which + "**.php");
      } else {
        context.note(d, "run cannot say " + branch);
      }
    }
  }
  return some;
}

}  // namespace holdfast::config

// Small questions about words of nginx: conditions, params, names of files. Private to the import.
#pragma once

#include <string>
#include <string_view>

#include "config/import/nginx_syntax.h"
#include "config/import/nginx_words.h"
#include "config/routes.h"

namespace holdfast::config {

// The inside of `if (...)`.
std::string condition_text(const NginxDirective& condition);
// `$http_user_agent ~ ^DavClnt`, `$request_method = POST`, `$arg_x`. False where it cannot be said.
bool when_of(const std::string& condition, RouteWhen& when);
// A regular expression for names that begin with a dot, and for nothing else.
bool is_hidden(std::string_view regex);
// What a location is for. nginx takes the modifier without a blank too: `location =/x`.
struct NginxLocation {
  explicit NginxLocation(const NginxDirective& location);

  bool is_rest() const { return path == "/" && modifier.empty(); }
  int rank() const;  // see RankedRoute
  // `~*`: letters of either case, where the pattern has any.
  bool ignores_case(const std::string& pattern) const;

  std::string modifier;  // = ^~ ~* ~, or none
  std::string path;      // a regular expression with ~
  bool regex = false;
};

// Of a location without a regular expression.
std::string prefix_pattern(std::string_view modifier, const std::string& path);
// The same; widened where the path has a star or a brace, which nginx takes as they are.
PatternOfRegex prefix_as_pattern(const NginxLocation& of);
// A pattern of a location within one of a prefix, held to that; empty prefix: as it is.
std::string within_prefix(const std::string& prefix, const std::string& pattern);
// A pattern without what says that it is for all below, too.
std::string without_below(std::string pattern);
// Of the prefix that is such a pattern: the scripts below it.
std::string scripts_below(const std::string& pattern);
// Whether a pattern has scripts among what it matches: names that end in .php.
bool can_run(const std::string& pattern);
std::string without_slash(std::string path);  // at its end; "/" stays
// What is made of each request anyway.
bool is_standard_param(std::string_view name);

}  // namespace holdfast::config

// What keeps requests out of a server or a location, and can be said in part or not at all: the stricter is
// taken. Private to the import.
#pragma once

#include "config/import/nginx_routes.h"
#include "config/import/nginx_scope.h"

namespace holdfast::config {

// `deny: 403`.
Route refused();
// `limit_except GET { deny all; }`: the other methods are refused, to all.
Route refused_methods(const NginxContext& context, const NginxDirective& limit_except);

// A directive that keeps requests out, and has no counterpart here, or that hands them to another server:
// none of the files is for them. False: it is no such directive.
bool take_guard(const NginxContext& context, const NginxDirective& directive, NginxScope& scope);

// An `if` that cannot be said, and what it does where it holds. True: it decides who may come, so that what it
// is for must be refused to all. `of_server`: it is for all paths; then only `!=` and `!~` decide that.
bool condition_guards(const NginxDirective& condition, const NginxScope& does, bool of_server);

// A location that refuses names that begin with a dot, as all are here; but /.well-known/ is served.
void hidden(const NginxContext& context, const NginxDirective& location, int deny,
            std::vector<RankedRoute>& routes);

// Regular expression for paths, `internal` or `alias`: only a prefix can be that here. Its paths are refused.
void refuse_folder(const NginxContext& context, const NginxDirective& location, NginxScope& scope);

// Whether an expression within the location of `prefix` counts before those of the server: where no longer
// prefix may be the one that is looked into. Empty prefix: it does not.
bool goes_first(const NginxDirective& server, const std::string& prefix);

// Of a server where `location /` sends folders to the fallback: whether no other location would show the
// index of one.
bool no_index_elsewhere(const NginxDirective& server);

// The pattern of an expression that is for folders from the top and for nothing else, which can stand in front of
// another; else empty.
std::string folder_of(const std::optional<PatternOfRegex>& pattern);

// Whether what a missing file gets may be a script of `pattern`.
bool falls_to(const NginxScope& server, const std::string& pattern);

// Whether it, or a location in it, has a pool.
bool hands_to_php(const NginxDirective& location);

// The script that SCRIPT_FILENAME names whatever is asked for; empty: it depends.
std::string only_script(const NginxDirective& location);

// `location /` that hands its paths to php.
void all_to_php(const NginxContext& context, const NginxDirective& rest, std::vector<std::string>& run,
                NginxScope& scope);

// `rewrite ^/(?!index|cron) /index.php` or SCRIPT_FILENAME, where scripts run: adds those that may. False: it
// says no such thing.
bool scripts_but_for(const NginxContext& context, const NginxDirective& location,
                     std::vector<std::string>& run);

}  // namespace holdfast::config

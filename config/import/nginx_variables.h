// Variables of a server that are plain words. Private to the import.
#pragma once

#include <map>
#include <string>

#include "config/import/nginx_syntax.h"

namespace holdfast::config {

// `set $ROOT /srv` of the server itself: in its other directives the value stands for the name from here on.
// Returns what is known, by name with its dollar sign.
std::map<std::string, std::string> fill_in_variables(NginxDirective& server);

}  // namespace holdfast::config

// One `server` of nginx as a site, or several where it has aliases. Private to the import.
#pragma once

#include "config/import/nginx_scope.h"

namespace holdfast::config {

// Adds to context.sites; addresses it listens on to context.listen. `inherited`: directives of
// http that servers take over.
void import_server(const NginxContext& context, const NginxDirective& server,
                   const std::vector<NginxDirective>& inherited);

}  // namespace holdfast::config

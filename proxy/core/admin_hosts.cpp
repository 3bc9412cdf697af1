// See admin_hosts.h.
#include "proxy/core/admin_hosts.h"

#include <algorithm>

#include "proxy/core/forwarded.h"

namespace holdfast::core {

bool is_admin_host(std::string_view host, const std::vector<std::string>& listed) {
  // The root's dot makes no other name of it.
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  // An address cannot be pointed elsewhere; localhost is not looked up by browsers (RFC 6761, section 6.3).
  if (host.empty() || host == "localhost" || parse_ip(host)) return true;
  return std::any_of(listed.begin(), listed.end(), [host](std::string_view name) {
    if (!name.starts_with("*.")) return name == host;
    name.remove_prefix(1);
    return host.size() > name.size() && host.ends_with(name);
  });
}

}  // namespace holdfast::core

// Which Host a request to the admin endpoint may carry. A page of another site cannot read our answers, but a
// name of its own that it points at our address can (DNS rebinding): the browser then takes us for that site.
// Its requests still carry that name, so a name is only believed when the operator listed it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::core {

// `host`: without port, lower case, IPv6 in brackets; empty: none was sent, which no browser does.
// `listed`: of admin.hosts, "*.example.com" allowed.
bool is_admin_host(std::string_view host, const std::vector<std::string>& listed);

}  // namespace holdfast::core

// Which header fields go where: what belongs to one connection only, and what is for the server and not for
// clients. Pure functions on names. Which request fields PHP sees: core/cgi_params.h.
#pragma once

#include <string_view>

namespace holdfast::http {

// Fields that concern one connection and are never passed on (RFC 9110 7.6.1, and Trailer, as we drop
// trailers). Those that a Connection field names come on top: see names_in_connection().
bool is_hop_by_hop(std::string_view name);

// True when `name` is a member of the Connection field value `connection`.
bool names_in_connection(std::string_view connection, std::string_view name);

// Response fields by which an application speaks to the server in front of it (X-Accel-*, X-Sendfile and
// their kin): not for clients.
bool is_for_server(std::string_view name);

// Of those, the ones that ask the server to send a file in place of the answer.
bool asks_for_file(std::string_view name);

// Said to a client that came by https and is to keep to it (RFC 6797): for a year.
inline constexpr std::string_view kTransportSecurity = "Strict-Transport-Security";
inline constexpr std::string_view kTransportSecurityValue = "max-age=31536000";

}  // namespace holdfast::http

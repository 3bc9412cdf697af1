// Writes the head of a CGI response (RFC 3875 section 6.2) for what a proxy answers itself to a web server:
// its refusals and error pages. What an application sent goes on as it came and does not pass here. No state.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fastcgi/cgi_head.h"

namespace holdfast::fastcgi {

// Appends "Status: 503 Service Unavailable", the fields and the empty line. `status`: 200 to 999; interim
// ones break nginx, Apache and HAProxy. `reason` may be empty. A field that could split the head is left out:
// a name that is no token, a control character but TAB in the value; so is a reason like that, and a field
// named Status.
void write_cgi_head(int status, std::string_view reason, std::span<const CgiField> fields, std::string& out);

}  // namespace holdfast::fastcgi

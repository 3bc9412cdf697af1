// Who is asked for a password.
#pragma once

#include <string>

namespace holdfast::config {

// HTTP Basic authentication (RFC 7617).
struct Auth {
  bool off = false;  // nobody is asked
  std::string realm = "Restricted";
  std::string users;  // file of NAME:HASH lines, as htpasswd writes them
  bool operator==(const Auth&) const = default;
};

}  // namespace holdfast::config

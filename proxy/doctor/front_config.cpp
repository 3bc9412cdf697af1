// See front_config.h.
#include "proxy/doctor/front_config.h"

namespace holdfast {

std::string_view front_kind_name(FrontKind kind) {
  switch (kind) {
    case FrontKind::nginx: return "nginx";
    case FrontKind::apache: return "Apache";
    case FrontKind::haproxy: return "HAProxy";
    case FrontKind::caddy: return "Caddy";
    case FrontKind::lighttpd: return "lighttpd";
  }
  return "?";
}

std::string front_address(FrontKind kind, const config::Address& address) {
  const bool is_unix = address.kind == config::Address::Kind::unix_socket;
  switch (kind) {
    case FrontKind::nginx: return address.text();
    case FrontKind::apache:
      return is_unix ? "unix:" + address.path + "|fcgi://localhost" : "fcgi://" + address.text();
    case FrontKind::haproxy: return is_unix ? "unix@" + address.path : address.text();
    case FrontKind::caddy: return is_unix ? "unix/" + address.path : address.text();
    case FrontKind::lighttpd:
      return is_unix ? "\"socket\" => \"" + address.path + "\""
                     : "\"host\" => \"" + address.host + "\", \"port\" => " + std::to_string(address.port);
  }
  return "";
}

std::string filled_in(std::string_view line, std::string_view text) {
  std::string out(line);
  if (const std::size_t at = out.find("<>"); at != std::string::npos) out.replace(at, 2, text);
  return out;
}

}  // namespace holdfast

// Tables of names, sorted by length so that most names cost one comparison of sizes.
#include "proxy/http/header_rules.h"

#include "proxy/http/message.h"
#include "proxy/http/text.h"

namespace holdfast::http {

bool is_hop_by_hop(std::string_view name) {
  switch (name.size()) {
    case 2: return equals_ignore_case(name, "TE");
    case 7: return equals_ignore_case(name, "Upgrade") || equals_ignore_case(name, "Trailer");
    case 10: return equals_ignore_case(name, "Connection") || equals_ignore_case(name, "Keep-Alive");
    case 16: return equals_ignore_case(name, "Proxy-Connection");
    case 17: return equals_ignore_case(name, "Transfer-Encoding");
    default: return false;
  }
}

bool names_in_connection(std::string_view connection, std::string_view name) {
  std::string_view member;
  while (next_member(connection, member))
    if (equals_ignore_case(member, name)) return true;
  return false;
}

bool asks_for_file(std::string_view name) {
  switch (name.size()) {
    case 10: return equals_ignore_case(name, "X-Sendfile");
    case 11: return equals_ignore_case(name, "X-Sendfile2");
    case 16: return equals_ignore_case(name, "X-Accel-Redirect");
    case 20:
      return equals_ignore_case(name, "X-LIGHTTPD-send-file") ||
             equals_ignore_case(name, "X-LiteSpeed-Location");
    case 21: return equals_ignore_case(name, "X-LIGHTTPD-send-file2");
    default: return false;
  }
}

bool is_for_server(std::string_view name) {
  constexpr std::string_view kAccel = "X-Accel-";
  if (name.size() < kAccel.size() || to_lower(name.front()) != 'x') return false;
  return equals_ignore_case(name.substr(0, kAccel.size()), kAccel) || asks_for_file(name);
}

}  // namespace holdfast::http

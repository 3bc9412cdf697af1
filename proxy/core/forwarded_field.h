// The Forwarded field, RFC 7239 section 4: who asked a proxy, and for what. Pure.
//
//   Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43, for="[2001:db8::1]:4711"
//
// Proxies append their element to a line whose beginning may be the client's. A quoted string that the client has
// left open would swallow what the proxy says, so a line is read only where the grammar leaves no doubt about its
// quotes: they begin right behind "=", end right before ";" or "," or the end, and a backslash stands nowhere else.
// A proxy's own quotes come in pairs: behind an open one, one stays open. Looser than the grammar: a value without
// quotes may hold what only a quoted one should (for=[2001:db8::1], host=a:81), as some proxies write it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace holdfast::core {

// Views into the field, quotes taken off; empty: not there.
struct ForwardedElement {
  std::string_view node;  // of "for": an address, "unknown" or "_hidden"
  std::string_view proto;
  std::string_view host;
  bool has_node = false;  // true also for for=""
  bool has_proto = false;
  bool has_host = false;
};

// Appends the elements of one field line to `out`, first to last, empty ones left out, of more than `most` the last. False, with `out` as it was, for a line that is malformed: quotes or backslashes in other places,
// a parameter without a name or a value, or `for`, `proto` or `host` twice in an element or with a backslash (none of
// them ever needs one).
[[nodiscard]] bool append_forwarded(std::string_view line, std::size_t most,
                                    std::vector<ForwardedElement>& out);

}  // namespace holdfast::core

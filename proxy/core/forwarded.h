// Who the client is when a trusted proxy stands before us: X-Forwarded-For and X-Forwarded-Proto, or
// Forwarded (RFC 7239). Pure; addresses are 16 bytes, IPv4 mapped, as in config::Network.
//
// Rules
// - Only a peer within trusted_proxies is believed at all.
// - The list is read from the right, where each hop appends what it saw: the first address that is not itself
// a
//   trusted proxy is the client. An entry that is no address (unknown, _hidden, rubbish) ends the walk: the
//   client is then the last hop that was proven.
// - X-Forwarded-For or X-Forwarded-Proto present: Forwarded is not looked at. Most proxies write the former
// and let
//   a client's own Forwarded through. A proxy that writes Forwarded has to remove the X-Forwarded fields.
// - X-Forwarded-Host is never used, not even from a trusted proxy: it would let a client choose the site, and
//   many proxies pass it on unchecked. The application still sees it as HTTP_X_FORWARDED_HOST.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "proxy/http/message.h"

namespace holdfast::core {

using AddressBytes = std::array<std::uint8_t, 16>;

struct ParsedAddress {
  AddressBytes bytes{};
  std::uint16_t port = 0;  // 0: none was given
};

// "192.0.2.1", "2001:db8::1", "[2001:db8::1]", with or without ":port" (an IPv6 address needs the brackets
// then). No names, no zones, no white space.
std::optional<ParsedAddress> parse_ip(std::string_view text);
// "192.0.2.1" for mapped IPv4, else the canonical IPv6 text of RFC 5952.
std::string ip_text(const AddressBytes& bytes);

struct ClientOrigin {
  std::string address;     // as text
  AddressBytes bytes{};    // all zero: a Unix socket
  std::uint16_t port = 0;  // 0: not known
  bool https = false;      // the client spoke https to the first proxy (or to us)
  bool forwarded = false;  // address was told by a trusted proxy
};

// `peer`: the connection as it is, with https as we see it. A Unix socket counts as the loopback address:
// whoever may connect there runs on this machine.
ClientOrigin client_origin(const ClientOrigin& peer, const std::vector<config::Network>& trusted,
                           const http::RequestHead& head);

}  // namespace holdfast::core

// Who the client is when a trusted proxy stands before us: X-Forwarded-For and X-Forwarded-Proto, or
// Forwarded (RFC 7239). Pure; addresses are 16 bytes, IPv4 mapped, as in config::Network.
//
// Rules
// - Only a peer within trusted_proxies is believed at all.
// - The list is read from the right, where each hop appends what it saw: the first address that is
//   not itself a trusted proxy is the client. An entry that is no address (unknown, _hidden, rubbish)
//   ends the walk: the client stands behind the last hop that was proven, and has that one's address for php and the
//   log, but no access that goes by it (judged_bytes()).
// - A line of Forwarded that is malformed (forwarded_field.h) ends it too: the request is refused.
// - `forwarded_headers` names the fields that the proxies set: only these are read, and only these reach php.
// - Without it nobody knows which fields are the proxy's and which it has let through. X-Forwarded-For,
//   -Proto and -Port are read, or Forwarded. Where both are there they have to name the same address and scheme:
//   if they do not, one of them is the client's, and the request is refused (conflict), since either could be
//   the lie. X-Forwarded-Host (and Forwarded's host) is not used: it would let a client choose the site, and
//   many proxies pass it on unchecked.
// - php never sees such a field of a peer that is not trusted: applications believe them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/choices.h"
#include "config/snapshot.h"
#include "proxy/core/address_bytes.h"
#include "proxy/http/message.h"

namespace holdfast::core {

struct ParsedAddress {
  AddressBytes bytes{};
  std::uint16_t port = 0;  // 0: none was given
};

// "192.0.2.1", "2001:db8::1", "[2001:db8::1]", with or without ":port" (an IPv6 address needs the brackets
// then). No names, no zones, no white space.
std::optional<ParsedAddress> parse_ip(std::string_view text);
// "192.0.2.1" for mapped IPv4, else the canonical IPv6 text of RFC 5952.
std::string ip_text(const AddressBytes& bytes);

// True for the CGI names of the fields that speak of the client: HTTP_FORWARDED, HTTP_X_FORWARDED_*,
// HTTP_X_REAL_IP.
bool tells_of_client(std::string_view cgi_name);

// Which of those php may see.
class ForwardedFields {
 public:
  ForwardedFields() = default;  // none
  static ForwardedFields all() { return ForwardedFields(kAll); }
  static ForwardedFields only(const std::vector<config::ForwardedHeader>& headers);
  bool allow(std::string_view cgi_name) const;
  bool has(config::ForwardedHeader header) const {
    return (bits_ & 1U << static_cast<unsigned>(header)) != 0;
  }

 private:
  static constexpr std::uint32_t kAll = UINT32_MAX;  // unknown ones (X-Forwarded-Ssl) too
  explicit ForwardedFields(std::uint32_t bits) : bits_(bits) {}
  std::uint32_t bits_ = 0;
};

struct ClientOrigin {
  std::string address;           // as text
  AddressBytes bytes{};          // all zero: a Unix socket
  std::uint16_t port = 0;        // 0: not known
  bool https = false;            // the client spoke https to the first proxy (or to us)
  bool forwarded = false;        // address was told by a trusted proxy
  bool told = false;             // anything was
  bool hidden = false;           // the client's own address was kept back: address is that of a proxy
  bool malformed = false;        // by a field that cannot be read for sure: not to be answered
  bool conflict = false;         // two fields of a trusted proxy tell different things: not to be answered
  std::string authority;         // told as the one asked for, with port; empty: not told
  std::string host;              // of it, as in RequestHead
  std::uint16_t asked_port = 0;  // told as the one asked at; 0: not told
  ForwardedFields fields;

  // For rules about the client's address: bytes, or of a hidden client one that is in no network but that of all
  // (192.0.0.8, the dummy address of RFC 7600): it must not come in as the proxy.
  const AddressBytes& judged_bytes() const;
};

// `peer`: the connection as it is, with https as we see it. A Unix socket counts as the loopback address:
// whoever may connect there runs on this machine.
ClientOrigin client_origin(const ClientOrigin& peer, const std::vector<config::Network>& trusted,
                           const std::vector<config::ForwardedHeader>& headers,
                           const http::RequestHead& head);

// SERVER_PORT: the port that the client asked at, as far as that is known. `local_port`: of our listener; 0
// for a Unix socket.
std::uint16_t server_port(const ClientOrigin& origin, const http::RequestHead& head,
                          std::uint16_t local_port);

}  // namespace holdfast::core

// See forwarded.h for the rules of trust. <arpa/inet.h> is used for its two pure text conversions only.
#include "proxy/core/forwarded.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "config/load.h"  // contains()

namespace holdfast::core {

namespace {

// Longer chains are cut on the left: that far out every entry is hearsay.
constexpr std::size_t kHopsMax = 32;

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr AddressBytes kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// inet_pton() wants a terminated string, and would read past a view.
bool to_bytes(int family, std::string_view text, void* out) {
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy || text.find('\0') != std::string_view::npos) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return inet_pton(family, copy, out) == 1;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), port);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

// One hop as its proxy told it. Views into the head.
struct Hop {
  std::string_view address;
  std::string_view proto;
};

// The pieces of `list` between separators outside quoted strings, the last kHopsMax of them, in order.
// Nothing when a quoted string does not end: then no piece can be told from another. Quotes are known only
// from the left.
std::vector<std::string_view> split_outside_quotes(std::string_view list, char separator) {
  std::vector<std::string_view> pieces;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i == list.size() || (list[i] == separator && !quoted)) {
      if (i == list.size() && quoted) return {};
      if (pieces.size() == kHopsMax) pieces.erase(pieces.begin());
      pieces.push_back(trimmed(list.substr(start, i - start)));
      start = i + 1;
    } else if (list[i] == '"') {
      quoted = !quoted;
    } else if (list[i] == '\\' && quoted && i + 1 < list.size()) {
      ++i;
    }
  }
  return pieces;
}

// Calls `visit(piece)` for the comma-separated entries of all fields of this name, last entry of the last
// field first, until it returns false or kHopsMax were seen. Empty entries are skipped (RFC 9110 5.6.1).
template <class Visit>
void for_each_from_right(const http::RequestHead& head, std::string_view name, Visit visit) {
  std::size_t seen = 0;
  for (auto field = head.fields.rbegin(); field != head.fields.rend(); ++field) {
    if (!http::equals_ignore_case(field->name, name)) continue;
    std::string_view rest = field->value;
    while (!rest.empty()) {
      const std::size_t comma = rest.rfind(',');
      const std::string_view piece = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      if (piece.empty()) continue;
      if (++seen > kHopsMax || !visit(piece)) return;
    }
  }
}

std::vector<Hop> x_forwarded_hops(const http::RequestHead& head) {
  std::vector<Hop> hops;
  for_each_from_right(head, "X-Forwarded-For", [&](std::string_view piece) {
    hops.push_back({piece, {}});
    return true;
  });
  std::vector<std::string_view> protos;
  for_each_from_right(head, "X-Forwarded-Proto", [&](std::string_view piece) {
    protos.push_back(piece);
    return true;
  });
  if (protos.empty()) return hops;
  if (hops.empty()) hops.emplace_back();  // a proxy that tells only the scheme
  // One entry a hop: each belongs to its hop. Otherwise the field is set anew by each proxy (the usual way),
  // or partly a client's: what the nearest proxy wrote stands for all.
  for (std::size_t i = 0; i < hops.size(); ++i) {
    hops[i].proto = protos.size() == hops.size() ? protos[i] : protos.front();
  }
  return hops;
}

std::string_view unquoted(std::string_view value) {
  // An escape inside (\") occurs in no address and no scheme; parse_ip() will refuse it.
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    return value.substr(1, value.size() - 2);
  return value;
}

// Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43, for="[2001:db8::1]:4711"
Hop parse_forwarded_element(std::string_view element) {
  Hop hop;
  for (const std::string_view pair : split_outside_quotes(element, ';')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = unquoted(pair.substr(equals + 1));
    if (http::equals_ignore_case(name, "for")) hop.address = value;
    if (http::equals_ignore_case(name, "proto")) hop.proto = value;
  }
  return hop;
}

std::vector<Hop> forwarded_hops(const http::RequestHead& head) {
  std::vector<Hop> hops;
  for (auto field = head.fields.rbegin(); field != head.fields.rend(); ++field) {
    if (!http::equals_ignore_case(field->name, "Forwarded")) continue;
    const std::vector<std::string_view> elements = split_outside_quotes(field->value, ',');
    if (elements.empty()) hops.emplace_back();  // an open quote: the walk has to end here
    for (auto element = elements.rbegin(); element != elements.rend() && hops.size() < kHopsMax; ++element) {
      if (!element->empty()) hops.push_back(parse_forwarded_element(*element));
    }
  }
  return hops;
}

bool is_unix(const AddressBytes& bytes) {
  return bytes == AddressBytes{};
}

}  // namespace

std::optional<ParsedAddress> parse_ip(std::string_view text) {
  ParsedAddress parsed;
  std::string_view port;
  bool port_given = false;
  bool bracketed = false;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view after = text.substr(close + 1);
    if (!after.empty() && after[0] != ':') return std::nullopt;
    port_given = !after.empty();
    if (port_given) port = after.substr(1);
    text = text.substr(1, close - 1);
    bracketed = true;
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    port_given = true;  // one colon: IPv4 with a port
    port = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  if (port_given && !parse_port(port, parsed.port)) return std::nullopt;
  if (!bracketed && to_bytes(AF_INET, text, parsed.bytes.data() + kMappedPrefix.size())) {
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), parsed.bytes.begin());
    return parsed;
  }
  if (to_bytes(AF_INET6, text, parsed.bytes.data())) return parsed;
  return std::nullopt;
}

std::string ip_text(const AddressBytes& bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool mapped = std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
  if (mapped) {
    inet_ntop(AF_INET, bytes.data() + kMappedPrefix.size(), text, sizeof text);
  } else {
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

ClientOrigin client_origin(const ClientOrigin& peer, const std::vector<config::Network>& trusted,
                           const http::RequestHead& head) {
  ClientOrigin origin = peer;
  if (trusted.empty()) return origin;
  if (!config::contains(trusted, is_unix(peer.bytes) ? kLoopback : peer.bytes)) return origin;

  std::vector<Hop> hops = x_forwarded_hops(head);
  if (hops.empty()) hops = forwarded_hops(head);
  for (const Hop& hop : hops) {
    // The scheme is told by the proxy we have come to trust, about the hop it saw: it is taken first.
    if (http::equals_ignore_case(hop.proto, "https")) origin.https = true;
    if (http::equals_ignore_case(hop.proto, "http")) origin.https = false;
    const std::optional<ParsedAddress> address = parse_ip(hop.address);
    if (!address) return origin;
    origin.bytes = address->bytes;
    origin.port = address->port;
    origin.address = ip_text(address->bytes);
    origin.forwarded = true;
    if (!config::contains(trusted, address->bytes)) return origin;
  }
  return origin;
}

}  // namespace holdfast::core

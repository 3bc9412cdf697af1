// See forwarded.h for the rules of trust. <arpa/inet.h> is used for its two pure text conversions only.
#include "proxy/core/forwarded.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "config/load.h"  // contains()
#include "config/network.h"
#include "proxy/core/forwarded_field.h"
#include "proxy/http/request_rules.h"
#include "proxy/text/ascii.h"

namespace holdfast::core {

namespace {

// Longer chains are cut on the left: that far out every entry is hearsay.
constexpr std::size_t kHopsMax = 32;
constexpr AddressBytes kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};

// By the order of config::ForwardedHeader.
constexpr std::array<std::string_view, 7> kCgiNames = {
    "HTTP_FORWARDED",        "HTTP_X_FORWARDED_FOR",    "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_X_REAL_IP"};

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
  std::string_view host;
  std::string_view port;
  bool addressed = false;  // it tells of an address, or that it will not
  bool malformed = false;  // no telling what it says, nor what the hops behind it do
};

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
      const std::string_view piece =
          text::trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      if (piece.empty()) continue;
      if (++seen > kHopsMax || !visit(piece)) return;
    }
  }
}

std::vector<std::string_view> entries_from_right(const http::RequestHead& head, std::string_view name) {
  std::vector<std::string_view> entries;
  for_each_from_right(head, name, [&](std::string_view piece) {
    entries.push_back(piece);
    return true;
  });
  return entries;
}

// `read`: the fields that may be.
std::vector<Hop> x_forwarded_hops(const http::RequestHead& head, const ForwardedFields& read) {
  using config::ForwardedHeader;
  std::vector<Hop> hops;
  const auto add_addresses = [&](ForwardedHeader header, std::string_view name) {
    if (!hops.empty() || !read.has(header)) return;
    for (const std::string_view entry : entries_from_right(head, name)) {
      hops.emplace_back();
      hops.back().address = entry;
      hops.back().addressed = true;
    }
  };
  add_addresses(ForwardedHeader::x_forwarded_for, "X-Forwarded-For");
  add_addresses(ForwardedHeader::x_real_ip, "X-Real-IP");
  const bool addressed = !hops.empty();
  const auto add = [&](ForwardedHeader header, std::string_view name, std::string_view Hop::*member) {
    if (!read.has(header)) return;
    const std::vector<std::string_view> entries = entries_from_right(head, name);
    if (entries.empty()) return;
    if (hops.empty()) hops.emplace_back();  // a proxy that tells only this
    // One entry a hop: each belongs to its hop. Otherwise the field is set anew by each proxy (the usual
    // way), or partly a client's: what the nearest proxy wrote stands for all.
    const bool one_a_hop = addressed && entries.size() == hops.size();
    for (std::size_t i = 0; i < hops.size(); ++i) hops[i].*member = one_a_hop ? entries[i] : entries.front();
  };
  add(ForwardedHeader::x_forwarded_proto, "X-Forwarded-Proto", &Hop::proto);
  add(ForwardedHeader::x_forwarded_host, "X-Forwarded-Host", &Hop::host);
  add(ForwardedHeader::x_forwarded_port, "X-Forwarded-Port", &Hop::port);
  return hops;
}

std::vector<Hop> forwarded_hops(const http::RequestHead& head) {
  std::vector<Hop> hops;
  std::vector<ForwardedElement> elements;
  for (auto field = head.fields.rbegin(); field != head.fields.rend(); ++field) {
    if (!http::equals_ignore_case(field->name, "Forwarded")) continue;
    elements.clear();
    if (!append_forwarded(field->value, kHopsMax, elements)) {
      hops.emplace_back();
      hops.back().malformed = true;
    }
    for (auto element = elements.rbegin(); element != elements.rend() && hops.size() < kHopsMax; ++element) {
      hops.push_back({.address = element->node,
                      .proto = element->proto,
                      .host = element->host,
                      .port = {},
                      .addressed = element->has_node});
    }
  }
  return hops;
}

bool is_unix(const AddressBytes& bytes) {
  return bytes == AddressBytes{};
}

// `hops` as their proxies told them, the nearest first.
ClientOrigin walk(const ClientOrigin& peer, const std::vector<config::Network>& trusted,
                  const std::vector<Hop>& hops) {
  ClientOrigin origin = peer;
  for (const Hop& hop : hops) {
    if (hop.malformed) {
      origin.malformed = true;
      return origin;
    }
    // These are told by the proxy we have come to trust, about the hop it saw: they are taken first.
    const bool https = http::equals_ignore_case(hop.proto, "https");
    if (https || http::equals_ignore_case(hop.proto, "http")) {
      origin.https = https;
      origin.told = true;
    }
    if (std::string host; !hop.host.empty() && http::split_authority(hop.host, host)) {
      origin.authority = hop.host;
      origin.host = std::move(host);
      origin.told = true;
    }
    if (std::uint16_t port = 0; parse_port(hop.port, port) && port != 0) {
      origin.asked_port = port;
      origin.told = true;
    }
    const std::optional<ParsedAddress> address = parse_ip(hop.address);
    if (!address) {
      origin.hidden = hop.addressed;
      return origin;
    }
    origin.bytes = address->bytes;
    origin.port = address->port;
    origin.address = ip_text(address->bytes);
    origin.forwarded = origin.told = true;
    if (!config::contains(trusted, address->bytes)) return origin;
  }
  return origin;
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
  if (is_ipv4(bytes)) {
    inet_ntop(AF_INET, bytes.data() + kMappedPrefix.size(), text, sizeof text);
  } else {
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

ForwardedFields ForwardedFields::only(const std::vector<config::ForwardedHeader>& headers) {
  std::uint32_t bits = 0;
  for (const config::ForwardedHeader header : headers) bits |= 1U << static_cast<unsigned>(header);
  return ForwardedFields(bits);
}

bool ForwardedFields::allow(std::string_view cgi_name) const {
  if (bits_ == 0 || bits_ == kAll) return bits_ == kAll;
  for (std::size_t i = 0; i < kCgiNames.size(); ++i) {
    if (cgi_name == kCgiNames[i]) return (bits_ & 1U << i) != 0;
  }
  return false;
}

bool tells_of_client(std::string_view cgi_name) {
  return cgi_name.starts_with("HTTP_X_FORWARDED_") || cgi_name == "HTTP_FORWARDED" ||
         cgi_name == "HTTP_X_REAL_IP";
}

ClientOrigin client_origin(const ClientOrigin& peer, const std::vector<config::Network>& trusted,
                           const std::vector<config::ForwardedHeader>& headers,
                           const http::RequestHead& head) {
  if (trusted.empty() || !config::contains(trusted, is_unix(peer.bytes) ? kLoopback : peer.bytes))
    return peer;

  if (!headers.empty()) {
    const auto read = ForwardedFields::only(headers);
    const bool standard = read.has(config::ForwardedHeader::forwarded);
    ClientOrigin origin = walk(peer, trusted, standard ? forwarded_hops(head) : x_forwarded_hops(head, read));
    origin.fields = read;
    return origin;
  }

  static const auto kReadUnasked = ForwardedFields::only({config::ForwardedHeader::x_forwarded_for,
                                                          config::ForwardedHeader::x_forwarded_proto,
                                                          config::ForwardedHeader::x_forwarded_port});
  const std::vector<Hop> x_forwarded = x_forwarded_hops(head, kReadUnasked);
  std::vector<Hop> forwarded = forwarded_hops(head);
  for (Hop& hop : forwarded) hop.host = {};
  // A port alone says nothing of the client.
  const bool x_tells =
      !x_forwarded.empty() && !(x_forwarded.front().address.empty() && x_forwarded.front().proto.empty());
  ClientOrigin origin = walk(peer, trusted, x_tells || forwarded.empty() ? x_forwarded : forwarded);
  if (x_tells && !forwarded.empty()) {
    const ClientOrigin other = walk(peer, trusted, forwarded);
    origin.conflict = origin.bytes != other.bytes || origin.https != other.https;
    origin.hidden = origin.hidden || other.hidden;  // one of them may be the client's own word
    origin.malformed = other.malformed;
    origin.asked_port = 0;  // Forwarded does not bear it out
  }
  origin.fields = ForwardedFields::all();
  return origin;
}

const AddressBytes& ClientOrigin::judged_bytes() const {
  static constexpr AddressBytes kNobody = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 0, 8};
  return hidden ? kNobody : bytes;
}

std::uint16_t server_port(const ClientOrigin& origin, const http::RequestHead& head,
                          std::uint16_t local_port) {
  if (!origin.told && local_port != 0) return local_port;
  if (origin.asked_port != 0) return origin.asked_port;
  const std::string_view authority =
      origin.authority.empty() ? std::string_view(head.authority) : std::string_view(origin.authority);
  const std::size_t colon = authority.rfind(':');
  std::uint16_t port = 0;
  if (colon != std::string_view::npos && parse_port(authority.substr(colon + 1), port) && port != 0)
    return port;
  return origin.https ? 443 : 80;
}

}  // namespace holdfast::core

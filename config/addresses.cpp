// See addresses.h.
#include "config/addresses.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "config/ascii.h"
#include "config/diagnostics.h"
#include "config/foreign_words.h"
#include "config/network.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;  // 107 on Linux
constexpr std::size_t kHostMax = 253;                                    // RFC 1035, section 2.3.4
constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

// Of names and of IPv6 zones.
bool is_word_char(char c) {
  return is_letter_or_digit(c) || c == '-' || c == '_';
}

bool only_digits_and_dots(std::string_view text) {
  return text.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_ipv4(const std::string& text) {
  in_addr address;
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

// A DNS name, or an IPv4 address. Underscores are not DNS, but container networks use them.
bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > kHostMax) {
    return false;
  }
  if (only_digits_and_dots(text)) {
    return is_ipv4(std::string(text));
  }
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.' ? label == 0 : !is_word_char(c)) {
      return false;
    }
    label = c == '.' ? 0 : label + 1;
  }
  return label > 0;
}

Parsed<Address> unix_address(std::string_view path) {
  Parsed<Address> out;
  if (!path.starts_with('/')) {
    out.error = "the path of a Unix socket must be absolute, got " + quote(path);
    out.hint = "write unix:/run/...";
  } else if (path.size() > kUnixPathMax) {
    out.error = "the path of a Unix socket may have " + std::to_string(kUnixPathMax) + " bytes, this has " +
                std::to_string(path.size());
  } else {
    out.value = Address{Address::Kind::unix_socket, {}, 0, std::string(path)};
  }
  return out;
}

// The text between brackets: an IPv6 address, perhaps with a zone ("fe80::1%eth0").
bool is_bracketed_host(std::string_view inner) {
  const auto percent = inner.find('%');
  if (percent != std::string_view::npos) {
    const std::string_view zone = inner.substr(percent + 1);
    if (zone.empty() ||
        !std::all_of(zone.begin(), zone.end(), [](char c) { return is_word_char(c) || c == '.'; })) {
      return false;
    }
  }
  return is_ipv6(std::string(inner.substr(0, percent)));
}

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

// HOST:PORT. `example` is what a right one looks like.
Parsed<HostPort> split_host_port(std::string_view text, const std::string& example) {
  Parsed<HostPort> out;
  const auto fail = [&](std::string error, std::string hint) {
    out.error = std::move(error);
    out.hint = std::move(hint);
    return out;
  };
  const std::string expected = "expected an address such as " + example + ", got " + quote(text);
  const auto last_colon = text.rfind(':');
  if (is_ipv6(std::string(text)) && !is_ipv6(std::string(text.substr(0, last_colon)))) {
    return fail(expected,
                "put brackets around an IPv6 address and add a port: [" + std::string(text) + "]:PORT");
  }
  if (last_colon == std::string_view::npos || (text.starts_with('[') && text.ends_with(']'))) {
    const bool is_host = is_host_name(text) || text.starts_with('[');
    return fail(expected, is_host ? "add a port: " + std::string(text) + ":PORT" : "");
  }
  std::string_view host = text.substr(0, last_colon);
  const std::string_view digits = text.substr(last_colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!is_bracketed_host(host)) {
      return fail(quote(host) + " is not an IPv6 address", {});
    }
  } else if (is_ipv6(std::string(host))) {
    return fail(expected,
                "put brackets around an IPv6 address: [" + std::string(host) + "]:" + std::string(digits));
  } else if (!host.empty() && !is_host_name(host)) {
    return fail(quote(host) + " is neither a host name nor an IPv4 address", {});
  }
  const auto port = parse_count(digits);
  if (!port.value || *port.value > 65535) {
    return fail(quote(digits) + " is not a port (1 to 65535)", port.hint);
  }
  out.value = HostPort{std::string(host), static_cast<std::uint16_t>(*port.value)};
  return out;
}

template <class To, class From>
Parsed<To> failed_like(Parsed<From> from) {
  return {std::nullopt, std::move(from.error), std::move(from.hint)};
}

// Any address as 16 bytes, IPv4 mapped (RFC 4291, section 2.5.5.2).
bool to_bytes(const std::string& text, std::array<std::uint8_t, 16>& out, bool& v4) {
  v4 = false;
  if (inet_pton(AF_INET6, text.c_str(), out.data()) == 1) {
    return true;
  }
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), out.begin());
  v4 = inet_pton(AF_INET, text.c_str(), out.data() + kMappedPrefix.size()) == 1;
  return v4;
}

// The network part: all bits after the prefix cleared.
std::array<std::uint8_t, 16> masked(std::array<std::uint8_t, 16> address, unsigned prefix) {
  for (unsigned bit = prefix; bit < 128; ++bit) {
    address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] & ~(0x80U >> (bit % 8)));
  }
  return address;
}

Parsed<Network> parse_network(std::string_view text) {
  Parsed<Network> out;
  const auto slash = text.find('/');
  Network network;
  bool v4 = false;
  if (!to_bytes(std::string(text.substr(0, slash)), network.address, v4)) {
    out.error =
        "expected a network such as 10.0.0.0/8 or fd00::/8, or the words private or none, got " + quote(text);
    out.hint = did_you_mean(text, {"private", "none"});
    return out;
  }
  const unsigned most = v4 ? 32 : 128;
  unsigned prefix = most;
  if (slash != std::string_view::npos) {
    const auto bits = parse_count(text.substr(slash + 1));
    if (!bits.value || *bits.value > most) {
      out.error = "the prefix length of " + quote(text) + " must be 0 to " + std::to_string(most);
      out.hint = bits.hint;
      return out;
    }
    prefix = static_cast<unsigned>(*bits.value);
  }
  network.prefix = static_cast<std::uint8_t>(v4 ? 96 + prefix : prefix);
  const Network whole{masked(network.address, network.prefix), network.prefix};
  if (whole != network) {  // 10.1.2.3/8: one of the two numbers is a slip, and which one matters for trust
    out.error = quote(text) + " has bits set beyond its prefix";
    out.hint = "write " + network_text(whole) + " for the whole network, or " +
               std::string(text.substr(0, slash)) + " for this one address";
    return out;
  }
  out.value = network;
  return out;
}

}  // namespace

// The forms of other servers (a bare port, *:80, a URL, a path) are recognised only to say how to write them
// here.
Parsed<Address> read_listen_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    return unix_address(text.substr(5));
  }
  Parsed<Address> out;
  const std::string example = "127.0.0.1:8080, :8080, [::1]:8080 or unix:/run/holdfast.sock";
  for (const std::string_view scheme : {"http://", "https://", "tcp:"}) {
    if (text.starts_with(scheme)) {
      out.error = "expected an address such as " + example + ", got " + quote(text);
      out.hint = "leave out '" + std::string(scheme) + "'";
      return out;
    }
  }
  if (text.starts_with('/')) {
    out.error = "expected an address such as " + example + ", got " + quote(text);
    out.hint = "for a Unix socket write unix:" + std::string(text);
    return out;
  }
  if (parse_count(text).value) {
    out.error = "expected an address such as " + example + ", got " + quote(text);
    out.hint = "write :" + std::string(text) +
               " for every address of this machine, or 127.0.0.1:" + std::string(text);
    return out;
  }
  // nginx's `listen 443 ssl http2;`
  if (text.ends_with("ssl") || text.ends_with("http2") || text.ends_with("quic")) {
    out.error = "expected an address such as " + example + ", got " + quote(text);
    out.hint = "the address alone; " + foreign_hint("ssl");
    return out;
  }
  if (text.ends_with(" default_server") || text.ends_with(" default")) {
    out.error = "expected an address such as " + example + ", got " + quote(text);
    out.hint = "the address alone; the site without hosts answers every other host";
    return out;
  }
  if (text.starts_with("*:")) {
    out.error = "expected an address such as " + example + ", got " + quote(text);
    out.hint = "write " + std::string(text.substr(1)) + " for every address of this machine";
    return out;
  }
  auto parts = split_host_port(text, example);
  if (!parts.value) {
    return failed_like<Address>(std::move(parts));
  }
  // Port 0 is allowed here: the kernel chooses one, and the log says which.
  const std::string host = parts.value->host.empty() ? "0.0.0.0" : parts.value->host;
  out.value = Address{Address::Kind::tcp, host, parts.value->port, {}};
  return out;
}

// Of fcgi://127.0.0.1:9000, tcp://..., unix:///run/php.sock: the same without the slashes of a URL.
static std::string url_hint(std::string_view scheme, std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.empty()) return scheme == "unix" || scheme == "fcgi" ? "write unix:" + std::string(rest) : "";
  return split_host_port(authority, "").value ? "write tcp:" + std::string(authority) : "";
}

Parsed<Address> read_pool_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    return unix_address(text.substr(5));
  }
  Parsed<Address> out;
  const std::string example = "unix:/run/php/php-fpm.sock or tcp:127.0.0.1:9000";
  if (!text.starts_with("tcp:")) {
    out.error = "expected an address such as " + example + ", got " + quote(text);
    if (text.starts_with('/')) {
      out.hint = "write unix:" + std::string(text);
    } else if (const auto scheme = text.find("://"); scheme != std::string_view::npos) {
      out.hint = url_hint(text.substr(0, scheme), text.substr(scheme + 3));
    } else if (const auto port = parse_count(text); port.value && *port.value <= 65535) {
      out.hint = "write tcp:127.0.0.1:" + std::string(text);
    } else if (split_host_port(text, example).value && !text.starts_with(':')) {
      out.hint = "write tcp:" + std::string(text);
    }
    return out;
  }
  if (text.starts_with("tcp://")) {
    out.error = "expected an address such as " + example + ", got " + quote(text);
    out.hint = url_hint("tcp", text.substr(6));
    return out;
  }
  auto parts = split_host_port(text.substr(4), example);
  if (!parts.value) {
    return failed_like<Address>(std::move(parts));
  }
  if (parts.value->host.empty() || parts.value->port == 0) {
    out.error = quote(text) + " names no " + (parts.value->port == 0 ? "port" : "host") + " to connect to";
    out.hint = "write tcp:127.0.0.1:" + std::to_string(parts.value->port == 0 ? 9000 : parts.value->port);
    return out;
  }
  out.value = Address{Address::Kind::tcp, parts.value->host, parts.value->port, {}};
  return out;
}

std::string pool_address_text(const Address& address) {
  return (address.kind == Address::Kind::tcp ? "tcp:" : "") + address.text();
}

// Wildcards of one leading label are all that the router knows; anything else must not look as if it worked.
Parsed<std::string> parse_host_pattern(std::string_view text) {
  Parsed<std::string> out;
  const std::string_view name = text.starts_with("*.") ? text.substr(2) : text;
  const bool v6_literal =
      text.starts_with('[') && text.ends_with(']') && is_ipv6(std::string(text.substr(1, text.size() - 2)));
  if (v6_literal || (is_host_name(name) && !(name.size() < text.size() && only_digits_and_dots(name)))) {
    out.value = std::string(text);
  } else if (text == "*") {
    out.error = "'*' is not a host";
    out.hint = "leave hosts out to answer every host";
  } else if (text.find('*') != std::string_view::npos) {
    out.error = "a star may stand only at the beginning, for whole labels, got " + quote(text);
    out.hint = "write *.example.com";
  } else if (text.find("://") != std::string_view::npos || text.find('/') != std::string_view::npos) {
    out.error = "expected a host name such as example.com, got " + quote(text);
    out.hint = "only the name, without scheme and path";
  } else if (text.find(':') != std::string_view::npos) {
    out.error = "expected a host name such as example.com, got " + quote(text);
    out.hint = is_ipv6(std::string(text)) ? "write [" + std::string(text) + "]"
                                          : "without the port: a site answers on every listen address";
  } else if (std::any_of(text.begin(), text.end(),
                         [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    out.error = quote(text) + " is not ASCII, and browsers send such names encoded";
    out.hint = "write the xn-- form";
  } else if (text.starts_with('.') && is_host_name(text.substr(1))) {
    out.error = "expected a host name such as example.com, got " + quote(text);
    out.hint = "write both: " + std::string(text.substr(1)) + " and *" + std::string(text);
  } else {
    out.error = "expected a host name such as example.com or *.example.com, got " + quote(text);
    if (text.ends_with('.') && is_host_name(text.substr(0, text.size() - 1)))
      out.hint =
          "write " + std::string(text.substr(0, text.size() - 1)) + ": the dot at the end is not compared";
  }
  if (out.value) {
    for (char& c : *out.value) {
      c = to_lower(c);
    }
  }
  return out;
}

Parsed<std::vector<Network>> parse_networks(std::string_view text) {
  Parsed<std::vector<Network>> out;
  if (text == "none") {  // what a variable can say where a list is not to be written
    out.value.emplace();
    return out;
  }
  if (text == "private") {
    // Loopback, RFC 1918, unique local (RFC 4193) and link local (RFC 3927, RFC 4291).
    out.value.emplace();
    for (const char* block : {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                              "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"}) {
      out.value->push_back(*parse_network(block).value);
    }
    return out;
  }
  auto one = parse_network(text);
  if (!one.value) {
    return failed_like<std::vector<Network>>(std::move(one));
  }
  out.value = {*one.value};
  return out;
}

std::string network_text(const Network& network) {
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 =
      network.prefix >= 96 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), network.address.begin());
  inet_ntop(v4 ? AF_INET : AF_INET6, network.address.data() + (v4 ? kMappedPrefix.size() : 0), text,
            sizeof text);
  return text + ("/" + std::to_string(v4 ? network.prefix - 96 : network.prefix));
}

std::optional<Address> parse_listen_address(std::string_view text, std::string& error) {
  auto parsed = read_listen_address(text);
  error = parsed.hint.empty() ? parsed.error : parsed.error + "; " + parsed.hint;
  return parsed.value;
}

std::optional<Address> parse_pool_address(std::string_view text, std::string& error) {
  auto parsed = read_pool_address(text);
  error = parsed.hint.empty() ? parsed.error : parsed.error + "; " + parsed.hint;
  return parsed.value;
}

bool contains(const std::vector<Network>& networks, const std::array<std::uint8_t, 16>& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& network) {
    const std::size_t whole = network.prefix / 8U;
    const unsigned rest = network.prefix % 8U;
    if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                    network.address.begin())) {
      return false;
    }
    return rest == 0 || ((address[whole] ^ network.address[whole]) >> (8U - rest)) == 0;
  });
}

}  // namespace holdfast::config

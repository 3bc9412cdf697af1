// Paths and authorities of request targets: the two functions of request_rules.h that walk over bytes.
#include "proxy/http/request_rules.h"
#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

// "::", at most one; groups of up to four digits; at most one IPv4 tail (RFC 3986 3.2.2, IPv6address). No
// zone id and no IPvFuture: nobody names a site by them.
bool is_ipv4(std::string_view text) {
  int octets = 0;
  while (true) {
    std::size_t digits = 0;
    int value = 0;
    while (digits < text.size() && digits < 4 && is_digit(text[digits]))
      value = value * 10 + (text[digits++] - '0');
    if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text.front() == '0')) return false;
    ++octets;
    text.remove_prefix(digits);
    if (text.empty()) return octets == 4;
    if (text.front() != '.' || octets == 4) return false;
    text.remove_prefix(1);
  }
}

bool is_ipv6(std::string_view text) {
  int groups = 0;
  bool gap = false;
  if (text.substr(0, 2) == "::") {
    gap = true;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    std::size_t digits = 0;
    while (digits < text.size() && digits < 5 && hex_value(text[digits]) >= 0) ++digits;
    if (digits < text.size() && text[digits] == '.') return is_ipv4(text) && (gap ? groups < 6 : groups == 6);
    if (digits == 0 || digits > 4) return false;
    ++groups;
    text.remove_prefix(digits);
    if (text.empty()) break;
    if (text.front() != ':' || text.size() == 1) return false;
    text.remove_prefix(1);
    if (text.front() == ':') {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
    }
  }
  return gap ? groups < 8 : groups == 8;
}

bool is_reg_name(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.find("..") != std::string_view::npos) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_class(text[i], kHost)) continue;
    if (text[i] != '%' || i + 2 >= text.size()) return false;
    if (hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return false;
    i += 2;
  }
  return true;
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  return true;
}

// Drops the last segment of `out`, which ends with "/" and starts with "/". False when there is none.
bool drop_segment(std::string& out) {
  if (out.size() == 1) return false;
  out.resize(out.rfind('/', out.size() - 2) + 1);
  return true;
}

// Called at the end of each segment, which starts at `begin` in `out`. Dots vanish, and the "/" before stays.
bool resolve_dots(std::string& out, std::size_t begin) {
  const std::size_t bytes = out.size() - begin;
  if (bytes == 1 && out[begin] == '.') {
    out.resize(begin);
  } else if (bytes == 2 && out[begin] == '.' && out[begin + 1] == '.') {
    out.resize(begin);
    return drop_segment(out);
  }
  return true;
}

// Nothing to decode, to resolve or to merge: true for most paths.
bool is_plain(std::string_view raw) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '%' || raw[i] == '\0') return false;
    if (raw[i] == '/' && i + 1 < raw.size() && (raw[i + 1] == '/' || raw[i + 1] == '.')) return false;
  }
  return true;
}

}  // namespace

bool normalise_path(std::string_view raw, std::string& out) {
  out.clear();
  if (raw.empty() || raw.front() != '/') return false;
  if (is_plain(raw)) {
    out = raw;
    return true;
  }
  out.push_back('/');
  std::size_t segment = 1;  // where the current segment begins in `out`
  for (std::size_t i = 1; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      if (i + 2 >= raw.size()) return false;
      const int high = hex_value(raw[i + 1]);
      const int low = hex_value(raw[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return false;
    if (c != '/') {
      out.push_back(c);
      continue;
    }
    if (!resolve_dots(out, segment)) return false;
    if (out.back() != '/') out.push_back('/');
    segment = out.size();
  }
  return resolve_dots(out, segment);
}

bool split_authority(std::string_view authority, std::string& host) {
  std::string_view name = authority;
  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos || !is_ipv6(authority.substr(1, close - 1))) return false;
    name = authority.substr(0, close + 1);
    port = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    if (colon != std::string_view::npos) {
      name = authority.substr(0, colon);
      port = authority.substr(colon);
    }
    if (!is_reg_name(name)) return false;
    if (name.back() == '.') name.remove_suffix(1);
  }
  if (!port.empty() && (port.front() != ':' || !is_port(port.substr(1)))) return false;
  host.assign(name);
  for (char& c : host) c = to_lower(c);
  return true;
}

}  // namespace holdfast::http

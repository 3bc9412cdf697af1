// See cgi_params.h. On the path of every PHP request: one pass over the fields, no allocation once warm.
#include "proxy/core/cgi_params.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>

#include "config/site.h"

namespace holdfast::core {

namespace {

constexpr std::string_view kFieldPrefix = "HTTP_";
// Each is compared with each field: thousands would be a way to burn our time. Those over the limit strike
// out nothing, which does no harm: it is php, not another server, that gets the fields.
constexpr std::size_t kConnectionOptionsMax = 32;

// The CGI spelling of each byte of a field name; 0: not allowed.
constexpr auto kCgiByte = [] {
  std::array<char, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c);
  for (int c = 'A'; c <= 'Z'; ++c) {
    table[static_cast<std::size_t>(c)] = static_cast<char>(c);
    table[static_cast<std::size_t>(c - 'A' + 'a')] = static_cast<char>(c);
  }
  table['-'] = '_';
  return table;
}();

// The fields that make no HTTP_* (see the header), by what they would have been. Judged by length first.
bool is_withheld_field(std::string_view cgi_name) {
  switch (cgi_name.size()) {
    case 7: return cgi_name == "HTTP_TE";
    case 9: return cgi_name == "HTTP_HOST";
    case 10: return cgi_name == "HTTP_PROXY";
    case 12: return cgi_name == "HTTP_TRAILER" || cgi_name == "HTTP_UPGRADE";
    case 15: return cgi_name == "HTTP_CONNECTION" || cgi_name == "HTTP_KEEP_ALIVE";
    case 17: return cgi_name == "HTTP_CONTENT_TYPE";
    case 19: return cgi_name == "HTTP_CONTENT_LENGTH";
    case 21: return cgi_name == "HTTP_PROXY_CONNECTION";
    case 22: return cgi_name == "HTTP_TRANSFER_ENCODING";
    default:  // a number, no enum: all other lengths
      return false;
  }
}

// The eight bytes at `at` with the case bit of each set: equal for texts that differ in ASCII case only.
std::uint64_t eight_bytes(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word | 0x2020202020202020;
}

// A cheap number below 1024 for a field name, of its first and last eight bytes; equal names (ASCII case
// ignored) have equal numbers. Parts the dozen names of a usual request, so that they need no search for
// repeats.
unsigned name_number(std::string_view name) {
  const std::size_t size = name.size();
  std::uint64_t mixed = size;
  if (size >= 8) {
    mixed += eight_bytes(name.data()) * 0x9e3779b97f4a7c15 ^ eight_bytes(name.data() + size - 8);
  } else {
    char padded[8] = {};
    name.copy(padded, size);
    mixed += eight_bytes(padded);
  }
  return static_cast<unsigned>(mixed * 0x9e3779b97f4a7c15 >> 54);  // Fibonacci hashing: the top ten bits
}

bool may_have_repeats(const std::vector<http::Field>& fields) {
  std::array<std::uint64_t, 16> seen{};
  for (const http::Field& field : fields) {
    const unsigned number = name_number(field.name);
    const std::uint64_t bit = std::uint64_t{1} << (number & 63);
    if ((seen[number >> 6] & bit) != 0) return true;
    seen[number >> 6] |= bit;
  }
  return false;
}

// A configured value would lie about the body: php-fpm would wait for bytes that never come.
bool is_body_length(std::string_view name) {
  return name == "CONTENT_LENGTH";
}

std::uint64_t size_bit(std::size_t size) {
  return std::uint64_t{1} << std::min<std::size_t>(size, 63);
}

}  // namespace

CgiParams::CgiParams(const config::Site& site, std::string_view server_software) : site_(site) {
  for (const auto& [name, value] : site_.params) {
    if (is_body_length(name)) continue;
    configured_sizes_ |= size_bit(name.size());
    fixed_fits_ = fixed_.add(name, value) && fixed_fits_;
  }
  // php-cgi refuses to run without REDIRECT_STATUS (cgi.force_redirect).
  fixed_fits_ = add(fixed_, "GATEWAY_INTERFACE", "CGI/1.1") && add(fixed_, "REDIRECT_STATUS", "200") &&
                add(fixed_, "SERVER_SOFTWARE", server_software) && fixed_fits_;
}

bool CgiParams::configured(std::string_view name) const {
  if ((configured_sizes_ & size_bit(name.size())) == 0) return false;
  // The map's keys are strings; few requests come here, and few names are longer than a string's own buffer.
  return !is_body_length(name) && site_.params.find(std::string(name)) != site_.params.end();
}

bool CgiParams::build(const CgiRequest& request, fastcgi::ParamList& out) {
  out.append(fixed_);
  return fixed_fits_ && add_request(request, out) && add_script(request, out) &&
         add_connection(request, out) && add_fields(request, out);
}

bool CgiParams::add_request(const CgiRequest& request, fastcgi::ParamList& out) {
  const http::RequestHead& head = request.head;
  // Without a body the length is empty, as RFC 3875 4.1.2 has it and as applications know it from nginx ("0"
  // is for a body that is there and empty); php-fpm reads both as 0.
  char digits[20];
  std::string_view length;
  if (head.chunked || head.content_length || request.content_length > 0) {
    const auto end = std::to_chars(digits, digits + sizeof digits, request.content_length).ptr;
    length = {digits, static_cast<std::size_t>(end - digits)};
  }
  // REQUEST_URI is the path and query as sent; of an absolute-form target only these (as nginx's
  // $request_uri).
  std::string_view uri = head.target;
  if (!uri.starts_with('/')) {
    value_.assign(head.raw_path);
    if (!head.query.empty()) value_.append("?").append(head.query);
    uri = value_;
  }
  return add(out, "QUERY_STRING", request.query.value_or(head.query)) &&
         add(out, "REQUEST_METHOD", head.method_text) &&
         add(out, "CONTENT_TYPE", head.find("Content-Type").value_or(std::string_view())) &&
         out.add("CONTENT_LENGTH", length) && add(out, "REQUEST_URI", uri) &&
         add(out, "SERVER_PROTOCOL", head.version_minor == 0 ? "HTTP/1.0" : "HTTP/1.1");
}

bool CgiParams::add_script(const CgiRequest& request, fastcgi::ParamList& out) {
  const std::string_view root = request.root.empty() ? std::string_view(site_.php_root) : request.root;
  value_.assign(site_.path).append(request.script_name);
  if (!add(out, "SCRIPT_NAME", value_) || !add(out, "DOCUMENT_ROOT", root)) return false;
  value_.assign(root).append(request.script_name);
  if (!add(out, "SCRIPT_FILENAME", value_)) return false;
  value_.assign(site_.path).append(request.script_name).append(request.path_info);
  if (request.path_info.empty()) return add(out, "DOCUMENT_URI", value_);
  // No PATH_TRANSLATED: with cgi.fix_pathinfo=0 php-fpm runs that file in place of SCRIPT_FILENAME.
  return add(out, "DOCUMENT_URI", value_) && add(out, "PATH_INFO", request.path_info);
}

bool CgiParams::add_connection(const CgiRequest& request, fastcgi::ParamList& out) {
  // The name that led here: of a site with hosts it is one of them or fits a wildcard, so no client made it
  // up. Without a Host (HTTP/1.0): the site's first name, else our address.
  std::string_view server_name = request.host.empty() ? std::string_view(request.head.host) : request.host;
  if (server_name.empty()) {
    const bool named = !site_.hosts.empty() && !site_.hosts.front().starts_with('*');
    server_name = named ? std::string_view(site_.hosts.front()) : request.server_address;
  }
  if (server_name.empty()) server_name = "localhost";  // a Unix socket; RFC 3875 4.1.14 wants a name
  if (!request.remote_user.empty() &&
      (!add(out, "REMOTE_USER", request.remote_user) || !add(out, "AUTH_TYPE", "Basic")))
    return false;
  return add(out, "REQUEST_SCHEME", request.https ? "https" : "http") &&
         (!request.https || add(out, "HTTPS", "on")) && add(out, "REMOTE_ADDR", request.remote_address) &&
         add(out, "REMOTE_PORT", request.remote_port) && add(out, "SERVER_ADDR", request.server_address) &&
         add(out, "SERVER_PORT", request.server_port) && add(out, "SERVER_NAME", server_name);
}

bool CgiParams::make_name(std::string_view field_name) {
  name_.resize(kFieldPrefix.size() + field_name.size());
  char* at = name_.data() + kFieldPrefix.size();
  bool allowed = !field_name.empty();
  for (const char c : field_name) {
    *at = kCgiByte[static_cast<unsigned char>(c)];
    allowed &= *at++ != 0;
  }
  kFieldPrefix.copy(name_.data(), kFieldPrefix.size());
  return allowed && !is_withheld_field(name_);
}

bool CgiParams::add_fields(const CgiRequest& request, fastcgi::ParamList& out) {
  const http::RequestHead& head = request.head;
  const std::string_view authority =
      request.authority.empty() ? std::string_view(head.authority) : request.authority;
  if (!authority.empty() && !add(out, "HTTP_HOST", authority)) return false;
  collect_connection_options(head);
  const bool repeats = may_have_repeats(head.fields);
  if (repeats) hash_names(head);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const http::Field& field = head.fields[i];
    if (!make_name(field.name) || named_in_connection(field.name)) continue;
    if (tells_of_client(name_) && !request.forwarded_fields.allow(name_)) continue;
    if (!(repeats ? add_joined(head, i, out) : add(out, name_, field.value))) return false;
  }
  return true;
}

// Whole-name hashes keep the search for repeats cheap even for hundreds of long names that differ in one
// byte.
void CgiParams::hash_names(const http::RequestHead& head) {
  name_hashes_.clear();
  for (const http::Field& field : head.fields) {
    make_name(field.name);
    name_hashes_.push_back(std::hash<std::string_view>()(name_));
  }
}

// The field at `first` with all later ones of its name joined to it (RFC 9110 5.3; Cookie by RFC 6265 5.4).
// Nothing when an earlier one of the name has done that already.
bool CgiParams::add_joined(const http::RequestHead& head, std::size_t first, fastcgi::ParamList& out) {
  const auto same_name = [&](std::size_t i) {
    return name_hashes_[i] == name_hashes_[first] &&
           http::equals_ignore_case(head.fields[i].name, head.fields[first].name);
  };
  for (std::size_t i = 0; i < first; ++i) {
    if (same_name(i)) return true;
  }
  value_.assign(head.fields[first].value);
  const std::string_view separator = name_ == "HTTP_COOKIE" ? "; " : ", ";
  for (std::size_t i = first + 1; i < head.fields.size(); ++i) {
    if (same_name(i)) value_.append(separator).append(head.fields[i].value);
  }
  return add(out, name_, value_);
}

void CgiParams::collect_connection_options(const http::RequestHead& head) {
  connection_options_.clear();
  for (const http::Field& field : head.fields) {
    if (field.name.size() != 10 || !http::equals_ignore_case(field.name, "Connection")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view option = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      while (!option.empty() && (option.front() == ' ' || option.front() == '\t')) option.remove_prefix(1);
      while (!option.empty() && (option.back() == ' ' || option.back() == '\t')) option.remove_suffix(1);
      // These name no field that would be passed on; leaving them out keeps the list empty for browsers.
      if (option.empty() || http::equals_ignore_case(option, "keep-alive") ||
          http::equals_ignore_case(option, "close") || connection_options_.size() == kConnectionOptionsMax) {
        continue;
      }
      connection_options_.push_back(option);
    }
  }
}

bool CgiParams::named_in_connection(std::string_view field_name) const {
  if (connection_options_.empty()) return false;
  // What a proxy tells about the client may not be struck out by the client (the "hop-by-hop abuse":
  // Connection: X-Forwarded-For passes many proxies).
  if (tells_of_client(name_)) return false;
  return std::any_of(connection_options_.begin(), connection_options_.end(),
                     [&](std::string_view option) { return http::equals_ignore_case(option, field_name); });
}

}  // namespace holdfast::core

// Request line, target and fields of a request head.
#include "proxy/http/request_rules.h"

#include <algorithm>

#include "proxy/http/text.h"

namespace holdfast::http {

Method method_of(std::string_view text) {
  if (text == "GET") return Method::get;
  if (text == "POST") return Method::post;
  if (text == "HEAD") return Method::head;
  if (text == "PUT") return Method::put;
  if (text == "DELETE") return Method::delete_;
  if (text == "OPTIONS") return Method::options;
  if (text == "PATCH") return Method::patch;
  if (text == "QUERY") return Method::query;
  return Method::other;
}

namespace {

// HTTP-version, RFC 9112 2.3: one digit, a dot, one digit.
bool is_version(std::string_view version) {
  return version.size() == 8 && version.substr(0, 5) == "HTTP/" && is_digit(version[5]) &&
         version[6] == '.' && is_digit(version[7]);
}

// transfer-coding of RFC 9110 10.1.4; what its parameters hold is not looked at.
bool is_coding(std::string_view member) {
  const std::string_view name = trim(member.substr(0, member.find(';')));
  return !name.empty() && run_of(name, kToken) == name.size();
}

// Not "chunked" alone: is it that, last and once, behind codings that we do not know?
Refusal refuse_coding(std::string_view list) {
  bool is_sound = true;
  std::size_t chunked = 0;
  std::string_view member;
  while (next_member(list, member)) {  // `member` is the last one afterwards
    is_sound = is_sound && is_coding(member);
    if (equals_ignore_case(trim(member.substr(0, member.find(';'))), "chunked")) ++chunked;
  }
  if (is_sound && chunked == 1 && equals_ignore_case(member, "chunked"))
    return {501, "Transfer-Encoding other than chunked"};
  return {400, "Transfer-Encoding that does not end in chunked, said once"};
}

struct SplitTarget {
  std::string_view authority;
  std::string_view rest;  // path and query
  bool absolute = false;
};

// Only http and https: other schemes have no meaning here.
SplitTarget split_target(std::string_view target) {
  if (target.front() == '/') return {{}, target, false};
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equals_ignore_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    return {target.substr(0, end), target.substr(end), true};
  }
  return {};
}

struct FramingFields {
  std::string_view content_length;
  std::string_view transfer_encoding;
  std::string_view host;
  int content_lengths = 0;
  int transfer_encodings = 0;
  int hosts = 0;
  int authorizations = 0;
  bool close = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool expects_other = false;
};

void read_connection(std::string_view value, FramingFields& found) {
  std::string_view member;
  while (next_member(value, member)) {
    if (equals_ignore_case(member, "close")) found.close = true;
    if (equals_ignore_case(member, "keep-alive")) found.keep_alive = true;
  }
}

void read_expect(std::string_view value, FramingFields& found) {
  std::string_view member;
  while (next_member(value, member)) {
    if (equals_ignore_case(member, "100-continue"))
      found.expects_continue = true;
    else if (!member.empty())
      found.expects_other = true;
  }
}

// Sorted by length first: most fields of a request match no length here, or fail at the first letter.
FramingFields collect(const std::vector<Field>& fields) {
  FramingFields found;
  for (const Field& field : fields) {
    switch (field.name.size()) {
      case 4:
        if (equals_ignore_case(field.name, "Host")) found.host = field.value, ++found.hosts;
        break;
      case 6:
        if (equals_ignore_case(field.name, "Expect")) read_expect(field.value, found);
        break;
      case 10:
        if (equals_ignore_case(field.name, "Connection")) read_connection(field.value, found);
        break;
      case 13:
        if (equals_ignore_case(field.name, "Authorization")) ++found.authorizations;
        break;
      case 14:
        if (equals_ignore_case(field.name, "Content-Length"))
          found.content_length = field.value, ++found.content_lengths;
        break;
      case 17:
        if (equals_ignore_case(field.name, "Transfer-Encoding"))
          found.transfer_encoding = field.value, ++found.transfer_encodings;
        break;
      default: break;
    }
  }
  return found;
}

// RFC 9112 6.1 to 6.3: every doubt about where the body ends is a refusal, because the next hop might not
// share it (request smuggling).
std::optional<Refusal> apply_framing(const FramingFields& found, RequestHead& head) {
  if (found.transfer_encodings > 0) {
    if (found.content_lengths > 0) return Refusal{400, "both Content-Length and Transfer-Encoding"};
    if (head.version_minor == 0) return Refusal{400, "Transfer-Encoding in HTTP/1.0"};
    if (found.transfer_encodings > 1) return Refusal{400, "repeated Transfer-Encoding"};
    if (!equals_ignore_case(found.transfer_encoding, "chunked"))
      return refuse_coding(found.transfer_encoding);
    head.chunked = true;
  }
  if (found.content_lengths > 1) return Refusal{400, "repeated Content-Length"};
  if (found.content_lengths == 1) {
    head.content_length = parse_content_length(found.content_length);
    if (!head.content_length) return Refusal{400, "malformed Content-Length"};
  }
  return std::nullopt;
}

std::optional<Refusal> apply_host(const FramingFields& found, RequestHead& head) {
  if (found.hosts > 1) return Refusal{400, "more than one Host"};
  if (found.hosts == 0) {
    if (head.version_minor >= 1) return Refusal{400, "HTTP/1.1 request without Host"};
    return std::nullopt;
  }
  if (!head.authority.empty()) {
    // Absolute-form: its authority wins (RFC 9112 3.2.2), but a Host that breaks the rules is refused still.
    std::string ignored;
    if (!found.host.empty() && !split_authority(found.host, ignored)) return Refusal{400, "malformed Host"};
    return std::nullopt;
  }
  if (found.host.empty()) {
    if (head.target.starts_with('/')) return Refusal{400, "empty Host"};
    return std::nullopt;
  }
  if (!split_authority(found.host, head.host)) return Refusal{400, "malformed Host"};
  head.authority = found.host;
  return std::nullopt;
}

}  // namespace

bool is_field_name(std::string_view name) {
  return !name.empty() && run_of(name, kToken) == name.size();
}

bool is_field_value(std::string_view value) {
  return run_of_value(value) == value.size();
}

std::optional<std::uint64_t> parse_content_length(std::string_view value) {
  if (value.empty()) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : value) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (UINT64_MAX - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

std::optional<Refusal> apply_request_line(std::string_view method, std::string_view version,
                                          RequestHead& head) {
  if (!is_version(version)) return Refusal{400, "malformed HTTP version"};
  if (version[5] != '1') return Refusal{505, "HTTP version other than 1.x"};
  head.version_minor = version[7] == '0' ? 0 : 1;

  head.method = method_of(method);
  if (method == "CONNECT" || method == "TRACE") return Refusal{405, "method not allowed here"};
  return std::nullopt;
}

std::optional<Refusal> apply_target(RequestHead& head) {
  if (head.target == "*") {
    if (head.method != Method::options) return Refusal{400, "target * is for OPTIONS only"};
    head.raw_path = head.target;
    head.path = "*";
    return std::nullopt;
  }
  const SplitTarget parts = split_target(head.target);
  if (parts.absolute) {
    if (!split_authority(parts.authority, head.host))
      return Refusal{400, "malformed authority in the target"};
    head.authority = parts.authority;
    if (parts.rest.empty() && head.method == Method::options) {
      head.raw_path = "*";  // RFC 9112 3.2.4: OPTIONS of the server as a whole
      head.path = "*";
      return std::nullopt;
    }
  } else if (parts.rest.empty()) {
    return Refusal{400, "request target is neither a path nor an http URL"};
  }
  const std::size_t mark = parts.rest.find('?');
  head.raw_path = parts.rest.substr(0, mark);
  if (mark != std::string_view::npos) head.query = parts.rest.substr(mark + 1);
  if (head.raw_path.empty()) head.raw_path = "/";
  if (!normalise_path(head.raw_path, head.path)) return Refusal{400, "malformed path"};
  return std::nullopt;
}

std::optional<Refusal> apply_fields(RequestHead& head) {
  const FramingFields found = collect(head.fields);
  if (auto refusal = apply_framing(found, head)) return refusal;
  if (auto refusal = apply_host(found, head)) return refusal;

  if (found.authorizations > 1) return Refusal{400, "more than one Authorization"};
  if (found.expects_other) return Refusal{417, "expectation other than 100-continue"};
  // RFC 9110 10.1.1: ignored in HTTP/1.0; without a body there is nothing to wait for.
  head.expect_continue = found.expects_continue && head.version_minor >= 1 && head.has_body();
  head.keep_alive = !found.close && (head.version_minor >= 1 || found.keep_alive);
  return std::nullopt;
}

}  // namespace holdfast::http

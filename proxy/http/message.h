// Heads of HTTP messages as the rest of the program sees them. Plain data: views point into the parser that
// made them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::http {

enum class Method : std::uint8_t { get, head, post, put, delete_, options, patch, query, other };

struct Field {
  std::string_view name;
  std::string_view value;  // without leading and trailing white space
};

// A request head that has passed every rule of request_rules.h. Valid until the parser goes on to the next
// request.
struct RequestHead {
  Method method = Method::get;
  std::string_view method_text;
  std::string_view target;  // as sent: origin-form, absolute-form or "*"
  std::string_view
      raw_path;  // path part of the target, undecoded (absolute-form: without scheme and authority)
  std::string
      path;  // percent-decoded once, "." and ".." and "//" resolved; starts with "/"; "*" for OPTIONS *
  std::string_view query;  // without "?"; undecoded
  std::string
      authority;  // of an absolute-form target, else the Host field, port included; may be empty (HTTP/1.0)
  std::string host;           // authority without port, ASCII lower case, IPv6 brackets kept
  int version_minor = 1;      // HTTP/1.<minor>: 0 or 1
  std::vector<Field> fields;  // all, in the order sent
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool expect_continue = false;
  bool keep_alive = true;  // what the client asks for: version and Connection

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  // As new but for its memory, which the next head takes over.
  void clear();
  // First field of this name (ASCII case ignored).
  std::optional<std::string_view> find(std::string_view name) const;
};

// Idempotent methods (RFC 9110 9.2.2): GET, HEAD, OPTIONS, PUT, DELETE, and QUERY, whose body asks and
// changes nothing.
bool is_repeatable(Method method);

// Responses of this status never have content, whatever their fields say (RFC 9110 15: 1xx, 204, 205, 304).
bool is_contentless(int status);

bool equals_ignore_case(std::string_view a, std::string_view b);  // ASCII only

}  // namespace holdfast::http

// Text put into a URI (RFC 3986).
#pragma once

#include <string>
#include <string_view>

namespace holdfast::text {

// What may stand in a URI as it is; some of it not everywhere. Browsers take a backslash for a slash.
constexpr bool is_uri_byte(char c) {
  return c > 0x20 && c < 0x7f && c != '\\' && c != '"' && c != '<' && c != '>';
}

// Appends `text`; %XX stands for what no URI may hold and for the bytes of `encoded_too`.
void append_percent_encoded(std::string& out, std::string_view text, std::string_view encoded_too);

}  // namespace holdfast::text

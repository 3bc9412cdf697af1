// See uri_text.h.
#include "proxy/text/uri_text.h"

#include "proxy/text/ascii.h"

namespace holdfast::text {

void append_percent_encoded(std::string& out, std::string_view text, std::string_view encoded_too) {
  for (const char c : text) {
    if (is_uri_byte(c) && encoded_too.find(c) == std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kUpperHexDigits[byte >> 4], kUpperHexDigits[byte & 15]};
  }
}

}  // namespace holdfast::text

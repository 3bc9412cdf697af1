// See utf8.h.
#include "proxy/text/utf8.h"

namespace holdfast::text {

CodePoint decode_utf8(std::string_view text) {
  if (text.empty()) return {};
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  // Table 3-7 of the Unicode standard, as arithmetic: length and smallest value by the lead byte.
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t value = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    value = value << 6 | (next & 0x3f);
  }
  if (bytes == 3 && (value < 0x800 || (value >= 0xd800 && value < 0xe000))) return {};
  if (bytes == 4 && (value < 0x10000 || value > 0x10ffff)) return {};
  return {value, bytes};
}

bool is_deceptive(std::uint32_t code_point) {
  return (code_point >= 0x2028 && code_point <= 0x202e) || (code_point >= 0x2066 && code_point <= 0x2069);
}

}  // namespace holdfast::text

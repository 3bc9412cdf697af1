// See log_text.h.
#include "proxy/core/log_text.h"

#include <charconv>

#include "proxy/text/ascii.h"
#include "proxy/text/utf8.h"

namespace holdfast::core {

namespace {

void append_hex_byte(std::string& out, unsigned char byte) {
  const char text[] = {'\\', 'x', text::kHexDigits[byte >> 4], text::kHexDigits[byte & 15]};
  out.append(text, sizeof text);
}

void append_escaped_ascii(std::string& out, char c) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c == '\\') {
    out += "\\\\";
  } else {
    append_hex_byte(out, static_cast<unsigned char>(c));
  }
}

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7f && c != '\\';
}

}  // namespace

void append_escaped_for_log(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const text::CodePoint point = text::decode_utf8(text);
    if (point.bytes <= 1) {
      append_escaped_ascii(out, text[0]);
      text.remove_prefix(1);
      continue;
    }
    if (point.value < 0xa0) {  // C1 controls: U+009B is as good as ESC [
      for (const char c : text.substr(0, point.bytes)) append_hex_byte(out, static_cast<unsigned char>(c));
    } else if (text::is_deceptive(point.value)) {
      char digits[8];
      const auto end = std::to_chars(digits, digits + sizeof digits, point.value, 16).ptr;
      out.append("\\u{").append(digits, static_cast<std::size_t>(end - digits)).append("}");
    } else {
      out.append(text.substr(0, point.bytes));
    }
    text.remove_prefix(point.bytes);
  }
}

std::string escape_for_log(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_escaped_for_log(out, text);
  return out;
}

void append_more_bytes(std::string& out, std::size_t bytes) {
  out.append("... ").append(std::to_string(bytes)).append(" more bytes");
}

void append_cut(std::string& out, std::string_view text, std::size_t most) {
  if (text.size() <= most) {
    out.append(text);
    return;
  }
  std::size_t kept = most > kMoreBytesMost ? most - kMoreBytesMost : 0;
  // Not within a character: then the whole line would be no UTF-8.
  while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xc0) == 0x80) --kept;
  out.append(text.substr(0, kept));
  append_more_bytes(out, text.size() - kept);
}

}  // namespace holdfast::core

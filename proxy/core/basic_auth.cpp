// See basic_auth.h.
#include "proxy/core/basic_auth.h"

#include <algorithm>

#include "config/user_lines.h"
#include "proxy/http/message.h"

namespace holdfast::core {

namespace {

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// RFC 4648 section 4; padding may be left out. Nothing for other bytes.
std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  unsigned bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xFFFF;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xFF);
  }
  return out;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

std::optional<Credentials> basic_credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (!http::equals_ignore_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  std::string_view encoded = authorization.substr(kScheme.size());
  while (encoded.starts_with(' ')) encoded.remove_prefix(1);
  if (encoded.size() > (kUserBytesMost + kPasswordBytesMost + 1) / 3 * 4 + 4) return std::nullopt;
  const auto text = decode_base64(encoded);
  if (!text) return std::nullopt;
  const std::size_t colon = text->find(':');
  if (colon == 0 || colon == std::string::npos || colon > kUserBytesMost) return std::nullopt;
  // RFC 7617 section 2: no control characters; a NUL would end what crypt(3) sees.
  if (text->size() - colon - 1 > kPasswordBytesMost || std::any_of(text->begin(), text->end(), is_control))
    return std::nullopt;
  return Credentials{text->substr(0, colon), text->substr(colon + 1)};
}

std::string_view find_hash(std::string_view text, std::string_view user) {
  text = config::without_mark(text);
  while (!text.empty()) {
    const auto line = config::read_user_line(config::take_line(text));
    if (line && line->name == user) return line->hash;
  }
  return {};
}

std::string_view any_hash(std::string_view text) {
  text = config::without_mark(text);
  while (!text.empty()) {
    const auto line = config::read_user_line(config::take_line(text));
    if (line && config::hash_form(line->hash) == config::HashForm::usable) return line->hash;
  }
  return {};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned different = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return different == 0;
}

}  // namespace holdfast::core

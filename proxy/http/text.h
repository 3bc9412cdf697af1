// Byte classes that the parts of http/ share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "proxy/text/ascii.h"

namespace holdfast::http {

// Bits: a byte may be of several classes.
using ByteClass = std::uint8_t;
// tchar, RFC 9110 5.6.2
inline constexpr ByteClass kToken = 1;
// May stand raw in a request target: printable ASCII but '#' (RFC 9112 3.2: no fragment), and bytes above.
inline constexpr ByteClass kTarget = 2;
// field-content, RFC 9110 5.5: HTAB, SP, VCHAR, obs-text
inline constexpr ByteClass kValue = 4;
// Inside a quoted string: qdtext, RFC 9110 5.6.4
inline constexpr ByteClass kQuoted = 16;
// reg-name without pct-encoded: unreserved and sub-delims, RFC 3986 3.2.2
inline constexpr ByteClass kHost = 8;

using text::hex_value;
using text::is_alpha;
using text::is_digit;
using text::to_lower;
using text::trim;  // OWS, RFC 9110 5.6.3

constexpr std::array<std::uint8_t, 256> make_byte_classes() {
  std::array<std::uint8_t, 256> classes{};
  constexpr std::string_view kTokenSigns = "!#$%&'*+-.^_`|~";
  constexpr std::string_view kHostSigns = "-._~!$&'()*+,;=";
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool alphanumeric = is_alpha(c) || is_digit(c);
    std::uint8_t bits = 0;
    if (alphanumeric || (byte < 0x80 && kTokenSigns.find(c) != std::string_view::npos && byte != 0))
      bits |= kToken;
    if (byte > 0x20 && byte != 0x7f && c != '#') bits |= kTarget;
    if (byte == '\t' || (byte >= 0x20 && byte != 0x7f)) bits |= kValue;
    if ((bits & kValue) != 0 && c != '"' && c != '\\') bits |= kQuoted;
    if (alphanumeric || (byte != 0 && byte < 0x80 && kHostSigns.find(c) != std::string_view::npos))
      bits |= kHost;
    classes[byte] = bits;
  }
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kByteClasses = make_byte_classes();

constexpr bool is_class(char c, ByteClass wanted) {
  return (kByteClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

// Length of the run at the front of `text` whose bytes all are of the class.
constexpr std::size_t run_of(std::string_view text, ByteClass wanted) {
  std::size_t n = 0;
  while (n < text.size() && is_class(text[n], wanted)) ++n;
  return n;
}

// run_of(text, kValue), eight bytes at a time: values are most of a head. A word with a byte below 0x20 or
// equal to 0x7f anywhere (bit tricks of the kind "has a zero byte") is left to the table, HTAB included.
inline std::size_t run_of_value(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = kOnes * 0x80;
  std::size_t n = 0;
  while (n < text.size()) {
    if (text.size() - n >= sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + n, sizeof word);
      const std::uint64_t del = word ^ (kOnes * 0x7f);
      const std::uint64_t found = ((word - kOnes * 0x20) & ~word & kHighs) | ((del - kOnes) & ~del & kHighs);
      if (found == 0) {
        n += sizeof word;
        continue;
      }
    }
    const std::size_t end = n + sizeof(std::uint64_t) < text.size() ? n + sizeof(std::uint64_t) : text.size();
    for (; n < end; ++n)
      if (!is_class(text[n], kValue)) return n;
  }
  return n;
}

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}  // OWS, RFC 9110 5.6.3

// Takes the next member of a comma-separated list (RFC 9110 5.6.1) of tokens from the front of `list`;
// members may be empty. False at the end. Not for lists with quoted strings.
constexpr bool next_member(std::string_view& list, std::string_view& member) {
  if (list.data() == nullptr) return false;
  const std::size_t comma = list.find(',');
  member = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return true;
}

}  // namespace holdfast::http

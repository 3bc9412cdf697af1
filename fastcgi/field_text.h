// Which bytes a header field may have, in a head that is read and in one that is written. No state.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace holdfast::fastcgi {

using ByteSet = std::array<bool, 256>;

// RFC 9110 section 5.6.2: the bytes of a field name.
constexpr ByteSet make_token_bytes() {
  ByteSet set{};
  for (unsigned char c = '0'; c <= '9'; ++c) set[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) set[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) set[c] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    set[static_cast<unsigned char>(c)] = true;
  }
  return set;
}

// RFC 9110 section 5.5: visible bytes, space, tab and obs-text. No NUL, no CR: a bare CR would split the
// header for a client that takes it for a line end.
constexpr ByteSet make_value_bytes() {
  ByteSet set{};
  for (std::size_t c = 0x20; c <= 0xff; ++c) set[c] = c != 0x7f;
  set['\t'] = true;
  return set;
}

inline constexpr ByteSet kTokenBytes = make_token_bytes();
inline constexpr ByteSet kValueBytes = make_value_bytes();

inline bool all_in(const ByteSet& set, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&set](char c) { return set[static_cast<unsigned char>(c)]; });
}

// True also for an empty text.
inline bool is_field_name(std::string_view text) {
  return all_in(kTokenBytes, text);
}
inline bool is_field_value(std::string_view text) {
  return all_in(kValueBytes, text);
}

// ASCII case ignored.
inline bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [lower](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace holdfast::fastcgi

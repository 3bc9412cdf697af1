// Files of users: NAME:HASH lines, as htpasswd writes them. The grammar of a line, which hashes count, and
// what the others are. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::config {

constexpr std::size_t kUsersBytesMost = std::size_t{1} << 20;  // of a file; a larger one is not read
constexpr std::string_view kUsersBytesMostText = "1 MiB";

// As crypt(3) and htpasswd know them. Only those count that cost something to guess: bcrypt ($2y$, $2b$,
// $2a$), SHA-512 ($6$), SHA-256 ($5$), yescrypt ($y$).
enum class HashForm : std::uint8_t {
  usable,
  cut,     // a form that counts, but too short or too long
  apr1,    // htpasswd's own, and its default
  md5,     // $1$
  sha1,    // {SHA}, {SSHA}
  other,   // another scheme: $7$, {PLAIN}
  locked,  // begins with '*' or '!': nobody's password, as in shadow(5)
  none,    // nothing
  des,     // 13 characters, or plain text of that length
  plain,   // no hash at all
};
HashForm hash_form(std::string_view hash);
// What it is, for a message: "MD5 of Apache ($apr1$)". Empty: usable, or meant to be so (locked).
std::string_view name_of(HashForm form);

struct UserLine {
  std::string_view name;  // not empty
  std::string_view hash;  // without blanks around it
};
// Nothing: a line without a name and a colon, or a comment ('#').
std::optional<UserLine> read_user_line(std::string_view line);
// The first line of `text`, without its end, and takes it off. A byte order mark (UTF-8) must be taken off
// before: without_mark().
std::string_view take_line(std::string_view& text);
std::string_view without_mark(std::string_view text);

}  // namespace holdfast::config

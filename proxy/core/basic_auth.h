// HTTP Basic authentication (RFC 7617), the part without a hash: what a client says, and who a file of users
// names. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::core {

constexpr std::size_t kUserBytesMost = 255;
constexpr std::size_t kPasswordBytesMost = 511;  // what crypt(3) takes

struct Credentials {
  std::string user;  // not empty, no control characters
  std::string password;
};

// Of an Authorization field. Nothing for another scheme, bad base64, no colon, or what is too long.
std::optional<Credentials> basic_credentials(std::string_view authorization);

// The hash of `user` in the text of a file of NAME:HASH lines, as htpasswd writes it: the first line of that
// name counts; empty lines, those that begin with '#' and a byte order mark do not. Empty: no such user.
// Points into `text`.
std::string_view find_hash(std::string_view text, std::string_view user);
// That of any user whose hash counts (config/user_lines.h): to take as long for a name that is not there.
std::string_view any_hash(std::string_view text);

// How long it takes tells nothing of where they differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace holdfast::core

// Holds a password against files of users: a good hash takes tens of milliseconds, so this is for another
// thread (PasswordQueue). And what it has found lately.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proxy/core/basic_auth.h"
#include "proxy/core/time.h"

namespace holdfast {

enum class PasswordResult : std::uint8_t {
  right,
  wrong,
  useless,     // wrong, because the user's hash does not count: config::HashForm
  unreadable,  // a file of users
};

struct PasswordVerdict {
  PasswordResult result = PasswordResult::wrong;
  std::string problem;  // useless, unreadable: which file, and why. Not escaped
};

// All files must know the user by this password.
struct PasswordQuestion {
  std::vector<std::string> files;
  core::Credentials credentials;
};

// Reads the files and blocks for as long as their hashes take.
PasswordVerdict check_password(const PasswordQuestion& question);

// The result for one text of a file; a hash that does not count (config::HashForm) is wrong. Blocks for as
// long as the hash takes.
bool password_matches(const std::string& users, const core::Credentials& credentials);

// Passwords that were right a short while ago, so that each picture of a page does not cost a hash. Bounded.
class PasswordMemory {
 public:
  // Names the credentials and the files as they are now: another content is another key.
  static std::string key(const std::vector<std::string>& files, const core::Credentials& credentials);
  bool knows(const std::string& key, core::Time now);
  void add(const std::string& key, core::Time now);

 private:
  std::map<std::string, core::Time> until_;
};

}  // namespace holdfast

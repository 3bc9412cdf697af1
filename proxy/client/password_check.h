// Holds a password against files of users, in another thread: a good hash takes tens of milliseconds. And
// what it has found lately.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/core/basic_auth.h"
#include "proxy/core/time.h"
#include "proxy/net/background.h"

namespace holdfast {

enum class PasswordResult : std::uint8_t { right, wrong, unreadable };  // unreadable: a file of users

class PasswordReader {
 public:
  virtual void on_password(PasswordResult result) = 0;

 protected:
  ~PasswordReader() = default;
};

// Shared by who asks and who works; the reader is cut when it does not want to know any more.
struct PasswordAsk {
  PasswordReader* reader = nullptr;
};

class PasswordCheck final : public net::Background::Task {
 public:
  // All files must know the user by this password.
  PasswordCheck(std::vector<std::string> files, core::Credentials credentials,
                std::shared_ptr<PasswordAsk> ask);
  void work() override;
  void done() override;

 private:
  std::vector<std::string> files_;
  core::Credentials credentials_;
  std::shared_ptr<PasswordAsk> ask_;
  PasswordResult result_ = PasswordResult::wrong;
};

// The result for one text of a file. Hashes of crypt(3) that cost something: bcrypt ($2y$, $2b$, $2a$),
// SHA-512
// ($6$), SHA-256 ($5$), yescrypt ($y$); any other is wrong. Blocks for as long as the hash takes.
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

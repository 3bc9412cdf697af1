// Hashes of passwords, and what is remembered of them.
#include "proxy/client/password_check.h"

#include <crypt.h>
#include <doctest/doctest.h>

#include <string>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {
std::string hash(const char* password, const char* setting) {
  crypt_data data{};
  return ::crypt_r(password, setting, &data);
}
}  // namespace

TEST_CASE("good hashes are compared, cheap ones and none are wrong") {
  for (const char* setting :
       {"$2y$04$abcdefghijklmnopqrstuu", "$6$rounds=1000$salt", "$5$rounds=1000$salt"}) {
    const std::string users = "ann:" + hash("secret", setting) + "\nbob:" + hash("other", setting) + "\n";
    CHECK(password_matches(users, {"ann", "secret"}));
    CHECK_FALSE(password_matches(users, {"ann", "Secret"}));
    CHECK_FALSE(password_matches(users, {"ann", ""}));
    CHECK_FALSE(password_matches(users, {"ann", "other"}));
    CHECK_FALSE(password_matches(users, {"bob", "secret"}));
    CHECK_FALSE(password_matches(users, {"eve", "secret"}));  // whoever comes first in the file is not meant
  }
  for (const char* stored :
       {"secret", "", "*", "*0", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "$apr1$x$y", "ab1234567890a"})
    CHECK_FALSE(password_matches("ann:" + std::string(stored), {"ann", "secret"}));
  CHECK_FALSE(password_matches("ann:" + hash("secret", "ab"), {"ann", "secret"}));  // DES
  CHECK_FALSE(password_matches("", {"ann", "secret"}));
}

TEST_CASE("what was right is remembered for a while") {
  PasswordMemory memory;
  const core::Time now{};
  CHECK_FALSE(memory.knows("a", now));
  memory.add("a", now);
  CHECK(memory.knows("a", now + 59s));
  CHECK_FALSE(memory.knows("b", now));
  CHECK_FALSE(memory.knows("a", now + 60s));
  for (int i = 0; i < 5000; ++i) memory.add(std::to_string(i), now);
  CHECK(memory.knows("4999", now));
}

TEST_CASE("the key is of the user, the password and each file") {
  const auto key = PasswordMemory::key({"/none"}, {"a", "b"});
  CHECK(key == PasswordMemory::key({"/none"}, {"a", "b"}));
  CHECK(key != PasswordMemory::key({"/none"}, {"a", "c"}));
  CHECK(key != PasswordMemory::key({"/none"}, {"ab", ""}));
  CHECK(key != PasswordMemory::key({"/none2"}, {"a", "b"}));
  CHECK(key != PasswordMemory::key({"/none", "/none2"}, {"a", "b"}));
}

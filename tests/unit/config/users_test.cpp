// Files of users: which hashes count, and what is said of the others.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/user_lines.h"
#include "tests/unit/config/helpers.h"

using namespace holdfast::config;

namespace {

const std::string kBcrypt = "$2y$10$" + std::string(53, 'x');
const std::string kSha512 = "$6$salt$" + std::string(86, 'x');

LoadResult load_with_users(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() / "holdfast-users-test";
  std::ofstream(file, std::ios::binary) << text;
  LoadResult result = load_site("auth: { users: " + file.string() + " }");
  std::filesystem::remove(file);
  return result;
}

}  // namespace

TEST_CASE("which hashes count") {
  for (const std::string& hash : {kBcrypt, kSha512, "$6$rounds=1000$salt$" + std::string(86, 'x'),
                                  "$5$s$" + std::string(43, 'x'), "$y$j9T$s$" + std::string(43, 'x')})
    CHECK(hash_form(hash) == HashForm::usable);
  for (const std::string& hash : {std::string("$2y$10$abc"), std::string("$6$salt"), kSha512 + "x",
                                  kSha512.substr(1), std::string("$5$"), std::string("$y$j9T$s$")})
    CHECK(hash_form(hash) != HashForm::usable);
  CHECK(hash_form("$2y$10$abc") == HashForm::cut);
  CHECK(hash_form("$apr1$salt$0123456789012345678901") == HashForm::apr1);
  CHECK(hash_form("$1$salt$0123456789012345678901") == HashForm::md5);
  CHECK(hash_form("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=") == HashForm::sha1);
  CHECK(hash_form("{PLAIN}pw") == HashForm::other);
  CHECK(hash_form("$7$x") == HashForm::other);
  CHECK(hash_form("rqXexS6ZhobKA") == HashForm::des);
  CHECK(hash_form("secret") == HashForm::plain);
  CHECK(hash_form("") == HashForm::none);
  CHECK(hash_form("*") == HashForm::locked);
  CHECK(hash_form("!") == HashForm::locked);
}

TEST_CASE("lines of a file of users that let nobody in") {
  const std::string fine =
      "\xEF\xBB\xBF"
      "ann:" +
      kBcrypt + " \r\n# x\n\n \nbob:" + kSha512 + ":more\noff:*\n";
  CHECK(warnings(load_with_users(fine)) == 0);
  const LoadResult bad = load_with_users(
      "ann:" + kBcrypt +
      "\nbob:$apr1$s$x\nc:$1$s$x\nd:rqXexS6ZhobKA\ne:{SHA}x=\nf:secret\ng:\nnocolon\n h:" + kBcrypt + "\n");
  CHECK(warnings(bad) == 8);
  CHECK(errors(bad) == 0);
  CHECK(says(
      bad,
      "users-test:2: the hash of 'bob' is MD5 of Apache ($apr1$, the default of htpasswd): this user gets "
      "401; htpasswd -B FILE NAME, or mkpasswd -m sha-512, makes one that counts"));
  for (const char* text :
       {":3: the hash of 'c' is MD5 ($1$)", ":4: the hash of 'd' is DES", ":5: the hash of 'e' is SHA-1",
        ":6: the hash of 'f' is plain text, or no hash", ":7: the hash of 'g' is empty",
        ":8: is no NAME:HASH", ":9: the name ' h' has a blank"}) {
    CAPTURE(std::string(text));
    CHECK(says(bad, text));
  }
  CHECK_FALSE(says(bad, "secret"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "user" + std::to_string(i) + ":x\n";
  CHECK(warnings(load_with_users(many)) == 9);
  CHECK(says(load_with_users(many), "92 more lines of it let nobody in"));
}

TEST_CASE("a name that stands twice in a file of users") {
  const LoadResult twice = load_with_users("ann:" + kBcrypt + "\nbob:" + kBcrypt + "\nann:" + kSha512 + "\n");
  CHECK(warnings(twice) == 1);
  CHECK(says(twice,
             ":3: the name 'ann' stands in line 1 already, and only that one counts; remove one of them"));
}

TEST_CASE("a file of users that is not read") {
  std::string large(kUsersBytesMost, '#');
  CHECK(warnings(load_with_users(large)) == 0);
  CHECK(says(load_with_users(large + "#"), "is larger than 1 MiB and is not read"));
  CHECK(says(load_site("auth: { users: /usr/share }"), "/usr/share is no file of lines"));
  CHECK(says(load_site("auth: { users: /dev/null }"), "/dev/null is no file of lines"));
}

// Whom to become: what an account's groups may be. That it becomes so is tests/system/test_run_user.py's.
#include "proxy/fpm/run_user.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "config/config.h"

using namespace holdfast;

TEST_CASE("root's group is nobody's who is not root") {
  std::string error;
  const auto user = find_run_user("65534", "0", error);
  REQUIRE(user);
  CHECK(user->gid == 0);
  CHECK(std::find(user->groups.begin(), user->groups.end(), 0U) == user->groups.end());
  CHECK(roots_group_refusal(*user).find("name another one in group:") != std::string::npos);

  config::Config config;
  for (const char* name : {"65534", ""}) {
    config.user = name;
    config.group = "0";
    error.clear();
    CHECK_FALSE(choose_run_user(config, error));
    CHECK(error.find("would keep root's group") != std::string::npos);
  }
  config.user = "root";
  const auto root = choose_run_user(config, error);
  REQUIRE(root);
  CHECK(root->uid == 0);
  config.user = "65534";
  config.group = "65534";
  CHECK(choose_run_user(config, error));
}

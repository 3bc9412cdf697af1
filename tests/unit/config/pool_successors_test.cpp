// Which pool follows one that a reload takes away.
#include "config/pool_successors.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/pool.h"
#include "config/site.h"

using namespace holdfast;
using config::pool_successors;

namespace {

config::Config with(const std::vector<std::string>& pools,
                    const std::vector<std::pair<std::string, std::string>>& sites) {
  config::Config config;
  for (const std::string& name : pools) config.pools.emplace_back().name = name;
  for (const auto& [host, pool] : sites) {
    config::Site& site = config.sites.emplace_back();
    site.hosts = {host};
    site.pool = pool;
  }
  return config;
}

}  // namespace

TEST_CASE("what all sites of a pool name now follows it") {
  const config::Config before = with({"php", "other"}, {{"a", "php"}, {"b", "php"}, {"c", "other"}});
  CHECK(pool_successors(before, before).empty());
  auto next = pool_successors(before, with({"web", "other"}, {{"a", "web"}, {"b", "web"}, {"c", "other"}}));
  CHECK(next.size() == 1);
  CHECK(next["php"] == "web");
  // One that is there already, too; and a site that went says nothing.
  CHECK(pool_successors(before, with({"other"}, {{"a", "other"}, {"b", "other"}, {"c", "other"}}))["php"] ==
        "other");
  CHECK(pool_successors(before, with({"web", "other"}, {{"a", "web"}, {"c", "other"}}))["php"] == "web");
  // Which of two is meant nobody knows, nor where nobody names any.
  CHECK(pool_successors(before, with({"w", "v", "other"}, {{"a", "w"}, {"b", "v"}, {"c", "other"}})).empty());
  CHECK(pool_successors(before, with({"w", "v", "other"}, {{"d", "w"}, {"e", "v"}})).empty());
  // A pool that stays is followed by nobody, whoever names another now.
  CHECK(pool_successors(before, with({"php", "web", "other"}, {{"a", "web"}, {"b", "web"}})).empty());
}

TEST_CASE("the only new pool follows the only one that goes where no site is left to say so") {
  const config::Config before = with({"php"}, {{"a", "php"}});
  CHECK(pool_successors(before, with({"web"}, {{"b", "web"}}))["php"] == "web");
  CHECK(pool_successors(before, with({}, {{"a", ""}})).empty());
}

TEST_CASE("routes and listeners count as sites do") {
  config::Config before = with({"php", "old"}, {{"a", "php"}});
  config::Config after = with({"php", "new", "more"}, {{"a", "php"}});
  before.sites[0].routes.emplace_back().path = {"/old/*"};
  before.sites[0].routes[0].pool = "old";
  after.sites[0].routes = before.sites[0].routes;
  after.sites[0].routes[0].pool = "new";
  CHECK(pool_successors(before, after)["old"] == "new");

  before = with({"php", "old"}, {});
  after = with({"php", "new", "more"}, {});
  before.fastcgi.emplace_back().pool = "php";
  before.fastcgi[0].when = {{.patterns = {{"SCRIPT_FILENAME", "/x/*"}}, .pool = "old"}};
  after.fastcgi = before.fastcgi;
  after.fastcgi[0].when[0].pool = "new";
  CHECK(pool_successors(before, after)["old"] == "new");
  before.fastcgi[0].pool = "old";
  after.fastcgi[0].pool = "more";
  CHECK(pool_successors(before, after).empty());
}

// Sites by host, then by the longest path.
#include "proxy/core/site_index.h"
#include "config/site.h"

#include <doctest/doctest.h>

using namespace holdfast;
using core::SiteIndex;

TEST_CASE("a host by which a site can be asked") {
  config::Site site;
  CHECK(core::example_host(site) == "localhost");
  site.hosts = {"*.example.com", "example.com"};
  CHECK(core::example_host(site) == "www.example.com");
  site.hosts = {"example.com", "*.example.com"};
  CHECK(core::example_host(site) == "example.com");
}

TEST_CASE("sites of one host: the longest path that ends with a segment") {
  std::vector<config::Site> sites(6);
  for (std::size_t i = 0; i < 4; ++i) sites[i].hosts = {"a.example"};
  sites[0].path = "/wiki";
  sites[2].path = "/wiki/de";
  sites[3].path = "/w";
  sites[4].hosts = {"b.example", "*.b.example"};
  sites[4].path = "/only";
  const SiteIndex index(sites);
  const auto site = [&](std::string_view host, std::string_view path) {
    const SiteIndex::Found found = index.find(host, path);
    return found.site == nullptr ? -1 : static_cast<int>(found.site - sites.data());
  };
  CHECK(site("a.example", "/") == 1);
  CHECK(site("a.example", "/wiki") == 0);
  CHECK(site("a.example.", "/wiki/") == 0);
  CHECK(site("a.example", "/wiki/de") == 2);
  CHECK(site("a.example", "/wiki/de/x") == 2);
  CHECK(site("a.example", "/wiki/den") == 0);
  CHECK(site("a.example", "/w/iki") == 3);
  for (const char* other : {"/wikileaks", "/Wiki", "/x/wiki/", "/wik", "/wiki.php"})
    CHECK(site("a.example", other) == 1);
  CHECK(site("b.example", "/only/x") == 4);
  CHECK(site("x.b.example", "/only/x") == 4);
  CHECK(site("b.example", "/") == -1);  // sites of any host are not asked
  CHECK(index.find("b.example", "/").host_known);
  CHECK(site("b.example", "*") == 4);
  CHECK(site("c.example", "/") == 5);
  sites.resize(5);
  const SiteIndex named(sites);
  CHECK(named.find("c.example", "/").site == nullptr);
  CHECK_FALSE(named.find("c.example", "/").host_known);
}

TEST_CASE("a path below the site's own") {
  config::Site site;
  CHECK(core::path_below(site, "/x") == "/x");
  site.path = "/wiki";
  CHECK(core::path_below(site, "/wiki").empty());
  CHECK(core::path_below(site, "/wiki/").compare("/") == 0);
  CHECK(core::path_below(site, "/wiki/a/b") == "/a/b");
}

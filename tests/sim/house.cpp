// See house.h.
#include "house.h"

#include "config/pool.h"
#include "config/site.h"
#include "site_folder.h"

namespace holdfast::sim {

House::Place House::place_of(const State& state, Wish wish) {
  switch (wish) {
    case Wish::script: return Place::first;
    case Wish::wiki: return state.wiki_site ? Place::wiki : Place::first;
    case Wish::second:
    case Wish::routed:
    case Wish::handed_over:
    case Wish::file:
    case Wish::missing:
    case Wish::denied:
    case Wish::redirected: return state.second_site ? Place::second : Place::none;
    case Wish::status:
    case Wish::metrics:
    case Wish::ready:
    case Wish::events:
    case Wish::recycle:
    case Wish::pause:
    case Wish::resume:
    case Wish::other_host: return Place::none;
  }
  return Place::none;
}

House::Pool House::pool_of(const State& state, Wish wish) {
  switch (place_of(state, wish)) {
    case Place::none: return Pool::none;
    case Place::first: return Pool::first;
    case Place::wiki:
    case Place::second: return wish == Wish::routed ? Pool::first : Pool::second;
  }
  return Pool::none;
}

bool House::is_behind(const State& state, Pool pool, std::size_t app) {
  switch (pool) {
    case Pool::none: return false;
    case Pool::first: return app == 0;
    case Pool::second: return state.has_second_pool() && app == (state.second_moved ? 2 : 1);
  }
  return false;
}

std::optional<Time> House::left_since(std::size_t app) const {
  const Since* next = nullptr;
  for (auto each = history_.rbegin(); each != history_.rend(); ++each) {
    if (is_behind(each->state, Pool::first, app) || is_behind(each->state, Pool::second, app)) {
      const bool goes_on = next != nullptr && next->state.has_second_pool() &&
                           next->state.second_renamed == each->state.second_renamed;
      return goes_on ? std::optional(next->from) : std::nullopt;
    }
    next = &*each;
  }
  return std::nullopt;
}

std::string_view House::param_of(Place place) {
  switch (place) {
    case Place::none:
    case Place::first: return "";
    case Place::wiki: return "wiki";
    case Place::second: return "second";
  }
  return "";
}

std::string_view House::script_of(Wish wish) {
  if (wish == Wish::wiki) return "/wiki/x.php";
  return wish == Wish::routed ? "/api/x.php" : "/x.php";
}

config::Address House::second_address(const config::Address& first, bool moved) {
  config::Address address = first;
  if (address.kind == config::Address::Kind::unix_socket) {
    address.path = moved ? "/sim/moved.sock" : "/sim/two.sock";
  } else {
    address.port = moved ? 9002 : 9001;
  }
  return address;
}

namespace {

config::Site wiki_site(const config::Site& first) {
  config::Site site;
  site.path = "/wiki";
  site.hosts = first.hosts;
  site.root = site.php_root = "/sim/no/wiki";
  site.max_body = first.max_body;
  site.params["SITE"] = House::param_of(House::Place::wiki);
  site.headers["X-Site"] = "wiki";
  return site;
}

config::Site second_site(const config::Site& first) {
  const SiteFolder& folder = SiteFolder::get();
  config::Site site;
  site.hosts = {"b.example"};
  site.root = folder.root();
  site.php_root = "/srv/second";  // the folder's name is another one each time
  site.max_body = first.max_body;
  site.params["SITE"] = House::param_of(House::Place::second);
  site.headers["X-Site"] = "second";
  site.errors.pages = {{"404", "/errors/404.html"}, {"5xx", "/errors/5xx.html"}};
  site.internal["/internal/"] = folder.store();
  config::Route files;
  files.path = {"/files/"};
  files.headers["X-Route"] = "files";
  files.expires = config::Expires{.kind = config::Expires::Kind::after, .after = std::chrono::hours(1)};
  config::Route denied;
  denied.path = {"/deny/"};
  denied.deny = 403;
  config::Route old;
  old.path = {"/old/*"};
  old.redirect = "/new/$1";
  config::Route routed;
  routed.path = {"/api/"};
  site.routes = {files, denied, old, routed};
  return site;
}

}  // namespace

void House::apply(const State& state, config::Config& config) {
  config::Pool first = config.pools.front();
  config::Pool second = config.pools.size() > 1 ? config.pools[1] : first;
  first.name = state.first_name();
  second.name = state.second_name();
  second.address = second_address(first.address, state.second_moved);
  config.pools = {first};
  if (state.has_second_pool()) config.pools.push_back(second);

  config::Site site = config.sites.front();
  site.hosts = {"example.com"};
  site.pool = first.name;
  site.gzip = state.gzip_first;
  config.sites = {site};
  if (state.wiki_site) {
    config::Site& wiki = config.sites.emplace_back(wiki_site(site));
    wiki.pool = second.name;
    wiki.gzip = state.gzip_first;
  }
  if (state.second_site) {
    config::Site& other = config.sites.emplace_back(second_site(site));
    other.pool = second.name;
    other.gzip = state.gzip_second;
    other.routes.back().pool = first.name;
  }
}

}  // namespace holdfast::sim

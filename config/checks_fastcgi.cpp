// Cross checks of FastCGI listeners. See checks.h.
#include <algorithm>
#include <string>
#include <vector>

#include "config/addresses.h"
#include "config/checks.h"
#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/load.h"
#include "config/pool.h"
#include "config/units.h"

namespace holdfast::config {
namespace {

constexpr std::uint32_t kOthersMayWrite = 0002;  // a Unix socket: connecting is writing (unix(7))

// A name is not looked up: it may mean another address tomorrow.
bool is_loopback(const Address& address) {
  return address.host == "localhost" || address.host == "::1" || address.host.starts_with("127.");
}

struct Place {
  const Checked& checked;
  const FastcgiListener& listener;
  std::string path;  // "listen[1]"

  std::string key(const char* name) const { return path + "." + name; }
  void error(const std::string& at, const std::string& message, const std::string& hint) const {
    checked.report.error(checked.places.find(at), at + ": " + message, hint);
  }
};

void check_pool_name(const Place& place, const std::string& key, const std::string& pool) {
  const Config& config = place.checked.config;
  if (pool.empty() || config.find_pool(pool) != nullptr || !place.checked.places.good("pools") ||
      config.pools.empty() || !place.checked.places.good(key)) {
    return;
  }
  std::vector<std::string> names;
  for (const Pool& each : config.pools) names.push_back(each.name);
  const std::string meant = did_you_mean(pool, names);
  place.error(key, "there is no pool " + quote(pool), meant.empty() ? "pools: " + join_words(names) : meant);
}

void check_pools_of(const Place& place) {
  if (place.listener.pool.empty() && place.checked.places.good(place.key("pool"))) {
    place.error(place.path, "names no pool", "add pool: NAME, which gets what no rule of `when` takes");
  }
  check_pool_name(place, place.key("pool"), place.listener.pool);
  for (std::size_t i = 0; i < place.listener.when.size(); ++i) {
    check_pool_name(place, place.key("when") + "[" + std::to_string(i) + "].pool",
                    place.listener.when[i].pool);
  }
}

void check_unix(const Place& place) {
  const Places& places = place.checked.places;
  if (places.given(place.key("allow"))) {
    place.error(place.key("allow"), "is about addresses, and a Unix socket's clients have none",
                "who may connect say mode, owner and group");
  }
  if ((place.listener.mode & kOthersMayWrite) != 0 && places.good(place.key("mode"))) {
    place.checked.report.warning(places.find(place.key("mode")),
                                 place.key("mode") + ": every program on this machine may run any script",
                                 "0660, and the group of the web server");
  }
}

void check_tcp(const Place& place) {
  const Places& places = place.checked.places;
  for (const char* key : {"mode", "owner", "group"}) {
    if (places.given(place.key(key))) {
      place.error(place.key(key), "is about the file of a Unix socket, this is TCP",
                  "who may connect says allow");
    }
  }
  const FastcgiListener& listener = place.listener;
  if (listener.allow.empty() && !is_loopback(listener.address) && places.good(place.key("allow"))) {
    place.error(
        place.key("fastcgi"),
        "who may speak FastCGI may run any script, and " + listener.address.text() + " is not on loopback",
        "name the web servers: allow: [10.0.0.5, 10.0.1.0/24]; or listen on 127.0.0.1:" +
            std::to_string(listener.address.port));
  }
  for (const Network& network : listener.allow) {
    const std::string text = network_text(network);
    if (!text.ends_with("/0")) continue;
    place.checked.report.warning(places.find(place.key("allow")),
                                 place.key("allow") + ": " + text + " lets everybody run any script",
                                 "name the addresses of your web servers");
  }
}

}  // namespace

std::string listen_item_path(const Checked& checked, bool fastcgi, std::size_t index) {
  if (!checked.places.given("listen[0]")) return "listen";
  for (std::size_t i = 0;; ++i) {
    std::string item = "listen[" + std::to_string(i) + "]";
    if (!checked.places.given(item)) return "listen";
    if (checked.places.given(item + ".fastcgi") != fastcgi) continue;
    if (index-- == 0) return item;
  }
}

void check_fastcgi(const Checked& checked) {
  const auto& [config, places, report] = checked;
  for (std::size_t i = 0; i < config.fastcgi.size(); ++i) {
    const Place place{checked, config.fastcgi[i], listen_item_path(checked, true, i)};
    if (!places.given(place.key("fastcgi")) || !places.good(place.key("fastcgi"))) continue;
    check_pools_of(place);
    if (place.listener.address.kind == Address::Kind::unix_socket) {
      check_unix(place);
    } else {
      check_tcp(place);
    }
  }
  if (!config.sites.empty() && config.listen.empty() && !config.fastcgi.empty() && places.good("listen")) {
    report.warning(places.find("sites"), "sites: nobody can ask for them, `listen` has only FastCGI",
                   "add an address for HTTP to listen, such as 127.0.0.1:8080, or remove sites");
  }
}

}  // namespace holdfast::config

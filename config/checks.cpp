// Cross checks of addresses, pools, buffers and log. See checks.h. A key that was refused while reading is
// passed over here: its member holds a default that the user never wrote.
#include "config/checks.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/addresses.h"
#include "config/buffers.h"
#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/log.h"
#include "config/network.h"
#include "config/pool.h"
#include "config/roots_group.h"
#include "config/site.h"
#include "config/units.h"

namespace holdfast::config {
namespace {

namespace fs = std::filesystem;

// `covers` also holds when `wide` is the same port on every address: the second bind() would fail.
bool covers(const Address& wide, const Address& narrow) {
  if (wide.kind != narrow.kind || (wide.kind == Address::Kind::tcp && wide.port == 0)) {
    return false;  // port 0: the kernel chooses a free one each time
  }
  const bool v4_literal = narrow.host.find_first_not_of("0123456789.") == std::string::npos;
  return wide == narrow || (wide.kind == Address::Kind::tcp && wide.host == "0.0.0.0" &&
                            wide.port == narrow.port && v4_literal);
}

bool collide(const Address& a, const Address& b) {
  return covers(a, b) || covers(b, a);
}

// All of them: those for HTTP, then those for FastCGI.
std::vector<Address> listen_addresses(const Config& config) {
  std::vector<Address> all = config.listen;
  for (const FastcgiListener& each : config.fastcgi) all.push_back(each.address);
  return all;
}

std::string listen_path(const Checked& checked, std::size_t index) {
  const std::size_t http = checked.config.listen.size();
  return index < http ? listen_item_path(checked, false, index)
                      : listen_item_path(checked, true, index - http);
}

// Both would be found by bind() too, but only at the start, one at a time, and as EADDRINUSE without a line.
void check_listen(const Checked& checked) {
  const auto& [config, places, report] = checked;
  if (!places.good("listen")) {
    return;
  }
  const std::vector<Address> all = listen_addresses(config);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(i);
    const Address& address = all[i];
    const auto same =
        std::find_if(all.begin(), end, [&address](const Address& other) { return collide(other, address); });
    if (same != end) {
      report.error(places.find(listen_path(checked, i)),
                   "listen: " + address.text() +
                       (*same == address ? " is given twice" : " collides with " + same->text()),
                   "remove one of them");
    }
    if (config.admin && places.good("admin.listen") && collide(*config.admin, address)) {
      const bool admin_given = places.given("admin.listen");
      report.error(places.find(admin_given ? "admin.listen" : listen_path(checked, i)),
                   "admin.listen: " + config.admin->text() + " is also a listen address for clients" +
                       (admin_given ? "" : " (it is the default of admin.listen)"),
                   "give the admin endpoint a port of its own, or admin: off");
    }
  }
}

// `seen`: the pools by address, those before this one.
void check_pool_address(const Checked& checked, const Pool& pool, std::map<std::string, std::string>& seen) {
  const auto& [config, places, report] = checked;
  const std::string path = "pools." + pool.name + ".address";
  if (!places.given(path)) {
    if (places.good(path) && places.good("pools." + pool.name)) {
      report.error(places.find(path), "pools." + pool.name + " has no address",
                   "add a line such as address: unix:/run/php/php-fpm.sock");
    }
    return;
  }
  if (!places.good(path)) {
    return;
  }
  const auto [first, is_new] = seen.emplace(pool.address.text(), pool.name);
  if (!is_new) {
    report.warning(places.find(path),
                   "pools " + first->second + " and " + pool.name + " share the address " +
                       pool.address.text() + "; each counts its own max_connections",
                   "the sum of both must stay below pm.max_children");
  }
  const std::vector<Address> own = listen_addresses(config);
  if (places.good("listen") && std::find(own.begin(), own.end(), pool.address) != own.end()) {
    report.error(places.find(path),
                 path + ": " + pool.address.text() + " is a listen address of holdfast itself",
                 "write the address of php-fpm");
  }
}

void check_pools(const Checked& checked) {
  const auto& [config, places, report] = checked;
  if (!places.good("pools")) {
    return;
  }
  if (config.pools.empty()) {
    report.error(places.find("pools"), places.given("pools") ? "pools: names no pool" : "pools is missing",
                 "name at least one: pools: { php: { address: unix:/run/php/php-fpm.sock } }");
    return;
  }
  std::map<std::string, std::string> addresses;
  for (const Pool& pool : config.pools) {
    const std::string path = "pools." + pool.name;
    check_pool_address(checked, pool, addresses);
    if (pool.application == Application::generic && !pool.status_path.empty()) {
      report.warning(places.find(path + ".status_path"),
                     path + ".status_path is only asked of php-fpm, this pool is application: generic",
                     "remove it");
    }
  }
}

bool uses_pool(const Site& site, const std::string& name) {
  return site.pool == name || std::any_of(site.routes.begin(), site.routes.end(),
                                          [&name](const Route& route) { return route.pool == name; });
}

bool uses_pool(const FastcgiListener& listener, const std::string& name) {
  return listener.pool == name ||
         std::any_of(listener.when.begin(), listener.when.end(),
                     [&name](const FastcgiListener::Rule& rule) { return rule.pool == name; });
}

// Only of a file without errors: a misspelled site.pool would otherwise be reported from both ends.
void check_unused_pools(const Checked& checked) {
  const auto& [config, places, report] = checked;
  for (const Pool& pool : config.pools) {
    const bool used = std::any_of(config.sites.begin(), config.sites.end(),
                                  [&](const Site& site) { return uses_pool(site, pool.name); }) ||
                      std::any_of(config.fastcgi.begin(), config.fastcgi.end(),
                                  [&](const FastcgiListener& each) { return uses_pool(each, pool.name); });
    if (!used && !report.has_errors()) {
      report.warning(places.find("pools." + pool.name), "no site and no listener uses pools." + pool.name,
                     "add pool: " + pool.name + " to a site, or remove it");
    }
  }
}

// A warning, not an error: volumes are often mounted after the configuration was checked.
void check_folder(const Checked& checked, const std::string& path, const std::string& folder,
                  const std::string& use) {
  std::error_code error;
  if (fs::is_directory(folder, error) || !checked.places.good(path)) {
    return;
  }
  const bool exists = fs::exists(folder, error);
  checked.report.warning(checked.places.find(path),
                         path + ": " + folder + (exists ? " is not a folder" : " does not exist") + use,
                         exists ? "" : "mkdir -p " + folder);
}

// Warnings: only a start as root is refused, and the machine it is meant for may have the account otherwise.
void check_roots_group(const Checked& checked) {
  const std::string& user = checked.config.user;
  const std::string& group = checked.config.group;
  if (names_roots_group(checked.config.user, checked.config.group)) {
    checked.report.warning(checked.places.find("group"),
                           "group: " + group + " is root's; started as root it would not serve",
                           "name another group, or leave group out for the user's own");
    return;
  }
  const passwd* const account = user.empty() ? nullptr : ::getpwnam(user.c_str());
  if (group.empty() && account != nullptr && account->pw_gid == 0 && account->pw_uid != 0) {
    checked.report.warning(
        checked.places.find("user"),
        "user: the group of " + user + " is root's here; started as root it would not serve",
        "name another one in group:");
  }
}

// A warning: the file may be meant for another machine, and who is not root becomes nobody.
void check_account(const Checked& checked) {
  const auto is_number = [](const std::string& text) {
    return text.find_first_not_of("0123456789") == std::string::npos;
  };
  const std::string& user = checked.config.user;
  if (!is_number(user) && ::getpwnam(user.c_str()) == nullptr) {
    checked.report.warning(checked.places.find("user"),
                           "user: there is no user " + user + " here; started as root it would not serve",
                           "useradd --system " + user);
  }
  const std::string& group = checked.config.group;
  if (!is_number(group) && ::getgrnam(group.c_str()) == nullptr) {
    checked.report.warning(checked.places.find("group"),
                           "group: there is no group " + group + " here; started as root it would not serve",
                           "groupadd --system " + group);
  }
}

// Such a prefix is sometimes meant (a closed network), so it is no error; but any client could then choose
// the address that logs and scripts see.
void check_trust(const Checked& checked) {
  const std::vector<ForwardedHeader>& headers = checked.config.forwarded_headers;
  const auto has = [&](ForwardedHeader header) {
    return std::find(headers.begin(), headers.end(), header) != headers.end();
  };
  const Mark mark = checked.places.find("forwarded_headers");
  if (has(ForwardedHeader::forwarded) &&
      (has(ForwardedHeader::x_forwarded_for) || has(ForwardedHeader::x_real_ip) ||
       has(ForwardedHeader::x_forwarded_proto))) {
    checked.report.error(mark, "forwarded_headers: forwarded and x-forwarded-* both say who the client is",
                         "keep the one that your proxies set and that no client can send through them");
  }
  if (!headers.empty() && checked.config.trusted_proxies.empty() && checked.places.good("trusted_proxies")) {
    checked.report.warning(mark, "forwarded_headers: nobody is believed while trusted_proxies is empty",
                           "name your proxies in trusted_proxies");
  }
  for (const Network& network : checked.config.trusted_proxies) {
    const std::string text = network_text(network);
    if (text.ends_with("/0")) {
      checked.report.warning(checked.places.find("trusted_proxies"),
                             "trusted_proxies: " + text + " trusts every client to say what its address is",
                             "name the addresses of your proxies");
    }
  }
}

}  // namespace

void check_config(const Checked& checked) {
  const Config& config = checked.config;
  check_listen(checked);
  check_fastcgi(checked);
  check_pools(checked);
  check_sites(checked);
  check_folder(checked, "buffers.spool_dir", config.buffers->spool_dir, "; large bodies would get 503");
  if (config.log->access != "stdout" && config.log->access != "off") {
    check_folder(checked, "log.access", fs::path(config.log->access).parent_path().string(),
                 "; the access log cannot be written");
  }
  check_account(checked);
  check_roots_group(checked);
  check_trust(checked);
  check_habits(checked);
  check_unused_pools(checked);
}

}  // namespace holdfast::config

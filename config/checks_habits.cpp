// Warnings about what is allowed, and hardly ever meant: habits from other servers. See checks.h.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/addresses.h"
#include "config/checks.h"
#include "config/config.h"
#include "config/load.h"
#include "config/pool.h"
#include "config/site.h"
#include "config/values.h"

namespace holdfast::config {
namespace {

// `server_name _;` is nginx's way to say "any host": a name that no client sends.
bool is_nobody(std::string_view host) {
  return host.find_first_not_of("_-") == std::string_view::npos || host == "default" ||
         host == "default_server";
}

void check_host_habits(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const std::vector<std::string>& hosts = config.sites[index].hosts;
  const std::string path = "sites[" + std::to_string(index) + "].hosts";
  if (!places.good(path)) return;
  for (std::size_t h = 0; h < hosts.size(); ++h) {
    if (!is_nobody(hosts[h])) continue;
    report.warning(places.find(path + "[" + std::to_string(h) + "]"),
                   path + ": no client asks for the host " + quote(hosts[h]),
                   hosts.size() == 1 ? "leave hosts out to answer every host"
                                     : "remove it; a site without hosts answers every host");
  }
}

// `index: index.php index.html` is one name with a blank in it.
void check_index_habits(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const std::vector<std::string>& names = config.sites[index].index;
  const std::string path = "sites[" + std::to_string(index) + "].index";
  if (!places.good(path)) return;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::vector<std::string> words = words_of(names[i]);
    if (words.size() < 2) continue;
    report.warning(places.find(path + "[" + std::to_string(i) + "]"),
                   path + ": " + quote(names[i]) + " is the name of one file",
                   "several are a list: " + words_as_list(words));
  }
}

// Not a name, which only the resolver knows.
bool is_public(const Address& address) {
  if (address.kind != Address::Kind::tcp) return false;
  const Parsed<std::vector<Network>> own = parse_networks(address.host);
  if (!own.value || own.value->size() != 1) return false;
  const std::vector<Network> near = *parse_networks("private").value;
  return !contains(near, own.value->front().address);
}

void check_admin_habits(const Checked& checked) {
  const auto& [config, places, report] = checked;
  if (!config.admin || !places.good("admin.listen")) return;
  const Address& admin = *config.admin;
  const bool everywhere = admin.kind == Address::Kind::tcp && (admin.host == "0.0.0.0" || admin.host == "::");
  if (!everywhere && !is_public(admin)) return;
  report.warning(places.find("admin.listen"),
                 "admin.listen: " + admin.text() +
                     (everywhere ? " listens on every network of this machine" : " is a public address") +
                     ", and the admin endpoint has no password",
                 "write 127.0.0.1:" + std::to_string(admin.port) +
                     ", or see that a firewall or the container's network keeps others off");
}

}  // namespace

void check_habits(const Checked& checked) {
  for (std::size_t i = 0; i < checked.config.sites.size(); ++i) {
    check_host_habits(checked, i);
    check_index_habits(checked, i);
  }
  check_admin_habits(checked);
}

}  // namespace holdfast::config

// Cross checks of the sites. See checks.h.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/addresses.h"
#include "config/buffers.h"
#include "config/checks.h"
#include "config/config.h"
#include "config/name_pattern.h"
#include "config/pool.h"
#include "config/recognise_app.h"
#include "config/site.h"
#include "config/target_template.h"
#include "config/units.h"

namespace holdfast::config {
namespace {

namespace fs = std::filesystem;

std::string site_path(std::size_t index, const char* key = "") {
  return "sites[" + std::to_string(index) + "]" + key;
}

// The router finds a site by exact name, then by wildcard, then the one without hosts, and of those of one
// name the one with the longest path: each of these has one owner.
void check_hosts(const Checked& checked) {
  const auto& [config, places, report] = checked;
  std::map<std::pair<std::string, std::string>, std::size_t> owners;  // by host and path; "": any, all
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    const Site& site = config.sites[i];
    const std::string path = site_path(i, ".hosts");
    if (!places.good(path) || !places.good(site_path(i, ".path"))) {
      continue;
    }
    if (site.hosts.empty()) {
      const auto [first, is_new] = owners.emplace(std::pair("", site.path), i);
      if (!is_new) {
        report.error(
            places.find(path),
            site_path(i) + " answers every host" + (site.path.empty() ? "" : " at " + site.path) + ", and " +
                site_path(first->second) + " does already (line " +
                std::to_string(places.find(site_path(first->second)).line) + ")",
            site.path.empty() ? "give one of them hosts" : "give one of them hosts, or another path");
      }
    }
    for (std::size_t h = 0; h < site.hosts.size(); ++h) {
      const auto [first, is_new] = owners.emplace(std::pair(site.hosts[h], site.path), i);
      if (!is_new) {
        const std::string item = path + "[" + std::to_string(h) + "]";
        report.error(
            places.find(item),
            item + ": " + quote(site.hosts[h]) + " belongs to " + site_path(first->second) + " already",
            "remove one of them");
      }
    }
  }
}

// The script that a fallback names, or its file; empty where a variable comes first.
std::string fallback_file(const std::string& text) {
  const auto target = parse_internal_target(text);
  if (!target.value || target.value->parts.front().kind != TargetTemplate::Part::Kind::text) return {};
  const std::string& path = target.value->parts.front().text;
  const std::size_t script = path.find(".php");
  return script == std::string::npos ? path : path.substr(0, script + 4);
}

// By the key that stands in the file.
std::string fallback_key(const Checked& checked, std::size_t index) {
  const std::string old = site_path(index, ".front_controller");
  return checked.places.given(old) ? old : site_path(index, ".fallback");
}

// A site without a pool is a site of files; with a script to fall back to it is a mistake.
void check_pool_of(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const Site& site = config.sites[index];
  const std::string path = site_path(index, ".pool");
  if (!places.good(path)) {
    return;
  }
  if (site.pool.empty()) {
    if (fallback_file(site.fallback).ends_with(".php")) {
      report.error(places.find(fallback_key(checked, index)),
                   site_path(index) + " has a " +
                       fallback_key(checked, index).substr(site_path(index).size() + 1) +
                       " but no pool to run it",
                   config.pools.empty() ? "add pool: NAME" : "add pool: " + config.pools.front().name);
    }
    return;
  }
  if (config.find_pool(site.pool) != nullptr || !places.good("pools") || config.pools.empty()) {
    return;
  }
  std::vector<std::string> names;
  for (const Pool& pool : config.pools) {
    names.push_back(pool.name);
  }
  std::string meant = did_you_mean(site.pool, names);
  if (site.pool.find_first_of(":/") != std::string::npos) {
    const auto same = std::find_if(config.pools.begin(), config.pools.end(), [&site](const Pool& pool) {
      return pool_address_text(pool.address) == site.pool;
    });
    meant = "the name of a pool stands here, its address in pools.NAME.address" +
            (same == config.pools.end() ? std::string() : "; write pool: " + same->name);
  }
  report.error(places.find(path), path + ": there is no pool " + quote(site.pool),
               meant.empty() ? "pools: " + join_words(names) : meant);
}

void check_fallback(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const Site& site = config.sites[index];
  const std::string key = fallback_key(checked, index);
  const std::string file = fallback_file(site.fallback);
  std::error_code error;
  if (site.pool.empty() || file.empty() || !places.good(key) || fs::exists(site.root + file, error)) return;
  report.warning(places.find(key), key + ": " + site.root + file + " does not exist",
                 file.size() > 1 && fs::exists(site.root + "/public" + file, error)
                     ? "did you mean root: " + site.root + "/public?"
                     : "requests that need it get 404 until it is there");
}

// An application that is served without its rules shows what it hides.
void check_app(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const Site& site = config.sites[index];
  for (const char* key : {".app", ".routes", ".run"}) {
    if (places.given(site_path(index, key)) || !places.good(site_path(index, key))) return;
  }
  const Preset* const app = recognise_app(site.root);
  if (app == nullptr) return;
  const std::string path = site_path(index, ".root");
  report.warning(places.find(path),
                 path + ": " + site.root + " holds " + std::string(app->name) +
                     ", and no rule hides what it hides from visitors",
                 "add app: " + std::string(app->name));
}

// Missing files are warnings: a deployment may still bring them.
void check_root(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const Site& site = config.sites[index];
  const std::string path = site_path(index, ".root");
  if (!places.given(path)) {
    if (site.redirect.empty() && places.good(path) && places.good(site_path(index))) {
      report.error(places.find(path), site_path(index) + " has no root",
                   "add the folder with its files: root: /srv/app/public");
    }
    return;
  }
  if (!places.good(path)) {
    return;
  }
  std::error_code error;
  if (site.root == "/") {
    report.error(places.find(path), path + ": '/' would serve every file of this machine",
                 "name the public folder");
    return;
  }
  if (!fs::is_directory(site.root, error)) {
    report.warning(
        places.find(path),
        path + ": " + site.root + (fs::exists(site.root, error) ? " is not a folder" : " does not exist"),
        "requests to this site get 404 until it is there");
    return;
  }
  check_root_contents(checked, path, site.root);
  check_app(checked, index);
  check_fallback(checked, index);
}

// A pattern that takes in source or dot files is worth a second look.
void check_publish(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const std::string path = site_path(index, ".publish");
  if (!places.good(path)) {
    return;
  }
  const auto& patterns = config.sites[index].publish;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    for (const char* name : {"wp-config.php.bak", "settings.inc", ".env", ".git", ".htpasswd"}) {
      if (name_matches(patterns[i], name)) {
        const std::string item = path + "[" + std::to_string(i) + "]";
        report.warning(places.find(item),
                       item + ": " + quote(patterns[i]) + " would send " + name + " to anybody",
                       "name what you want to publish more closely");
        break;
      }
    }
  }
}

// Where php sees the files elsewhere, their real path here means nothing to it.
void check_resolve_root(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const Site& site = config.sites[index];
  const std::string path = site_path(index, ".resolve_root");
  if (site.resolve_root && site.php_root != site.root && places.good(path) &&
      places.good(site_path(index, ".php_root")) && places.good(site_path(index, ".root"))) {
    report.error(places.find(path),
                 path + ": php_root is another path, so the root cannot be resolved for php",
                 "remove one of them");
  }
}

// Params become FastCGI params as they are, beside those made from the request.
void check_param(const Checked& checked, std::size_t index, const std::string& name) {
  const auto& [config, places, report] = checked;
  const std::string path = site_path(index, ".params.") + name;
  const auto is_any = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (is_any({"CONTENT_LENGTH", "REQUEST_BODY_FILE"})) {
    // php-fpm waits for CONTENT_LENGTH bytes and would take the next request for the rest of this body.
    report.error(places.find(path), path + ": the request itself says where its body is, this cannot be set",
                 "remove it");
  } else if (is_any({"PHP_VALUE", "PHP_ADMIN_VALUE"})) {
    report.warning(
        places.find(path),
        path + ": php-fpm keeps these ini settings for later requests of the worker, of other sites too",
        "set php_admin_value[...] in the php-fpm pool instead");
  } else if (name == "PATH_TRANSLATED") {
    report.warning(places.find(path),
                   path + ": with cgi.fix_pathinfo=0 php-fpm runs this file in place of the script",
                   "remove it");
  } else if (name.starts_with("HTTP_")) {
    report.warning(places.find(path), path + ": replaces what the client sends in the header of that name",
                   "scripts see this value in every request");
  } else if (is_any({"SCRIPT_FILENAME", "SCRIPT_NAME", "REQUEST_METHOD", "REQUEST_URI", "QUERY_STRING",
                     "CONTENT_TYPE", "PATH_INFO", "GATEWAY_INTERFACE"})) {
    report.warning(places.find(path),
                   path + ": holdfast sets " + name + " from each request, this replaces it always",
                   "remove it unless that is meant");
  }
}

// Such a body would be accepted by its length and then refused with 503 for want of room.
void check_body_room(const Checked& checked, std::size_t index) {
  const auto& [config, places, report] = checked;
  const std::string path = site_path(index, ".max_body");
  const std::uint64_t room = config.buffers->request_memory + config.buffers->spool_max / 2;
  if (places.good(path) && places.good("buffers.spool_max") && places.good("buffers.request_memory") &&
      config.sites[index].max_body > room) {
    report.warning(places.find(path),
                   path + ": " + size_text(config.sites[index].max_body) +
                       " is more than one client may store: buffers.request_memory and half of "
                       "spool_max (" +
                       size_text(room) + ")",
                   "raise buffers.spool_max or lower max_body");
  }
}

}  // namespace

void check_sites(const Checked& checked) {
  const auto& [config, places, report] = checked;
  if (!places.good("sites")) {
    return;
  }
  const bool only_fastcgi = config.listen.empty() && !config.fastcgi.empty();
  if (config.sites.empty() && only_fastcgi) {
    return;
  }
  if (config.sites.empty()) {
    report.error(places.find("sites"), places.given("sites") ? "sites: names no site" : "sites is missing",
                 "add at least one with a root and a pool");
    return;
  }
  check_hosts(checked);
  check_routes(checked);
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    check_pool_of(checked, i);
    check_root(checked, i);
    check_body_room(checked, i);
    check_publish(checked, i);
    check_resolve_root(checked, i);
    for (const auto& param : config.sites[i].params) {
      check_param(checked, i, param.first);
    }
  }
}

}  // namespace holdfast::config

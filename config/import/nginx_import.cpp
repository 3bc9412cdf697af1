// See nginx_import.h.
#include "config/import/nginx_import.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config/import/nginx_server.h"
#include "config/load.h"
#include "config/pool.h"
#include "config/site.h"

namespace holdfast::config {
namespace {

using Directives = std::vector<NginxDirective>;

// What servers take over from http.
bool is_inherited(const NginxDirective& d) {
  static constexpr std::string_view kNames =
      " root index gzip gzip_static charset client_max_body_size add_header expires error_page access_log "
      "auth_basic "
      "auth_basic_user_file allow deny autoindex fastcgi_param fastcgi_read_timeout fastcgi_send_timeout "
      "fastcgi_hide_header ";
  if (d.name == "access_log" && d.word(0) != "off") return false;
  return kNames.find(" " + d.name + " ") != std::string_view::npos;
}

bool is_silent(const std::string& name) {
  return name == "upstream" || name == "server" || name == "http" || name == "events";
}

// A site that only leads to https of the same host is what `https: required` says.
void join_https(Config& config) {
  const auto redirects = [](const Site& site) {
    return site.root.empty() && site.routes.empty() && site.redirect.starts_with("https://") &&
           site.redirect.ends_with("$uri");
  };
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    const Site& plain = config.sites[i];
    if (!redirects(plain)) continue;
    const std::string to = plain.redirect.substr(8, plain.redirect.size() - 8 - 4);
    const auto same = std::find_if(config.sites.begin(), config.sites.end(), [&](const Site& other) {
      return &other != &plain && other.hosts == plain.hosts && !redirects(other) &&
             (to == "$host" || std::find(other.hosts.begin(), other.hosts.end(), to) != other.hosts.end());
    });
    if (same == config.sites.end()) continue;
    same->https = Https::required;
    config.sites.erase(config.sites.begin() + static_cast<std::ptrdiff_t>(i--));
  }
}

// The last server_name that holds the name; nullptr: none is written so.
const NginxDirective* last_with_name(const Directives& top, const std::string& name) {
  const NginxDirective* last = nullptr;
  for (const NginxDirective& server : top) {
    for (const NginxDirective& d : server.block) {
      const bool has = std::find(d.words.begin(), d.words.end(), name) != d.words.end();
      if (server.name == "server" && d.name == "server_name" && has) last = &d;
    }
  }
  return last;
}

// A name that two servers have goes to the first, as nginx does it.
void drop_double_hosts(Imported& out, const Directives& top) {
  std::set<std::pair<std::string, std::string>> seen;
  for (Site& site : out.config.sites) {
    const bool had = !site.hosts.empty();
    std::erase_if(site.hosts, [&](const std::string& host) {
      if (seen.emplace(host, site.path).second) return false;
      const NginxDirective* d = last_with_name(top, host);
      out.notes.push_back({d != nullptr ? d->file : "", d != nullptr ? d->line : 0,
                           "server_name " + host + ": another server has this name already"});
      return true;
    });
    if ((had && site.hosts.empty()) || (!had && !seen.emplace("", site.path).second)) {
      out.notes.push_back(
          {"", 0, "a server for names that another has already is left out (root " + site.root + ")"});
      site.root.clear();
      site.redirect.clear();
      site.hosts = {"?"};
    }
  }
  std::erase_if(out.config.sites,
                [](const Site& site) { return site.hosts == std::vector<std::string>{"?"}; });
}

}  // namespace

Imported import_nginx(std::string_view text, const std::string& file, const NginxFiles& files) {
  Imported out;
  out.config.listen.clear();
  NginxTree tree = parse_nginx(text, file);
  if (!tree.problems.empty()) return {{}, std::move(tree.problems), true};
  expand_includes(tree.directives, {file, std::string(text)}, files, out.notes);

  Directives top;
  for (NginxDirective& d : tree.directives) {
    if (d.name == "http") {
      std::move(d.block.begin(), d.block.end(), std::back_inserter(top));
    } else {
      top.push_back(std::move(d));
    }
  }
  const NginxContext context{out.config.listen, out.config.pools, out.config.sites, out.notes, top};
  Directives inherited;
  std::copy_if(top.begin(), top.end(), std::back_inserter(inherited), is_inherited);
  for (const NginxDirective& d : top) {
    if (!is_inherited(d) && !is_silent(d.name))
      context.note(d, "is of the whole server of nginx, not of a site");
  }
  for (const NginxDirective& d : top) {
    if (d.name == "server" && d.has_block) import_server(context, d, inherited);
  }
  join_https(out.config);
  drop_double_hosts(out, top);
  if (out.config.sites.empty()) {
    out.notes.push_back({file, 0, "no server block that can be said"});
    out.failed = true;
  }
  for (Site& site : out.config.sites) site.php_root = site.root;
  if (out.config.pools.empty() && !out.failed) {
    Pool& pool = out.config.pools.emplace_back();
    pool.name = "php";
    pool.address = {Address::Kind::unix_socket, {}, 0, "/run/php/php-fpm.sock"};
    out.notes.push_back({file, 0, "no fastcgi_pass: the pool below stands in for it, no site runs scripts"});
  }
  if (out.config.listen.empty()) out.config.listen = Config().listen;
  std::stable_sort(out.notes.begin(), out.notes.end(), [](const ImportNote& a, const ImportNote& b) {
    return a.file != b.file ? a.file < b.file : a.line < b.line;
  });
  return out;
}

std::string import_yaml(const Imported& imported) {
  std::string out;
  for (const ImportNote& note : imported.notes) {
    std::string text = note.file + (note.line > 0 ? ":" + std::to_string(note.line) : "") +
                       (note.file.empty() ? "" : ": ") + note.text;
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    out += "# " + text + "\n";
  }
  if (!out.empty()) out = "# What could not be said, or is not needed:\n" + out + "\n";
  return imported.failed ? out : out + to_brief_yaml(imported.config);
}

}  // namespace holdfast::config

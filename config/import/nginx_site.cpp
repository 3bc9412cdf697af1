// Keys that only a site has. See nginx_scope.h.
#include <algorithm>
#include <string>

#include "config/addresses.h"
#include "config/import/nginx_conditions.h"
#include "config/import/nginx_scope.h"
#include "config/site.h"

namespace holdfast::config {
namespace {

void error_page(const NginxContext& context, const NginxDirective& d, Site& site) {
  if (d.words.size() < 2) return context.note(d, "names no page");
  const std::string& page = d.words.back();
  if (!page.starts_with('/') || page.find_first_of("$?") != std::string::npos || page.ends_with(".php"))
    return context.note(d, "only a file below the root can be the page");
  for (std::size_t i = 0; i + 1 < d.words.size(); ++i) {
    const std::string& status = d.word(i);
    if (status.size() == 3 && (status[0] == '4' || status[0] == '5')) {
      site.errors.pages[status] = page;
    } else {
      context.note(d, status + " cannot be said: a page keeps the status it is for");
    }
  }
}

void param(const NginxContext& context, const NginxDirective& d, Site& site) {
  if (is_standard_param(d.word(0))) return;
  if (d.word(0) == "PHP_VALUE" || d.word(0) == "PHP_ADMIN_VALUE" || d.word(0) == "PHP_FLAG")
    return context.note(d, "belongs in the pool file of php-fpm, which else keeps it for other requests");
  if (d.word(1).find('$') != std::string::npos)
    return context.note(d, "a param with a variable cannot be said");
  site.params[d.word(0)] = d.word(1);
}

}  // namespace

bool take_site_key(const NginxContext& context, const NginxDirective& d, Site& site) {
  if (d.name == "index") {
    site.index.clear();
    for (const std::string& name : d.words) {
      name.find('/') == std::string::npos&& name.find('$') == std::string::npos
          ? void(site.index.push_back(name))
          : context.note(d, name + " is no name in a folder: see fallback");
    }
  } else if (d.name == "gzip") {
    site.gzip = d.word(0) == "on";
  } else if (d.name == "gzip_static" || d.name == "brotli_static") {
    site.precompressed = d.word(0) == "on";
  } else if (d.name == "charset") {
    site.charset = d.word(0) == "off" ? "" : d.word(0);
  } else if (d.name == "error_page") {
    error_page(context, d, site);
  } else if (d.name == "fastcgi_param") {
    param(context, d, site);
  } else if (d.name == "types") {
    for (const NginxDirective& type : d.block) {
      for (const std::string& ending : type.words) site.types[ending] = type.name;
    }
  } else if (d.name == "disable_symlinks" || d.name == "fastcgi_connect_timeout") {
    context.note(d, d.name == "disable_symlinks" ? "see follow_links" : "see pools.NAME.timeouts.connect");
  } else {
    return false;
  }
  return true;
}

bool take_names(const NginxContext& context, const NginxDirective& d, std::vector<std::string>& hosts) {
  bool any_host = false;
  for (const std::string& word : d.words) {
    if (word == "_" || word.empty()) {
      any_host = true;
      continue;
    }
    const bool with_all_below = word.starts_with('.');
    for (const std::string& name :
         with_all_below ? std::vector{word.substr(1), "*" + word} : std::vector{word}) {
      if (const auto host = parse_host_pattern(name); host.value) {
        hosts.push_back(*host.value);
      } else {
        context.note(d, "the name " + name + " cannot be said");
      }
    }
  }
  return any_host;
}

bool take_listen(const NginxContext& context, const NginxDirective& d) {
  bool any_host = false;
  for (std::size_t i = 1; i < d.words.size(); ++i) {
    if (d.word(i) == "default_server" || d.word(i) == "default") any_host = true;
    if (d.word(i) == "ssl") {
      context.note(d, "TLS is not spoken here: a proxy in front does that");
      return any_host;
    }
    if (d.word(i) == "proxy_protocol") {
      context.note(d, "the PROXY protocol is not spoken here");
      return any_host;
    }
  }
  std::string where = d.word(0);
  if (where.starts_with("*:")) where.erase(0, 1);
  const bool is_port = where.find_first_not_of("0123456789") == std::string::npos;
  if (is_port) where = ":" + where;
  if (!is_port && !where.starts_with("unix:") &&
      (where.ends_with(']') || where.find(':') == std::string::npos))
    where += ":80";
  const auto address = read_listen_address(where);
  if (!address.value) {
    context.note(d, "no address that can be said");
    return any_host;
  }
  auto& all = context.listen;
  if (std::find(all.begin(), all.end(), *address.value) == all.end()) all.push_back(*address.value);
  return any_host;
}

}  // namespace holdfast::config

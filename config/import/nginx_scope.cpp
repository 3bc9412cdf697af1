// See nginx_scope.h.
#include "config/import/nginx_scope.h"

#include <algorithm>
#include <utility>

#include "config/addresses.h"
#include "config/load.h"
#include "config/path_pattern.h"
#include "config/pool.h"

namespace holdfast::config {
namespace {

bool is_any(const std::string& word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What holds here without being said.
std::string needless(const std::string& name) {
  if (is_any(name, {"log_not_found", "error_log", "rewrite_log"}))
    return "not needed: the error log is of the server alone";
  if (name.starts_with("gzip_")) return "not needed: gzip has no choices here";
  if (is_any(name, {"sendfile", "tcp_nopush", "tcp_nodelay", "aio", "directio", "etag", "server_tokens",
                    "if_modified_since", "types_hash_max_size", "server_names_hash_bucket_size",
                    "server_names_hash_max_size", "output_buffers", "open_file_cache", "absolute_redirect",
                    "server_name_in_redirect", "port_in_redirect", "max_ranges"}))
    return "not needed here";
  if (is_any(name,
             {"fastcgi_split_path_info", "fastcgi_index", "fastcgi_keep_conn", "fastcgi_intercept_errors",
              "fastcgi_request_buffering", "fastcgi_buffering", "fastcgi_buffers", "fastcgi_buffer_size",
              "fastcgi_busy_buffers_size", "fastcgi_temp_file_write_size", "fastcgi_max_temp_file_size",
              "fastcgi_ignore_client_abort", "client_body_buffer_size", "fastcgi_read_ahead"}))
    return "not needed: see buffers and pools";
  if (name.starts_with("ssl") || name == "http2" || name == "http3")
    return "TLS is not spoken here: a proxy in front does that";
  return {};
}

void take_header(const NginxContext& context, const NginxDirective& d, NginxScope& scope) {
  const bool odd = std::any_of(d.word(1).begin(), d.word(1).end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (d.words.size() < 2 || odd || d.word(1).find('$') != std::string::npos) {
    context.note(d, "a header with a variable cannot be said");
    return;
  }
  scope.settings.headers[d.word(0)] = d.word(1);
}

void take_expires(const NginxContext& context, const NginxDirective& d, NginxScope& scope) {
  if (is_any(d.word(0), {"-1", "epoch", "0"})) {
    scope.settings.expires = Expires{Expires::Kind::after, {}};
  } else if (const auto expires = expires_of(d.word(0)); expires && d.words.size() == 1) {
    scope.settings.expires = expires;
  } else {
    context.note(d, "write expires by hand");
  }
}

// What of `whole` is in none of `parts`.
std::vector<Network> without(const Network& whole, const std::vector<Network>& parts) {
  for (const Network& part : parts) {
    if (part.prefix <= whole.prefix && contains({part}, whole.address)) return {};
  }
  const bool touched = std::any_of(parts.begin(), parts.end(),
                                   [&whole](const Network& part) { return contains({whole}, part.address); });
  if (!touched) return {whole};
  Network low = whole;
  low.prefix++;
  Network high = low;
  high.address[whole.prefix / 8] |= static_cast<std::uint8_t>(0x80 >> (whole.prefix % 8));
  std::vector<Network> out = without(low, parts);
  for (const Network& each : without(high, parts)) out.push_back(each);
  return out;
}

void take_access(const NginxContext& context, const NginxDirective& d, NginxAccess& access) {
  const auto networks = parse_networks(d.word(0));
  const bool all = d.word(0) == "all";
  if (access.decided) return context.note(d, "counts for nothing behind `all`");
  if (!all && !networks.value) return context.note(d, "only networks and `all` can be said");
  access.said = true;
  access.decided = all;
  if (d.name == "deny" && !all) {
    for (const Network& each : *networks.value) {
      for (const Network& part : without(each, access.allow.value_or(std::vector<Network>())))
        access.denied.push_back(part);
    }
  } else if (d.name == "deny") {
    access.nobody = !access.allow || access.allow->empty();
    if (access.nobody) access.allow.reset();
    access.denied.clear();  // `allow` is without them
  } else if (all) {
    access.allow = std::vector<Network>{Network{}};
  } else {
    if (!access.allow) access.allow.emplace();
    for (const Network& each : *networks.value) {
      for (const Network& part : without(each, access.denied)) access.allow->push_back(part);
    }
  }
}

void take_auth(const NginxContext& context, const NginxDirective& d, NginxAccess& access) {
  if (d.word(0).find_first_of("$\"\\") != std::string::npos)
    return context.note(d, "a variable or a quote cannot stand here");
  access.auth_said = true;
  if (d.name == "auth_basic") {
    access.auth_off = d.word(0) == "off";
    access.realm = access.auth_off ? std::nullopt : std::optional(d.word(0));
  } else {
    access.users = d.word(0);
  }
}

void take_timeout(const NginxContext& context, const NginxDirective& d, NginxScope& scope) {
  const auto time = time_of(d.word(0));
  if (!time) return context.note(d, "not a time that can be said");
  if (d.name == "fastcgi_send_timeout") {
    scope.settings.timeouts.send = time;
  } else {
    scope.settings.timeouts.first_byte = time;
    scope.settings.timeouts.idle_read = time;
  }
}

// The target of try_files' last word, of return or of a rewrite.
std::optional<std::string> internal_of(const std::string& word, const std::vector<std::size_t>& groups) {
  if (word == "=404") return "404";
  return target_of(word, groups, {}, false);
}

// `try_files ... @name`: the location it leads to, where that is one rewrite.
const NginxDirective* rewrite_of(const std::vector<NginxDirective>& server, const std::string& name) {
  for (const NginxDirective& location : server) {
    if (location.name != "location" || location.word(0) != name || location.block.empty()) continue;
    const NginxDirective& last = location.block.back();
    return last.name == "rewrite" ? &last : nullptr;
  }
  return nullptr;
}

void take_try_files(const NginxContext& context, const NginxDirective& d,
                    const std::vector<NginxDirective>& server, NginxScope& scope) {
  for (std::size_t i = 0; i + 1 < d.words.size(); ++i) {
    if (!is_any(d.words[i], {"$uri", "$uri/", "$fastcgi_script_name", "_", "/_"}))
      context.note(d, "only $uri and $uri/ can stand before the last word, not " + d.words[i]);
  }
  const std::string& last = d.words.empty() ? d.word(0) : d.words.back();
  std::optional<std::string> target;
  if (last.starts_with('@')) {
    const NginxDirective* rewrite = rewrite_of(server, last);
    const auto pattern = rewrite != nullptr ? pattern_of_regex(rewrite->word(0)) : std::nullopt;
    if (pattern && is_any(pattern->pattern, {"/**", "/", "**"}) &&
        rewrite->word(1).find("$1") == std::string::npos)
      target = internal_of(rewrite->word(1), {});
  } else {
    target = internal_of(last, {});
  }
  if (target) {
    scope.fallback = target;
  } else {
    context.note(d, "its last word cannot be said: write fallback by hand");
  }
}

void take_return(const NginxContext& context, const NginxDirective& d, const std::string& server_name,
                 const std::vector<std::size_t>& groups, NginxScope& scope) {
  const bool has_code =
      d.words.size() > 1 ||
      (d.word(0).size() == 3 && d.word(0).find_first_not_of("0123456789") == std::string::npos);
  const std::string code = has_code ? d.word(0) : "302";
  const std::string& where = has_code ? d.word(1) : d.word(0);
  if (is_any(code, {"403", "404", "410"}) && where.empty()) {
    scope.deny = std::stoi(code);
  } else if (is_any(code, {"400", "401", "405", "418", "429", "444", "500", "502", "503"}) && where.empty()) {
    scope.deny = 403;
    context.note(d, "deny: 403 stands for it");
  } else if (is_any(code, {"301", "302", "303", "307", "308"})) {
    const bool same_host = where.starts_with("https://$host") || where.starts_with("https://$server_name") ||
                           where.starts_with("https://$http_host") ||
                           (!server_name.empty() && where.starts_with("https://" + server_name));
    if (same_host && where.ends_with("$request_uri")) scope.gone_to_https = true;
    scope.redirect = target_of(where, groups, server_name, true);
    scope.status = std::stoi(code);
    if (!scope.redirect) context.note(d, "its target cannot be said: write redirect by hand");
  } else {
    context.note(d, "only 301, 302, 303, 307, 308, 403, 404 and 410 can be returned");
  }
}

}  // namespace

std::string pool_of(const NginxContext& context, const NginxDirective& d) {
  std::string where = d.word(0);
  if (where.find('$') != std::string::npos) {
    context.note(d, "a variable cannot name a pool");
    return {};
  }
  for (const NginxDirective& each : context.top) {
    if (each.name != "upstream" || each.word(0) != where) continue;
    const auto servers =
        std::count_if(each.block.begin(), each.block.end(), [](const auto& s) { return s.name == "server"; });
    for (const NginxDirective& inner : each.block) {
      if (inner.name == "server" && where == each.word(0)) where = inner.word(0);
    }
    if (servers > 1) context.note(each, "a pool has one address: the first is taken");
  }
  const auto address = read_pool_address(where.starts_with("unix:") ? where : "tcp:" + where);
  if (!address.value) {
    context.note(d, "no address of a pool");
    return {};
  }
  for (const Pool& pool : context.pools) {
    if (pool.address == *address.value) return pool.name;
  }
  Pool& pool = context.pools.emplace_back();
  const std::size_t count = context.pools.size();
  pool.name = count == 1 ? "php" : "php" + std::to_string(count);
  pool.address = *address.value;
  return pool.name;
}

std::optional<Auth> NginxAccess::auth() const {
  if (auth_off || !realm || !users) return std::nullopt;
  Auth out;
  out.realm = *realm;
  out.users = *users;
  return out;
}

void forget_who_may_come(NginxAccess& access) {
  access.said = access.decided = access.nobody = false;
  access.allow.reset();
  access.denied.clear();
}

void inherit_access(const NginxContext& context, const NginxDirective& block, const NginxAccess& outer,
                    NginxScope& scope) {
  NginxAccess& access = scope.access;
  if (!access.said) {
    access.nobody = outer.nobody;
    access.allow = outer.allow;
    access.denied = outer.denied;
  } else if (!access.decided && !access.denied.empty()) {  // all others may come
    access.allow.reset();
    if (outer.nobody || outer.allow) scope.settings.allow = access.allow = std::vector<Network>{Network{}};
  } else if (access.allow) {
    scope.settings.allow = access.allow;
    if (!access.decided) context.note(block, "its `allow` counts as if `deny all` stood behind it");
  }
  if (!access.auth_off && !access.realm) {
    access.auth_off = outer.auth_off;
    access.realm = outer.realm;
  }
  if (!access.users) access.users = outer.users;
  if (!access.auth_said) return;
  scope.settings.auth = access.auth();
  if (access.auth_off) {
    scope.settings.auth.emplace();
    scope.settings.auth->off = true;
  } else if (access.realm && !access.users) {
    context.note(block, "auth_basic without auth_basic_user_file asks nobody");
  }
}

bool opens(const NginxScope& scope) {
  return !scope.deny &&
         ((scope.access.said && scope.access.allow) || (scope.access.auth_said && scope.access.auth_off));
}

bool take_setting(const NginxContext& context, const NginxDirective& d, NginxScope& scope) {
  if (d.name == "add_header" || d.name == "more_set_headers") {
    take_header(context, d, scope);
  } else if (d.name == "fastcgi_hide_header") {
    scope.settings.headers[d.word(0)] = "";
  } else if (d.name == "expires") {
    take_expires(context, d, scope);
  } else if (d.name == "allow" || d.name == "deny") {
    take_access(context, d, scope.access);
  } else if (d.name == "auth_basic" || d.name == "auth_basic_user_file") {
    take_auth(context, d, scope.access);
  } else if (d.name == "access_log") {
    d.word(0) == "off" ? void(scope.settings.log = false)
                       : context.note(d, "there is one access log: log.access");
  } else if (d.name == "client_max_body_size") {
    const auto size = size_of(d.word(0));
    size&&* size > 0 ? void(scope.max_body = size) : context.note(d, "write max_body by hand");
  } else if (is_any(d.name, {"fastcgi_read_timeout", "fastcgi_send_timeout"})) {
    take_timeout(context, d, scope);
  } else if (d.name == "autoindex") {
    scope.settings.list = d.word(0) == "on";
  } else if (d.name == "default_type") {
    scope.settings.type = d.word(0);
  } else if (d.name == "root") {
    scope.root = d.word(0);
  } else if (d.name == "alias") {
    scope.alias = d.word(0);
  } else if (d.name == "internal") {
    scope.internal = true;
  } else if (d.name == "fastcgi_pass") {
    scope.pool = pool_of(context, d);
  } else if (const std::string why = needless(d.name); !why.empty()) {
    context.note(d, why);
  } else {
    return false;
  }
  return true;
}

bool take_action(const NginxContext& context, const NginxDirective& d, const std::string& server_name,
                 const std::vector<NginxDirective>& server, NginxScope& scope) {
  if (d.name == "return") {
    take_return(context, d, server_name, {}, scope);
  } else if (d.name == "try_files") {
    take_try_files(context, d, server, scope);
  } else {
    return false;
  }
  return true;
}

}  // namespace holdfast::config

// See schema_sites.h.
#include "config/schema_sites.h"

#include <array>
#include <optional>
#include <utility>

#include "config/diagnostics.h"
#include "config/load_yaml.h"
#include "config/path_pattern.h"
#include "config/presets.h"
#include "config/route_limits.h"
#include "config/schema_rows.h"
#include "config/site.h"
#include "config/target_template.h"
#include "config/values_routes.h"

namespace holdfast::config {
namespace {

// ---- routes

template <>
struct Keys<RequestTimeouts> {
  static constexpr auto kList = std::array{
      given<RequestTimeouts, &RequestTimeouts::send, TimeSpan>("send",
                                                               wait("write the longest wait you accept")),
      given<RequestTimeouts, &RequestTimeouts::first_byte, TimeSpan>(
          "first_byte", wait("write how long a script may take, such as 60s")),
      given<RequestTimeouts, &RequestTimeouts::idle_read, TimeSpan>(
          "idle_read", wait("write the longest silence you accept, such as 60s")),
  };
};

template <>
struct Keys<RouteWhen> {
  static constexpr auto kList = std::array{
      added<RouteWhen, &RouteWhen::query, ParamPatterns>("query"),
      added<RouteWhen, &RouteWhen::cookie, ParamPatterns>("cookie"),
      added<RouteWhen, &RouteWhen::user_agent, AgentPatterns>("user_agent"),
      added<RouteWhen, &RouteWhen::method, MethodList>("method"),
      added<RouteWhen, &RouteWhen::from, FromList>("from"),
  };
};

template <>
struct Keys<Auth> {
  static constexpr auto kList = std::array{
      key<&Auth::realm, Realm>("realm"),
      key<&Auth::users, FilePath>("users"),
  };
};

// `auth: off`, or a block with the file of users.
template <class T>
void read_auth(Reader& reader, const Slot& slot, const Limits&, T& out) {
  Auth auth;
  if (slot.node->kind == Node::Kind::scalar && slot.node->text == "off") {
    auth.off = true;
  } else if (slot.node->kind == Node::Kind::scalar) {
    reader.error(slot, "expected off or a block, got " + quote(slot.node->text),
                 "write auth: { realm: NAME, users: FILE }");
    return;
  } else {
    read_section(reader, slot, auth);
    if (auth.users.empty()) reader.error(slot, "names no file of users", "add users: /etc/holdfast/users");
  }
  out.auth = std::move(auth);
}
template <class T>
void write_auth(Writer& writer, std::string_view as, const T& in) {
  if (!in.auth) {
    writer.unset_block(as, [](Writer& keys) {
      keys.unset("realm");
      keys.unset("users");
    });
  } else if (in.auth->off) {
    writer.leaf(as, "off");
  } else {
    writer.open(as);
    write_section(writer, *in.auth);
    writer.close();
  }
}

// A block that is not printed while it says nothing.
template <class T, auto Member>
constexpr auto block(std::string_view name) {
  using Type = typename MemberOf<decltype(Member)>::Type;
  return Key<T>{name,
                {},
                [](Reader& reader, const Slot& slot, const Limits&, T& out) {
                  read_section(reader, slot, out.*Member);
                },
                [](Writer& writer, std::string_view as, const T& in) {
                  if (in.*Member == Type()) {
                    writer.unset_block(as, [](Writer& keys) { write_section(keys, Type()); });
                    return;
                  }
                  writer.open(as);
                  write_section(writer, in.*Member);
                  writer.close();
                }};
}

// What a site says for all its paths and a route for some.
template <class T>
constexpr auto path_settings() {
  return std::array{
      added<T, &PathSettings::headers, HeaderValues>("headers"),
      given<T, &PathSettings::expires, ExpiresTime>("expires"),
      given<T, &PathSettings::php, Flag>("php"),
      given<T, &PathSettings::log, Flag>("log"),
      Key<T>{"auth", {}, read_auth<T>, write_auth<T>},
      given<T, &PathSettings::allow, AllowList>("allow"),
      block<T, &PathSettings::timeouts>("timeouts"),
      given<T, &PathSettings::type, MediaType>("type"),
      given<T, &PathSettings::list, Flag>("list"),
  };
}

constexpr Limits kBody = from_to(1, UINT64_MAX, "write the largest body you accept, such as 64m");

template <>
struct Keys<Route> {
  static constexpr auto kList = joined(
      joined(std::array{key_of<Route, &Route::path, PathPatterns>("path"),
                        Key<Route>{"ignore_case",
                                   {},
                                   [](Reader& reader, const Slot& slot, const Limits& limits, Route& out) {
                                     out.ignore_case =
                                         Flag::read(reader, slot, limits).value_or(out.ignore_case);
                                   },
                                   [](Writer& writer, std::string_view as, const Route& in) {
                                     in.ignore_case ? writer.leaf(as, "true") : writer.unset(as);
                                   }},
                        block<Route, &Route::when>("when")},
             path_settings<Route>()),
      std::array{
          given<Route, &Route::max_body, Size>("max_body", kBody),
          given<Route, &Route::pool, PoolName>("pool"),
          given<Route, &Route::fallback, FallbackTarget>("fallback"),
          given<Route, &Route::deny, DenyStatus>("deny"),
          given<Route, &Route::redirect, RedirectTarget>("redirect"),
          Key<Route>{"status",
                     {},
                     [](Reader& reader, const Slot& slot, const Limits& limits, Route& out) {
                       out.status = RedirectStatus::read(reader, slot, limits).value_or(out.status);
                     },
                     [](Writer& writer, std::string_view as, const Route& in) {
                       in.redirect ? writer.leaf(as, std::to_string(in.status)) : writer.unset(as);
                     }},
          given<Route, &Route::to, InternalTarget>("to"),
      });
};

bool has_key(const Slot& slot, std::string_view name) {
  return slot.node->kind == Node::Kind::map &&
         std::any_of(slot.node->entries.begin(), slot.node->entries.end(),
                     [name](const Entry& entry) { return entry.key == name; });
}

// Each pattern must take as much as a target names.
void check_captures(Reader& reader, const Slot& slot, const Route& route, const std::string& text) {
  const auto target = text.starts_with('/') ? parse_internal_target(text) : parse_redirect_target(text);
  const auto redirect = parse_redirect_target(text);
  const std::size_t wanted = target.value     ? target.value->captures
                             : redirect.value ? redirect.value->captures
                                              : 0;
  for (const std::string& pattern : route.path) {
    const std::size_t has = parse_path_pattern(pattern).value->captures();
    if (wanted > has) {
      reader.error(slot,
                   "names $" + std::to_string(wanted) + ", and " + quote(pattern) + " has " +
                       (has == 0 ? "no star" : "only " + std::to_string(has)) +
                       (has > 1    ? " stars"
                        : has == 1 ? " star"
                                   : ""),
                   "$1 is what the first star or brace took");
      return;
    }
  }
}

void check_route(Reader& reader, const Slot& slot, const Route& route) {
  if (!has_key(slot, "path")) {
    reader.error(slot, "has no path", "add one: path: /admin/, or path: /** for all");
    return;
  }
  const int actions = (route.deny ? 1 : 0) + (route.redirect ? 1 : 0) + (route.to ? 1 : 0);
  if (actions > 1) reader.error(slot, "has more than one action", "keep one of deny, redirect and to");
  if (has_key(slot, "status") && !has_key(slot, "redirect"))
    reader.error(slot, "has a status but no redirect", "deny has its own: deny: 404");
  for (const auto* target : {&route.redirect, &route.to, &route.fallback}) {
    if (*target && **target != "404") check_captures(reader, slot, route, **target);
  }
}

void read_routes(Reader& reader, const Slot& slot, const Limits&, Site& out) {
  const auto items = reader.items(slot, "a list of routes, each beginning with '- '", false);
  for (const Slot& item : items.value_or(std::vector<Slot>{})) {
    if (out.routes.size() == kRoutesMax) {
      reader.error(item, "is one route too many: a site may have " + std::to_string(kRoutesMax),
                   "a route may have a list of patterns");
      return;
    }
    Route& route = out.routes.emplace_back();
    if (item.node->kind == Node::Kind::scalar) {
      reader.error(item, "expected a block of keys, found a single value",
                   "write { path: " + yaml_text(item.node->text.substr(0, 64)) + ", deny: 404 }");
      continue;
    }
    read_section(reader, item, route);
    check_route(reader, item, route);
  }
}

void write_routes(Writer& writer, std::string_view as, const Site& in) {
  if (in.routes.empty()) {
    writer.leaf(as, "[]");
    return;
  }
  writer.open(as);
  for (const Route& route : in.routes) {
    writer.open_item();
    write_section(writer, route);
    writer.close_item();
  }
  writer.close();
}

// ---- sites

// `front_controller` is what `fallback` was called; both fill one member, printed by the better name.
void read_front_controller(Reader& reader, const Slot& slot, const Limits& limits, Site& out) {
  if (auto path = UrlPath::read(reader, slot, limits)) out.fallback = *std::move(path);
}
void read_fallback(Reader& reader, const Slot& slot, const Limits& limits, Site& out) {
  if (auto target = SiteFallback::read(reader, slot, limits)) out.fallback = *std::move(target);
}
void write_fallback(Writer& writer, std::string_view as, const Site& in) {
  writer.leaf(as, TargetKind::text(in.fallback));
}

// A preset is read before the keys of its site, whatever their order.
void read_nothing(Reader&, const Slot&, const Limits&, Site&) {}
void write_nothing(Writer&, std::string_view, const Site&) {}
void write_unset(Writer& writer, std::string_view as, const Site&) {
  writer.unset(as);
}

template <>
struct Keys<Site> {
  static constexpr auto kOwn = std::array{
      key<&Site::hosts, HostList>("hosts"),
      key_of<Site, &Site::path, SitePath>("path"),
      Key<Site>{"app", {}, read_nothing, write_unset},
      key<&Site::root, FilePath>("root"),
      key<&Site::php_root, ForeignPath>("php_root"),
      key<&Site::resolve_root, Flag>("resolve_root"),
      key<&Site::index, IndexList>("index"),
      Key<Site>{"fallback", {}, read_fallback, write_fallback},
      Key<Site>{"front_controller", {}, read_front_controller, write_nothing},
      added<Site, &Site::run, PathPatterns>("run"),
      key<&Site::pool, PoolName>("pool"),
      added<Site, &Site::params, AddedParams>("params"),
      key<&Site::max_body, Size>("max_body", kBody),
      key<&Site::gzip, Flag>("gzip"),
      key_of<Site, &Site::precompressed, Flag>("precompressed"),
      key<&Site::publish, NamePatterns>("publish"),
      key<&Site::follow_links, Word<FollowLinks>>("follow_links"),
      key_of<Site, &Site::https, Word<Https>>("https"),
      Key<Site>{"redirect",
                {},
                [](Reader& reader, const Slot& slot, const Limits& limits, Site& out) {
                  if (auto target = RedirectTarget::read(reader, slot, limits))
                    out.redirect = *std::move(target);
                },
                [](Writer& writer, std::string_view as, const Site& in) {
                  in.redirect.empty() ? writer.unset(as) : writer.leaf(as, TargetKind::text(in.redirect));
                }},
      Key<Site>{"errors",
                {},
                [](Reader& reader, const Slot& slot, const Limits& limits, Site& out) {
                  auto errors = ErrorPageMap::read(reader, slot, limits);
                  if (!errors) return;
                  TextMap::add(out.errors.pages, std::move(errors->pages));
                  out.errors.from_php = errors->from_php;
                },
                [](Writer& writer, std::string_view as, const Site& in) {
                  writer.leaf(as, ErrorPageMap::text(in.errors));
                }},
      added<Site, &Site::internal, InternalFolders>("internal"),
      key_of<Site, &Site::charset, Charset>("charset"),
      added<Site, &Site::types, FileTypes>("types"),
  };
  static constexpr auto kList = joined(joined(kOwn, path_settings<Site>()),
                                       std::array{Key<Site>{"routes", {}, read_routes, write_routes}});
};

// `app: NAME`: what the preset says, as if it stood in front of the site's own keys.
void apply_preset(Reader& reader, const Slot& item, Site& site) {
  for (const Entry& entry : item.node->entries) {
    if (entry.key != "app") continue;
    const Slot slot{entry.value.get(), item.path + ".app", entry.value->mark};
    std::vector<std::string> names;
    for (const Preset& preset : presets()) names.emplace_back(preset.name);
    if (const auto index = read_word(reader, slot, names)) site = preset_site(presets()[*index]);
    return;
  }
}

}  // namespace

Site preset_site(const Preset& preset, std::vector<Diagnostic>* problems) {
  Site site;
  const std::string name = "app: " + std::string(preset.name);
  Report report(name, preset.yaml);
  const YamlResult yaml = read_yaml(preset.yaml);
  for (const YamlProblem& problem : yaml.problems) report.error(problem.mark, problem.message, problem.hint);
  if (yaml.root != nullptr) {
    Places places;
    const Environment none = [](const std::string&) { return std::nullopt; };
    Reader reader(report, places, none, "/", {});
    read_section(reader, Slot{yaml.root.get(), {}, yaml.root->mark}, site);
  }
  if (problems != nullptr) *problems = report.take();
  return site;
}

void read_sites(Reader& reader, const Slot& slot, std::vector<Site>& out) {
  const auto items = reader.items(slot, "a list of sites, each beginning with '- '", false, out.size());
  for (const Slot& item : items.value_or(std::vector<Slot>{})) {
    Site site;
    if (item.node->kind == Node::Kind::map) apply_preset(reader, item, site);
    read_section(reader, item, site);
    if (site.php_root.empty()) {
      site.php_root = site.root;
    }
    out.push_back(std::move(site));
  }
}

void write_sites(Writer& writer, std::string_view as, const std::vector<Site>& in) {
  if (in.empty()) {
    writer.leaf(as, "[]");
    return;
  }
  writer.open(as);
  for (const Site& site : in) {
    writer.open_item();
    write_section(writer, site);
    writer.close_item();
  }
  writer.close();
}

void add_sample_site(std::vector<Site>& out) {
  out.emplace_back().routes.emplace_back();
}

}  // namespace holdfast::config

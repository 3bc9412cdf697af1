// What the routes of a site say about a request (rules 3 to 7 of the routes). Compiled once from the
// configuration, immutable; pure: looks at no file.
//
//   routes, from top to bottom         a route matches: its path and its `when`
//     settings  of all that match      add up, the later one counts; headers by name
//     action    of the first that has one: deny (off: nothing is done, and no later action counts), redirect,
//               to
//
// A request has up to three paths: the one asked for; where `to` leads; and `resolved`, the script or index
// file that was found for it (/a.php of /a.php/b, /dir/index.html of /dir/). `redirect` and `to` are matched
// by the path asked for alone. Settings and `deny` count by each of the three, so that PATH_INFO, an index
// file or `to` lead around nothing; and the client has to pass what each of them says about `allow` and
// `auth` by itself, so that none of them can loosen what another one demands. What a missing file falls to is
// asked so, too: who opens "*.css" opens files, not the application behind a name that is not there. It is
// opened by its own routes, or by the route that names it as `fallback` (/api/). Of a script that is fallen
// to, `allow`, `auth` and `php` count, and nothing else: the site opened it to all missing names.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/route_limits.h"
#include "config/snapshot.h"
#include "config/target_template.h"
#include "proxy/core/path_pattern.h"
#include "proxy/core/request_timeouts.h"
#include "proxy/core/route_condition.h"
#include "proxy/core/route_filter.h"
#include "proxy/core/route_target.h"
#include "proxy/http/message.h"

namespace holdfast::core {

struct RouteFacts {
  const http::RequestHead& head;  // for `when`, and the query
  std::string_view path;          // below the site's `path`; decoded, normalised, begins with '/'
  std::string_view host;          // of the request, or as a trusted proxy tells it
  ClientAddress client{};
  bool secure = false;              // the client speaks https, with us or with a trusted proxy
  std::string_view resolved = {};   // below the site's `path`; empty: not known yet, or the path itself
  std::string_view fallen_to = {};  // the script that the fallback names, where it comes to that
  bool by_fallback = false;         // that led to `resolved`
};

// One way to the answer of a missing file.
struct Fallback {
  bool not_found = false;         // 404
  config::TargetTemplate target;  // else
  std::string script = {};        // written out in it: /index.php of /index.php$path; empty: none
  bool guarded = false;           // who may come to the script, or whether it runs, is to be asked
};

struct RoutePlan {
  enum class Action : std::uint8_t { none, deny, redirect, rewrite };
  Action action = Action::none;
  bool plain = true;     // a new one, but for `fallback`: nothing to be forgotten
  int status = 0;        // deny, redirect
  std::string_view why;  // deny: for the log

  // Settings, owned by the routes. nullptr and absent: not said.
  const Fallback* fallback = nullptr;
  const config::Expires* expires = nullptr;
  std::optional<bool> php;
  bool fallen_to_runs = true;  // false: `php: false` counts for RouteFacts::fallen_to
  bool log = true;
  bool list = false;
  const std::string* type = nullptr;
  const std::string* pool = nullptr;
  std::optional<std::uint64_t> max_body;
  RequestTimeouts timeouts;
  std::array<const config::Auth*, 4> auth{};  // each of those that are set must be passed

  std::string location;                     // redirect
  InternalTarget rewrite;                   // to: what is asked for in place of the path, and its query
  Captures fallback_captures;               // of the pattern of its route, views into RouteFacts::path
  std::bitset<config::kRoutesMax> matched;  // by index of the route: for headers, and to explain
  std::optional<std::size_t> decided_by;    // index of the route whose action counts
};

class SiteRoutes {
 public:
  // `site` outlives this.
  explicit SiteRoutes(const config::Site& site);

  // True where plan() has nothing to say of any path but that it is the path, and each_header() nothing.
  bool empty() const { return empty_; }

  // False where each_header() visits nothing, whatever the plan.
  bool has_headers() const { return !headers_.empty(); }

  // Fills `plan`, whatever it was.
  void plan(const RouteFacts& facts, RoutePlan& plan) const;

  // False for a script that `run` leaves out. `script`: SCRIPT_NAME below the site's `path`.
  bool may_run(std::string_view script) const;

  // Headers of the answer to a plan, by visit(name, value): each name once, the last that matched counts. An
  // empty value removes the header.
  template <class Visit>
  void each_header(const RoutePlan& plan, Visit visit) const {
    for (const HeaderName& header : headers_) {
      const std::string* value = header.of_site;
      for (const auto& [route, text] : header.of_routes) {
        if (plan.matched[route]) value = text;
      }
      if (value != nullptr) visit(std::string_view(*header.name), std::string_view(*value));
    }
  }

 private:
  struct Compiled {
    const config::Route* route = nullptr;
    std::vector<PathPattern> patterns;
    bool conditional = false;
    Cookies cookies = Cookies::any_reading;        // of `when`
    std::optional<config::TargetTemplate> target;  // of redirect or to
    std::optional<Fallback> fallback;
  };
  struct HeaderName {
    const std::string* name = nullptr;
    const std::string* of_site = nullptr;
    std::vector<std::pair<std::size_t, const std::string*>> of_routes;
  };
  class Pass;

  // The first of its patterns that matches; nullptr: none.
  static const PathPattern* find(const Compiled& compiled, std::string_view path);
  bool says_nothing() const;
  void look_at_script(Fallback& fallback) const;
  // `route`: whose settings they are; absent: the site's.
  void add_headers(const config::PathSettings& settings, std::optional<std::size_t> route);
  void go_elsewhere(RoutePlan& plan, const RouteFacts& facts, const config::TargetTemplate& target,
                    int status) const;

  const config::Site& site_;
  bool empty_ = false;
  std::vector<Compiled> routes_;
  RouteFilter filter_;
  std::vector<PathPattern> run_;
  std::vector<HeaderName> headers_;
  std::optional<Fallback> fallback_;  // these are the site's
  std::optional<config::TargetTemplate> redirect_;
  std::optional<config::TargetTemplate> to_https_;
};

}  // namespace holdfast::core

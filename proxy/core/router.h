// Decides what a request is for: which site by its host and path, and within the site a PHP script, a file, a
// redirect or an error. Owns the index of sites and their routes. Touches no file system: what lies at a path
// it asks a FileProbe, as seldom as the answer allows (an existing script or file: once; a page of the
// fallback: once).
//
// First the routes of the site (route_plan.h) refuse, redirect, or lead to another path of it. They are asked
// again about the script or the file that was found, where its path is another one: what they refuse under
// its own name is not reached by another. What the path becomes, in this order:
//   1. /a.php/b   the first ".php" that ends a segment and is a file: script /a.php, PATH_INFO /b; 404 with
//                 `php: false`, and as if it were missing where `run` leaves it out
//   2. hidden     a segment that begins with a dot, but for /.well-known at the top: 404 where such a name
//                 exists, else as any other missing name
//   3. /dir/      the first name of `index` that is a file; with `list: true` else its names
//   4. /file      sent as it is, unless its name is withheld (withheld.h); /dir is redirected to /dir/
//   5. else       the fallback, or 404. A fallback whose script is written out (/index.php$path) is taken as
//                 it is; any other is looked for as a path is, once.
// `publish` of a site takes names out of 2 and 4. Paths are those below the site's `path`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/snapshot.h"
#include "proxy/core/file_probe.h"
#include "proxy/core/route_plan.h"
#include "proxy/core/site_index.h"
#include "proxy/http/message.h"

namespace holdfast::core {

// Who asks, as far as trusted proxies tell.
struct Asker {
  std::string_view host;  // as in RequestHead
  ClientAddress client{};
  bool secure = false;  // by https
};

// What a request is for. Kept for the next one, whose strings then need no memory.
struct Target {
  enum class Kind : std::uint8_t { php, file, list, redirect, options, error };
  Kind kind = Kind::error;
  std::string script_name;  // php: "/index.php", below the site's `path`
  std::string path_info;    // php: "" or "/..."
  std::string root;  // php, file, list: what the site's root is with `resolve_root`; empty: the root itself
  std::string path;  // file: below the root, "/style.css"; list: "/dir/"
  std::string location;              // redirect
  std::optional<std::string> query;  // php: in place of the client's
  int status = 200;                  // redirect, error; options: 204
  std::string_view allow;            // options, and error 405: the Allow field
  std::string_view why;              // error: for the log
  RoutePlan plan;                    // its settings

  void clear();
};

class Router {
 public:
  // `sites` outlive the router.
  explicit Router(const std::vector<config::Site>& sites);

  SiteIndex::Found find_site(std::string_view host, std::string_view path) const {
    return index_.find(host, path);
  }

  // Looks which sites have a root on our side. One that has none is php's alone (php-fpm in another
  // container): its paths are split by their text, never probed, and nothing but PHP is served. Until called,
  // all roots count as there. For start-up; a root that was not there then is looked for with each request.
  void look_at_roots(FileProbe& probe);

  // `site` is one of the sites, as find_site() gives it. Fills `target`, whatever it was.
  void resolve(const config::Site& site, const http::RequestHead& head, FileProbe& probe, const Asker& asker,
               Target& target) const;

  // False for a name that a listing leaves out: hidden, withheld, or refused by the routes. `path`: below the
  // site's `path`; ends with '/' for a folder.
  bool shows(const config::Site& site, const http::RequestHead& head, const Asker& asker,
             std::string_view path) const;

  // Of one of the sites; they live as long as this.
  const SiteRoutes& routes(const config::Site& site) const { return routes_[index_of(site)]; }

 private:
  std::size_t index_of(const config::Site& site) const;

  const std::vector<config::Site>& sites_;
  SiteIndex index_;
  std::vector<SiteRoutes> routes_;  // by index of the site, as the next
  std::vector<bool> root_unseen_;
};

// For OPTIONS *, and for a method that none may use: the usual ones, as php takes any.
inline constexpr std::string_view kServerMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

}  // namespace holdfast::core

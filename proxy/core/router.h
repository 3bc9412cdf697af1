// Decides what a request is for: which site by its host, and within the site a PHP script, a file, a redirect
// or an error. Owns the host index. Touches no file system: what lies at a path it asks a FileProbe, as
// seldom as the answer allows (an existing script or file: once; a route of a front controller: once).
//
// What a path becomes, in this order:
//   1. /a.php/b   the first ".php" that ends a segment and is a file: script /a.php, PATH_INFO /b
//   2. hidden     a segment that begins with a dot, but for /.well-known at the top: 404 where such a name
//                 exists, else as any other missing name
//   3. /dir/      the first name of `index` that is a file
//   4. /file      sent as it is, unless its name is withheld (withheld.h); /dir is redirected to /dir/
//   5. else       the front controller, or 404
// `publish` of a site takes names out of 2 and 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/snapshot.h"
#include "proxy/http/message.h"

namespace holdfast::core {

enum class FileKind : std::uint8_t {
  missing,  // also below a file (ENOTDIR), or a name too long
  file,
  directory,
  other,      // socket, device, pipe: never opened
  forbidden,  // no permission to look or to read
};

class FileProbe {
 public:
  // What `path` is; symbolic links are followed.
  virtual FileKind kind(const std::string& path) = 0;
  // The path without symbolic links; empty when there is nothing.
  virtual std::string real_path(const std::string& path) = 0;

 protected:
  ~FileProbe() = default;
};

struct Target {
  enum class Kind : std::uint8_t { php, file, redirect, options, error };
  Kind kind = Kind::error;
  std::string script_name;  // php: "/index.php"
  std::string path_info;    // php: "" or "/..."
  std::string root;         // php, file: what the site's root is with `resolve_root`; empty: the root itself
  std::string path;         // file: below the root, "/style.css"
  std::string location;     // redirect
  int status = 200;         // redirect: 301 or 308; options: 204; error: 403, 404, 405
  std::string_view allow;   // options, and error 405: the Allow field
  std::string_view why;     // error: for the log
};

class Router {
 public:
  // `config` outlives the router.
  explicit Router(const config::Config& config);

  // By host: the exact name, else the longest wildcard, else the first site without hosts; nullptr when there
  // is none. `host` as in RequestHead: lower case, no port.
  const config::Site* find_site(std::string_view host) const;

  // Looks which sites have a root on our side. One that has none is php's alone (php-fpm in another
  // container): its paths are split by their text, never probed, and nothing but PHP is served. Until called,
  // all roots count as there. For start-up; a root that was not there then is looked for with each request.
  void look_at_roots(FileProbe& probe);

  // `site` is one of the config's.
  Target resolve(const config::Site& site, const http::RequestHead& head, FileProbe& probe) const;

 private:
  // Lets a map of std::string be searched by string_view without a copy.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using SiteByName = std::unordered_map<std::string, const config::Site*, Hash, std::equal_to<>>;

  const config::Config& config_;
  SiteByName exact_;
  SiteByName wildcard_;  // key: ".example.com"
  const config::Site* any_host_ = nullptr;
  std::vector<bool> root_unseen_;  // by index of the site
};

// For OPTIONS *, and for a method that none may use: the usual ones, as php takes any.
inline constexpr std::string_view kServerMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

}  // namespace holdfast::core

// Decides what a request head asks for: PHP on a pool, a file, a redirect, an answer of our own. One object a
// configuration snapshot, immutable but for what it remembers of the file system. Owns the router; looks at
// files through core::FileProbe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/site.h"
#include "config/snapshot.h"
#include "proxy/client/password_check.h"
#include "proxy/core/cgi_params.h"
#include "proxy/core/forwarded.h"
#include "proxy/core/route_plan.h"
#include "proxy/core/router.h"
#include "proxy/http/message.h"

namespace holdfast {

class Dispatcher;

struct Plan {
  enum class Kind : std::uint8_t { error, redirect, options, php, file, list, admin };
  Kind kind = Kind::error;
  std::shared_ptr<const Dispatcher> dispatcher;  // keeps `site` and `params` alive over a reload
  const config::Site* site = nullptr;
  core::CgiParams* params = nullptr;  // php
  std::string script_name;            // php
  std::string path_info;              // php
  std::string root;      // php, file: the site's root without links, where `resolve_root` asks for it
  std::string file;      // below the root
  std::string location;  // redirect
  std::optional<std::string> query;          // php: in place of the client's
  int status = 404;                          // error, redirect, options
  std::string_view why;                      // error: for the log
  std::string_view allow;                    // 405, options
  std::uint64_t max_body = 0;                // more: 413
  const core::SiteRoutes* routes = nullptr;  // of the site; nullptr without one
  core::RoutePlan route;                     // what they say
  bool secure = false;                       // the client asks by https

  const std::string& pool() const { return route.pool != nullptr ? *route.pool : site->pool; }
  std::string challenge;  // 401: WWW-Authenticate

  std::string_view root_or(std::string_view site_root) const { return root.empty() ? site_root : root; }
};

class Dispatcher {
 public:
  Dispatcher(config::Snapshot config, std::string_view server_software);
  // `origin`: of the request, as trusted proxies tell it.
  Plan plan(const http::RequestHead& head, const core::ClientOrigin& origin) const;
  // What this configuration's files of users have let in lately.
  PasswordMemory& passwords() const { return passwords_; }
  // Whether a listing names `path`, below the site's own: see core::Router.
  bool shows(const config::Site& site, const http::RequestHead& head, const core::ClientOrigin& origin,
             std::string_view path) const;

 private:
  config::Snapshot config_;
  core::Router router_;
  std::unordered_map<const config::Site*, std::unique_ptr<core::CgiParams>> params_;
  mutable PasswordMemory passwords_;
  mutable std::map<std::string, std::string> real_paths_;  // of roots with `resolve_root`, as last seen
};

}  // namespace holdfast

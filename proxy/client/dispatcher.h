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
#include <vector>

#include "config/snapshot.h"
#include "fastcgi/param_list.h"
#include "proxy/client/password_check.h"
#include "proxy/client/system_probe.h"
#include "proxy/core/cgi_params.h"
#include "proxy/core/forwarded.h"
#include "proxy/core/route_plan.h"
#include "proxy/core/router.h"
#include "proxy/http/message.h"

namespace holdfast {

class Dispatcher;
class FastcgiPlans;

// Kept for the next request, whose strings then need no memory.
struct Plan {
  enum class Kind : std::uint8_t { error, redirect, options, php, file, list, admin };
  Kind kind = Kind::error;
  std::shared_ptr<const Dispatcher> dispatcher;  // keeps `site`, `params` and `routes` alive over a reload
  const config::Site* site = nullptr;
  core::CgiParams* params = nullptr;         // php
  const core::SiteRoutes* routes = nullptr;  // of the site; nullptr without one
  core::Target target;                       // what it is for; `root`: also a file's, where that has no links
  std::uint64_t max_body = 0;                // more: 413
  bool strict_transport = false;             // the client has come by https, and is to keep to it
  std::string challenge;                     // 401: WWW-Authenticate
  // php, asked by a web server: what it sent, in place of `params`. Taken when php is asked.
  fastcgi::ParamList* ready_params = nullptr;
  std::shared_ptr<const FastcgiPlans> fastcgi_plans;  // keeps `site` alive where no dispatcher does
  std::string_view listener;                          // php, asked by a web server: where; in fastcgi_plans
  bool log_stderr = true;                             // php

  const core::RoutePlan& route() const { return target.plan; }
  const std::string& pool() const;
  std::string script_path() const;  // php: of the script, as php should see it
  std::string_view root_or(std::string_view site_root) const {
    return target.root.empty() ? site_root : target.root;
  }
  void clear();
};

class Dispatcher {
 public:
  Dispatcher(config::Sites sites, std::string_view server_software);
  // `origin`: of the request, as trusted proxies tell it. Fills `plan`, whatever it was; its `dispatcher` is
  // the caller's to set.
  void plan(const http::RequestHead& head, const core::ClientOrigin& origin, Plan& plan) const;
  // At the end of a turn of the loop: what has been seen of the file system in it may have changed.
  void forget_files() const { found_.forget(); }
  // What this configuration's files of users have let in lately.
  PasswordMemory& passwords() const { return passwords_; }
  // Whether a listing names `path`, below the site's own: see core::Router.
  bool shows(const config::Site& site, const http::RequestHead& head, const core::ClientOrigin& origin,
             std::string_view path) const;

 private:
  config::Sites sites_;
  core::Router router_;
  std::vector<std::unique_ptr<core::CgiParams>> params_;  // by index of the site
  mutable PasswordMemory passwords_;
  mutable std::map<std::string, std::string> real_paths_;  // of roots with `resolve_root`, as last seen
  mutable FoundFile found_;                                // in this turn
};

}  // namespace holdfast

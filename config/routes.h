// What a site may say about its paths. Targets and patterns are held as they are written; reading has made
// sure that they parse (target_template.h, path_pattern.h). Immutable like all of the configuration.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/auth.h"
#include "config/expires.h"
#include "config/network.h"
#include "config/request_timeouts.h"

namespace holdfast::config {

// By name, as written; the case of names does not count. "" removes the header, php's too.
using HeaderMap = std::map<std::string, std::string>;

// What a site says for all its paths, and a route for some. Absent: not said.
struct PathSettings {
  HeaderMap headers;
  std::optional<Expires> expires;
  std::optional<bool> php;  // false: scripts are not run, nor sent
  std::optional<bool> log;  // false: no line in the access log
  std::optional<Auth> auth;
  std::optional<std::vector<Network>> allow;  // others get 403
  RequestTimeouts timeouts;
  std::optional<std::string> type;  // Content-Type of files
  std::optional<bool> list;         // a folder without index file shows its names
  bool operator==(const PathSettings&) const = default;
};

// A route applies where all that is given here holds; within a list, where one of its items does.
struct RouteWhen {
  std::vector<std::string> query;       // "name" or "name=value", decoded; * is any text
  std::vector<std::string> cookie;      // the same of cookies
  std::vector<std::string> user_agent;  // * is any text; case does not count
  std::vector<std::string> method;      // as sent: GET
  std::vector<Network> from;            // the client's address
  bool empty() const {
    return query.empty() && cookie.empty() && user_agent.empty() && method.empty() && from.empty();
  }
  bool operator==(const RouteWhen&) const = default;
};

struct Route : PathSettings {
  std::vector<std::string> path;  // patterns; one of them must match
  bool ignore_case = false;       // of the letters A to Z in `path`
  RouteWhen when;
  std::optional<std::uint64_t> max_body;
  std::optional<std::string> pool;
  std::optional<std::string> fallback;  // a target, or "404"
  // The action: one of these, or none.
  std::optional<int> deny;              // 403, 404 or 410; 0: off, no later action counts
  std::optional<std::string> redirect;  // a target
  std::optional<std::string> to;        // a target within the site
  int status = 301;                     // of `redirect`
  bool has_action() const { return deny || redirect || to; }
  bool operator==(const Route&) const = default;
};

// Pages of our own for statuses: "404", "5xx".
struct ErrorPages {
  std::map<std::string, std::string> pages;  // to a path below the root
  bool from_php = false;                     // php's own answers of these statuses are replaced too
  bool operator==(const ErrorPages&) const = default;
};

enum class Https : std::uint8_t { optional, required };

// The part of a site that is about its paths.
struct SiteRules : PathSettings {
  std::string path;              // "/wiki": the site is only that and below; empty: all of the host
  std::vector<std::string> run;  // patterns of the scripts that may run; empty: all
  std::vector<Route> routes;     // in the order written
  ErrorPages errors;
  std::map<std::string, std::string> internal;  // "/prefix/" to a folder: X-Accel-Redirect, X-Sendfile
  std::string redirect;                         // a target for the whole site; empty: none
  Https https = Https::optional;
  bool precompressed = false;                // file.css.gz is sent for file.css to clients that take it
  std::string charset = "utf-8";             // of text files; empty: none is named
  std::map<std::string, std::string> types;  // file name ending to Content-Type, beside the known ones
  bool operator==(const SiteRules&) const = default;
};

}  // namespace holdfast::config

// The CGI parameters PHP gets for a request: the list nginx sends, the request's header fields as HTTP_*, and
// the params of the site's configuration. Owns what is the same for all requests of a site, and scratch
// memory; one builder a site and worker.
//
// Who wins: CONTENT_LENGTH, which is always the length of this body; then the configured params; then the
// list; a header field can make only names that begin with HTTP_. Each name is sent once, so it does not
// matter whether an application takes the first or (as php does) the last.
//
// Header fields that make no HTTP_*:
// - names with anything but letters, digits and "-": X_Forwarded_For and X.Forwarded.For would come out as
//   X-Forwarded-For does (php turns "." into "_" too)
// - Proxy (HTTP_PROXY: "httpoxy"), Content-Type and Content-Length (they have names of their own)
// - hop-by-hop fields (RFC 9110 7.6.1), and those that Connection names
// - Host: HTTP_HOST is the authority that the request was routed by
// - Forwarded, X-Forwarded-*, X-Real-IP, unless a trusted proxy has set them (forwarded.h)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/snapshot.h"
#include "fastcgi/param_list.h"
#include "proxy/core/forwarded.h"
#include "proxy/http/message.h"

namespace holdfast::core {

struct CgiRequest {
  const http::RequestHead& head;
  std::string_view script_name;           // "/index.php", as the router found it: below the site's `path`
  std::string_view path_info;             // "" or "/..."
  std::string_view root;                  // as php sees it, where it is not the site's php_root
  std::optional<std::string_view> query;  // in place of the client's
  std::string_view remote_user;           // who has given a password; empty: nobody was asked
  std::string_view remote_address;
  std::string_view remote_port;
  std::string_view server_address;
  std::string_view server_port;
  bool https = false;
  // What a trusted proxy says the client asked for, in place of the head's; empty: nothing said.
  std::string_view authority;
  std::string_view host;
  ForwardedFields forwarded_fields;
  // Bytes of body that will follow as STDIN: the spooled length, whatever the client announced.
  std::uint64_t content_length = 0;
};

class CgiParams {
 public:
  // `site` outlives this. `server_software`: "holdfast/1.2.3".
  CgiParams(const config::Site& site, std::string_view server_software);
  CgiParams(const CgiParams&) = delete;
  CgiParams& operator=(const CgiParams&) = delete;

  // Appends all to `out`. False when a name or value is too large for FastCGI (the caller answers 431); `out`
  // is then incomplete.
  [[nodiscard]] bool build(const CgiRequest& request, fastcgi::ParamList& out);

 private:
  bool configured(std::string_view name) const;
  // Adds a pair unless the configuration sets this name.
  bool add(fastcgi::ParamList& out, std::string_view name, std::string_view value) {
    return configured(name) || out.add(name, value);
  }
  bool add_request(const CgiRequest& request, fastcgi::ParamList& out);
  bool add_script(const CgiRequest& request, fastcgi::ParamList& out);
  bool add_connection(const CgiRequest& request, fastcgi::ParamList& out);
  bool add_fields(const CgiRequest& request, fastcgi::ParamList& out);
  void hash_names(const http::RequestHead& head);
  bool add_joined(const http::RequestHead& head, std::size_t first, fastcgi::ParamList& out);
  // Sets name_ to HTTP_NAME; false when this name is not for php.
  bool make_name(std::string_view field_name);
  void collect_connection_options(const http::RequestHead& head);
  bool named_in_connection(std::string_view field_name) const;

  const config::Site& site_;
  fastcgi::ParamList fixed_;  // the same for every request, the configured ones with them
  bool fixed_fits_ = true;
  // Bit n: a configured name has n bytes (63: or more). Rules out most names without a look into the map.
  std::uint64_t configured_sizes_ = 0;

  std::string name_;                      // scratch of one field
  std::string value_;                     // scratch of one value
  std::vector<std::size_t> name_hashes_;  // of this request's fields, when some name may come twice
  std::vector<std::string_view> connection_options_;  // of this request; points into its head
};

}  // namespace holdfast::core

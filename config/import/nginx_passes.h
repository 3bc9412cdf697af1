// Where an nginx speaks FastCGI to, and how: what `holdfast doctor` compares with our listeners. Pure but for
// the files that `include` names. Defaults are those of ngx_http_fastcgi_module and ngx_http_upstream_module
// (nginx 1.22).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "config/duration.h"
#include "config/import/nginx_include.h"

namespace holdfast::config {

struct NginxPlace {
  std::string file;
  int line = 0;  // 0: not there
};

// One fastcgi_pass, with what holds where it stands.
struct NginxPass {
  NginxPlace place;
  std::string target;              // as written
  std::vector<Address> addresses;  // where it leads, backups left out; none: a variable, or not clear
  NginxPlace upstream;             // the block of that name
  std::uint64_t keepalive = 0;     // idle connections that a worker process keeps; 0: none
  NginxPlace keepalive_place;
  bool keep_conn = false;                                                // fastcgi_keep_conn
  std::optional<Duration> keepalive_timeout = std::chrono::seconds(60);  // nothing: not understood
  NginxPlace keepalive_timeout_place;
  std::optional<Duration> read_timeout = std::chrono::seconds(60);  // fastcgi_read_timeout
  NginxPlace read_timeout_place;
  std::optional<std::uint64_t> body_max =
      std::uint64_t{1} << 20;  // client_max_body_size; nothing: no limit, or not understood
  NginxPlace body_max_place;
};

struct NginxPasses {
  std::string user;                  // whom its workers run as; empty: not said
  std::vector<NginxPass> passes;     // in the order of the files
  std::vector<ImportNote> problems;  // it is no nginx configuration
};

NginxPasses find_passes(std::string_view text, const std::string& file, const NginxFiles& files);

}  // namespace holdfast::config

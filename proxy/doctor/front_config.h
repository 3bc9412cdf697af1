// What the configuration of a web server in front says of its FastCGI, the same for all five kinds. The
// readers (front_readers.h) are pure but for the files that an include names; what cannot
// be read for certain is left out and noted, never guessed. Defaults are those of Debian 12's packages,
// tried.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "config/duration.h"
#include "config/import/nginx_include.h"

namespace holdfast {

enum class FrontKind : std::uint8_t { nginx, apache, haproxy, caddy, lighttpd };
std::string_view front_kind_name(FrontKind kind);  // as one writes it: "Apache"

// The files that an include names, relative to the first file's folder.
using FrontFile = config::NginxFile;
using FrontFiles = config::NginxFiles;

struct FrontPlace {
  std::string file;
  int line = 0;  // 0: not there
};

// A time limit of a web server's.
struct FrontTime {
  std::string name;                       // as it is called there; empty: there is no such limit
  std::string line;                       // how to write it, "<>" for the seconds
  std::optional<config::Duration> value;  // nothing: no limit, or not understood
  bool understood = true;
  FrontPlace place;
  bool shared = false;  // it holds for other things as well: `line` is one to add, not to put in its place
};

// The largest body that a web server takes.
struct FrontSize {
  std::string name;
  std::optional<std::uint64_t> bytes;  // nothing: no limit, or not understood
  FrontPlace place;
};

// What only HAProxy has.
struct HaproxyWays {
  bool mpxs_conns = false;
  bool get_values = false;
  FrontPlace mpxs_place;
  bool reuse_always = false;  // connections are shared by all clients: http-reuse always, aggressive
  std::string retry_on;       // those of its words by which a request is sent again that may have run
  FrontPlace retry_place;
  std::uint64_t retries = 3;
  std::uint64_t bufsize = 16384;  // tune.bufsize
  FrontPlace bufsize_place;
  std::uint64_t maxconn = 0;  // requests at a time; 0: no limit
  FrontPlace maxconn_place;
  std::optional<config::Duration> queue_limit;  // timeout queue, else timeout connect
};

// One place where a web server is told to speak FastCGI, with what holds there.
struct FrontPass {
  FrontPlace place;
  std::vector<config::Address> addresses;  // none: a variable, or not clear
  FrontPlace address_place;                // where they are written: perhaps elsewhere
  std::string address_line;                // what to write there, "<>" for an address
  FrontTime read_timeout;                  // for the first byte of an answer
  bool reads_whole = false;                // read_timeout counts to the end of the answer
  FrontTime upload;            // for a whole body, however slowly its client sends it; empty: no such limit
  bool kept = false;           // connections are used again
  std::uint64_t kept_max = 0;  // idle ones a process; 0: not said
  FrontTime idle;              // after which it closes one
  FrontSize body_max;
  bool outside_chroot = false;  // its path leads to us for everybody but the web server, see FrontConfig
  // nginx: fastcgi_keep_conn on, and keepalive of the upstream; kept: both.
  bool keep_conn = false;
  bool keepalive = false;
  bool plain_script_name = true;  // SCRIPT_FILENAME is a path. Apache: ProxyFCGIBackendType GENERIC
  FrontPlace spawns;              // lighttpd starts the program by itself: bin-path
  FrontPlace refuses_chunked;     // lighttpd: server.stream-request-body = 2
  std::optional<HaproxyWays> haproxy;
};

struct FrontConfig {
  FrontKind kind = FrontKind::nginx;
  std::string user;    // whom its workers run as; empty: not said
  std::string chroot;  // before the paths of Unix sockets; empty: none
  FrontPlace chroot_place;
  std::vector<FrontPass> passes;             // in the order of the files
  std::vector<config::ImportNote> unclear;   // what was left out, and may matter
  std::vector<config::ImportNote> problems;  // it is no such configuration; nothing else is known then
};

// How the web server writes an address in the line that passes requests on.
std::string front_address(FrontKind kind, const config::Address& address);
// `line` with `text` in the place of its "<>".
std::string filled_in(std::string_view line, std::string_view text);

}  // namespace holdfast

// The configuration as the program uses it: immutable once loaded, shared as a snapshot. Every default stands
// here and nowhere else. Knows nothing of YAML.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/basic_types.h"
#include "config/routes.h"

namespace holdfast::config {

// An address to listen on or to connect to.
struct Address {
  enum class Kind : std::uint8_t { tcp, unix_socket };
  Kind kind = Kind::tcp;
  std::string host;  // tcp: name or literal without brackets; listening: "0.0.0.0" for `:port`
  std::uint16_t port = 0;
  std::string path;          // unix_socket
  std::string text() const;  // as one writes it: "127.0.0.1:8080", "[::1]:80", "unix:/run/x.sock"
  bool operator==(const Address&) const = default;
};

enum class Application : std::uint8_t { php_fpm, generic };
enum class Settle : std::uint8_t { automatic, always, never };
enum class ClientAbort : std::uint8_t { drain, close };

// Symbolic links below a root: those whose owner owns what they lead to (or is root), or all.
enum class FollowLinks : std::uint8_t { owner, all };

struct Queue {
  std::uint32_t size = 1024;
  Duration timeout = std::chrono::seconds(10);
  bool operator==(const Queue&) const = default;
};

struct PoolTimeouts {
  Duration connect = std::chrono::seconds(2);
  Duration send = std::chrono::seconds(30);
  Duration first_byte = std::chrono::seconds(60);
  Duration idle_read = std::chrono::seconds(60);
  bool operator==(const PoolTimeouts&) const = default;
};

struct Recycle {
  Duration idle = std::chrono::seconds(60);
  std::uint64_t requests = 0;            // 0: no limit
  Duration lifetime = Duration::zero();  // 0: no limit
  bool operator==(const Recycle&) const = default;
};

struct Pool {
  std::string name;
  Address address;
  Application application = Application::php_fpm;
  bool keep_alive = true;
  std::uint32_t max_connections = 4;
  Queue queue;
  PoolTimeouts timeouts;
  Recycle recycle;
  Settle settle = Settle::automatic;
  Duration ping = std::chrono::seconds(1);
  ClientAbort client_abort = ClientAbort::drain;
  std::string status_path;  // php-fpm's pm.status_path; empty: not asked
  bool operator==(const Pool&) const = default;
};

struct Site : SiteRules {
  std::vector<std::string> hosts;  // lower case; "*.example.com" allowed; empty: any host
  std::string root;                // absolute, no trailing slash
  std::string php_root;            // as php-fpm sees it; equal to root when not given
  std::vector<std::string> index = {"index.php", "index.html"};
  std::string front_controller;  // `fallback` of the site, a target; empty: 404 for what is not a file
  std::string pool;              // name of the pool for PHP; empty: only static files
  std::map<std::string, std::string> params;
  std::uint64_t max_body = std::uint64_t{64} << 20;
  bool gzip = false;                 // compress text for clients that take it
  std::vector<std::string> publish;  // patterns of names that are sent although they are withheld
  FollowLinks follow_links = FollowLinks::owner;
  bool resolve_root = false;  // php gets the root as it is behind its symbolic links
  bool operator==(const Site&) const = default;
};

struct Client {
  struct Timeouts {
    Duration header = std::chrono::seconds(10);
    Duration body = std::chrono::seconds(30);
    Duration write = std::chrono::seconds(30);
    Duration keep_alive = std::chrono::seconds(75);  // 0s: close after each response
    bool operator==(const Timeouts&) const = default;
  };
  Timeouts timeouts;
  std::uint64_t max_header = std::uint64_t{32} << 10;
  std::uint32_t max_header_fields = 200;
  std::uint32_t max_connections = 10000;
  std::uint32_t max_per_address = 2000;             // 0: no limit
  std::uint64_t min_rate = std::uint64_t{1} << 10;  // bytes a second, over 10 s; 0: off
  std::uint64_t requests_per_connection = 0;        // 0: no limit
  bool operator==(const Client&) const = default;
};

struct Buffers {
  std::uint64_t request_memory = std::uint64_t{64} << 10;
  std::uint64_t response_memory = std::uint64_t{256} << 10;
  std::uint64_t response_head = std::uint64_t{64} << 10;  // php's response head, whole
  std::uint64_t memory_max = std::uint64_t{1} << 30;      // per process: of all clients together
  std::string spool_dir = "/tmp";
  std::uint64_t spool_max = std::uint64_t{1} << 30;  // per process: bytes in all spill files together
  bool operator==(const Buffers&) const = default;
};

// The headers by which a proxy tells of its client.
enum class ForwardedHeader : std::uint8_t {
  forwarded,
  x_forwarded_for,
  x_forwarded_proto,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_prefix,  // for the application only
  x_real_ip,
};

enum class LogFormat : std::uint8_t { combined, json };
enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct Log {
  std::string access = "stdout";  // "stdout", "off" or a path
  LogFormat format = LogFormat::combined;
  LogLevel level = LogLevel::info;
  bool operator==(const Log&) const = default;
};

struct Shutdown {
  Duration grace = std::chrono::seconds(25);
  Duration delay = Duration::zero();  // listeners stay open so long after SIGTERM
  bool operator==(const Shutdown&) const = default;
};

struct Config {
  std::vector<Address> listen = {{Address::Kind::tcp, "127.0.0.1", 8080, {}}};
  std::optional<Address> admin =
      Address{Address::Kind::tcp, "127.0.0.1", 9180, {}};  // admin: { listen: off } turns it off
  std::vector<std::string>
      admin_hosts;          // names it is asked by, beside addresses and localhost; as Site::hosts
  std::vector<Pool> pools;  // in the order written
  std::vector<Site> sites;  // in the order written
  Client client;
  Buffers buffers;
  std::vector<Network> trusted_proxies;
  std::vector<ForwardedHeader> forwarded_headers;  // what they set; empty: not known
  Log log;
  Shutdown shutdown;
  std::string user;   // to be when started as root; empty: chosen at the start
  std::string group;  // empty: the user's own and its supplementary groups

  const Pool* find_pool(const std::string& name) const;
  bool operator==(const Config&) const = default;
};

using Snapshot = std::shared_ptr<const Config>;

}  // namespace holdfast::config

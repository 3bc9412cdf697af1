// See schema.h. One table a section; design: a row is a name, the member it fills, the kind of its value and
// its bounds.
#include "config/schema.h"

#include <array>
#include <span>
#include <utility>

#include "config/addresses.h"
#include "config/buffers.h"
#include "config/client.h"
#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/log.h"
#include "config/network.h"
#include "config/pool.h"
#include "config/schema_listen.h"
#include "config/schema_rows.h"
#include "config/schema_sites.h"
#include "config/shutdown.h"
#include "config/values.h"
#include "config/values_routes.h"

namespace holdfast::config {
namespace {

template <>
struct Keys<Queue> {
  static constexpr auto kList = std::array{
      key<&Queue::size, Count>("size", from_to(0, 1'000'000)),
      key<&Queue::timeout, TimeSpan>("timeout",
                                     wait("write how long a request may wait, such as 10s; for no waiting "
                                          "at all write size: 0")),
  };
};

template <>
struct Keys<PoolTimeouts> {
  static constexpr auto kList = std::array{
      key<&PoolTimeouts::connect, TimeSpan>("connect", wait("write the longest wait you accept, such as 2s")),
      key<&PoolTimeouts::send, TimeSpan>("send", wait("write the longest wait you accept, such as 30s")),
      key<&PoolTimeouts::first_byte, TimeSpan>("first_byte",
                                               wait("write how long a script may take, such as 60s")),
      key<&PoolTimeouts::idle_read, TimeSpan>("idle_read",
                                              wait("write the longest silence you accept, such as 60s")),
  };
};

template <>
struct Keys<Recycle> {
  static constexpr auto kList = std::array{
      key<&Recycle::idle, TimeSpan>("idle", zero_or(1, kDay)),
      key<&Recycle::requests, Count>("requests"),
      key<&Recycle::lifetime, TimeSpan>("lifetime", zero_or(1, 365 * kDay)),
  };
};

template <>
struct Keys<Pool> {
  static constexpr auto kList = std::array{
      key<&Pool::address, PoolAddress>("address"),
      key<&Pool::application, Word<Application>>("application"),
      key<&Pool::keep_alive, Flag>("keep_alive"),
      key<&Pool::max_connections, Count>("max_connections",
                                         from_to(1, 65535, "write at most pm.max_children of php-fpm")),
      section<&Pool::queue>("queue"),
      section<&Pool::timeouts>("timeouts"),
      section<&Pool::recycle>("recycle"),
      key<&Pool::settle, Word<Settle>>("settle"),
      // The lower bound is a slip guard: every idle connection is pinged this often.
      key<&Pool::ping, TimeSpan>("ping", zero_or(10, kDay)),
      key<&Pool::client_abort, Word<ClientAbort>>("client_abort"),
      key<&Pool::status_path, UrlPath>("status_path"),
  };
};

template <>
struct Keys<Client::Timeouts> {
  static constexpr auto kList = std::array{
      key<&Client::Timeouts::header, TimeSpan>("header",
                                               wait("write the longest wait you accept, such as 10s")),
      key<&Client::Timeouts::body, TimeSpan>("body",
                                             wait("write the longest silence you accept, such as 30s")),
      key<&Client::Timeouts::write, TimeSpan>("write",
                                              wait("write the longest silence you accept, such as 30s")),
      key<&Client::Timeouts::keep_alive, TimeSpan>("keep_alive", zero_or(1, kDay)),
  };
};

template <>
struct Keys<Client> {
  static constexpr auto kList = std::array{
      section<&Client::timeouts>("timeouts"),
      key<&Client::max_header, Size>("max_header", from_to(kKilo, kMega)),
      key<&Client::max_header_fields, Count>("max_header_fields", from_to(10, 1000)),
      key<&Client::max_connections, Count>("max_connections", from_to(1, 1'000'000)),
      key<&Client::max_per_address, Count>("max_per_address", from_to(0, 1'000'000)),
      key<&Client::min_rate, Size>("min_rate", from_to(0, kGiga)),
      key<&Client::requests_per_connection, Count>("requests_per_connection"),
  };
};

template <>
struct Keys<Buffers> {
  static constexpr auto kList = std::array{
      key<&Buffers::request_memory, Size>("request_memory", from_to(kKilo, kGiga)),
      key<&Buffers::response_memory, Size>("response_memory", from_to(kKilo, kGiga)),
      key<&Buffers::response_head, Size>("response_head", from_to(kKilo, kMega)),
      key<&Buffers::memory_max, Size>("memory_max",
                                      from_to(8 * kMega, UINT64_MAX, "write the memory you can spare")),
      key<&Buffers::spool_dir, FilePath>("spool_dir"),
      key<&Buffers::spool_max, Size>("spool_max",
                                     from_to(kMega, UINT64_MAX, "write the disk space you can spare")),
  };
};

template <>
struct Keys<Log> {
  static constexpr auto kList = std::array{
      key<&Log::access, LogTarget>("access"),
      key<&Log::format, Word<LogFormat>>("format"),
      key<&Log::level, Word<LogLevel>>("level"),
  };
};

struct Admin {
  std::optional<Address> listen;
  std::vector<std::string> hosts;
};
template <>
struct Keys<Admin> {
  static constexpr auto kList = std::array{
      key<&Admin::listen, ListenOrOff>("listen"),
      key<&Admin::hosts, HostList>("hosts"),
  };
};

// Whoever may connect may pause the pools.
constexpr std::uint32_t kAdminSocketMode = 0660;

// `admin: off`, or an address, is short for admin: { listen: ... }.
void read_admin(Reader& reader, const Slot& slot, const Limits&, Config& out) {
  Admin admin{out.admin, out.admin_hosts};
  if (slot.node->kind == Node::Kind::scalar) {
    const auto& row = Keys<Admin>::kList.front();
    row.read(reader, reader.as_key(slot, row.name), row.limits, admin);
  } else {
    read_section(reader, slot, admin);
  }
  out.admin = std::move(admin.listen);
  if (out.admin) out.admin->socket_mode = kAdminSocketMode;
  out.admin_hosts = std::move(admin.hosts);
}

void write_admin(Writer& writer, std::string_view as, const Config& in) {
  writer.open(as);
  write_section(writer, Admin{in.admin, in.admin_hosts});
  writer.close();
}

template <>
struct Keys<Shutdown> {
  static constexpr auto kList = std::array{
      key<&Shutdown::grace, TimeSpan>("grace", zero_or(1, kDay)),
      key<&Shutdown::delay, TimeSpan>("delay", zero_or(1, kDay)),
  };
};

// ---- the two lists ----------------------------------------------------------------------------------------

// Names appear in URLs (/pools/NAME/pause) and as labels of metrics.
bool is_pool_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string::npos;
}

void read_pools(Reader& reader, const Slot& slot, const Limits&, Config& out) {
  for (const auto& [name, name_mark, entry] :
       reader.entries(slot, "a block of pools, each a NAME: and its keys")) {
    if (!is_pool_name(name)) {
      reader.error({entry.node, entry.path, name_mark}, quote(name) + " is not a name for a pool",
                   "letters, digits, '-' and '_', at most 64");
    }
    if (out.find_pool(name) != nullptr) {
      reader.error({entry.node, entry.path, name_mark}, "there is a pool " + quote(name) + " already",
                   "of two files that are read together only one can have it");
    }
    Pool pool;
    pool.name = name;
    if (entry.node->kind == Node::Kind::scalar && read_pool_address(entry.node->text).value) {
      reader.error(entry, "expected a block of keys, found an address",
                   "write " + name + ": { address: " + yaml_text(entry.node->text) + " }");
    } else {
      read_section(reader, entry, pool);
    }
    out.pools.push_back(std::move(pool));
  }
}

void write_pools(Writer& writer, std::string_view as, const Config& in) {
  if (in.pools.empty()) {
    writer.leaf(as, "{}");
    return;
  }
  writer.open(as);
  for (const Pool& pool : in.pools) {
    writer.open(yaml_text(pool.name));
    write_section(writer, pool);
    writer.close();
  }
  writer.close();
}

void read_listen_key(Reader& reader, const Slot& slot, const Limits& limits, Config& out) {
  read_listen(reader, slot, limits, out.listen, out.fastcgi);
}
void write_listen_key(Writer& writer, std::string_view as, const Config& in) {
  write_listen(writer, as, in.listen, in.fastcgi);
}

void read_sites_key(Reader& reader, const Slot& slot, const Limits&, Config& out) {
  read_sites(reader, slot, out.sites);
}
void write_sites_key(Writer& writer, std::string_view as, const Config& in) {
  write_sites(writer, as, in.sites);
}

// The files come in later, at load.cpp's hands; what was read of them is printed where it belongs.
void read_include(Reader& reader, const Slot& slot, const Limits&, Config&) {
  if (auto patterns = FilePatterns::read(reader, slot, {})) {
    for (std::string& pattern : *patterns) reader.add_include({std::move(pattern), slot.mark});
  }
}
void write_include(Writer& writer, std::string_view as, const Config&) {
  writer.unset(as);
}

// A block of keys that fill the part in `Member`.
template <auto Member>
constexpr auto part(std::string_view name) {
  return Key<Config>{name,
                     {},
                     [](Reader& reader, const Slot& slot, const Limits&, Config& out) {
                       read_section(reader, slot, *(out.*Member));
                     },
                     [](Writer& writer, std::string_view as, const Config& in) {
                       writer.open(as);
                       write_section(writer, *(in.*Member));
                       writer.close();
                     }};
}

template <>
struct Keys<Config> {
  static constexpr auto kList = std::array{
      Key<Config>{"listen", {}, read_listen_key, write_listen_key},
      Key<Config>{"admin", {}, read_admin, write_admin},
      Key<Config>{"pools", {}, read_pools, write_pools},
      Key<Config>{"sites", {}, read_sites_key, write_sites_key},
      Key<Config>{"include", {}, read_include, write_include},
      part<&Config::client>("client"),
      part<&Config::buffers>("buffers"),
      key<&Config::trusted_proxies, NetworkList>("trusted_proxies"),
      key<&Config::forwarded_headers, ForwardedHeaderList>("forwarded_headers"),
      part<&Config::log>("log"),
      part<&Config::shutdown>("shutdown"),
      key<&Config::user, AccountName>("user"),
      key<&Config::group, AccountName>("group"),
  };
};

}  // namespace

void read_config(Reader& reader, const NodePtr& root, Config& config) {
  read_section(reader, Slot{root.get(), {}, root->mark}, config);
}

void read_included(Reader& reader, const NodePtr& root, Config& config) {
  for (const Found& found : reader.keys(Slot{root.get(), {}, root->mark}, {"pools", "sites"})) {
    (found.index == 0 ? read_pools : read_sites_key)(reader, found.slot, {}, config);
  }
}

void write_config(Writer& writer, const Config& config) {
  write_section(writer, config);
}

std::vector<WrittenKey> schema_keys() {
  Config sample;
  sample.pools.emplace_back().name = "NAME";
  add_sample_site(sample.sites);
  Writer writer;
  write_config(writer, sample);
  std::vector<WrittenKey> keys = writer.take_keys();
  for (WrittenKey& key : fastcgi_listener_keys()) keys.push_back(std::move(key));
  return keys;
}

}  // namespace holdfast::config

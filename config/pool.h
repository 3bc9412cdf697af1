// A pool: one php-fpm (or other FastCGI application), how it is used and what it may cost.
#pragma once

#include <cstdint>
#include <string>

#include "config/address.h"
#include "config/choices.h"
#include "config/duration.h"

namespace holdfast::config {

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

}  // namespace holdfast::config

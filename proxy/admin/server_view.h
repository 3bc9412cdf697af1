// What the admin endpoint shows of the server, and where it reaches in: the pools, the log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/core/time.h"
#include "proxy/loop/context.h"

namespace holdfast {

class Upstream;

class ServerView {
 public:
  // Counters, logs, memory, spool, configuration, clock.
  virtual Context& context() = 0;
  virtual const Context& context() const = 0;

  // In the order of the configuration.
  virtual std::vector<Upstream*> upstreams() const = 0;
  // nullptr: there is none of this name.
  virtual Upstream* find_upstream(const std::string& name) const = 0;

  virtual core::Time started() const = 0;
  virtual bool stopping() const = 0;
  // Of the sites; the admin endpoint's own are not among them.
  virtual std::size_t client_connections() const = 0;
  virtual std::uint64_t client_connections_most() const = 0;
  // TCP ports that are listened on, and which of them is the admin endpoint's (0: none, or a Unix socket).
  virtual std::vector<std::uint16_t> ports() const = 0;
  virtual std::uint16_t admin_port() const = 0;
  // admin.hosts of the configuration in force.
  virtual const std::vector<std::string>& admin_hosts() const = 0;

 protected:
  ~ServerView() = default;
};

}  // namespace holdfast

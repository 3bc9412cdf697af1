// Sockets of the ports we serve on or connect to, for /status, /metrics and the live page: where TIME_WAIT
// lies, and on whose side. Read when somebody looks, at most once a second; where that would take more than
// one part in a hundred of the loop's time (the kernel walks its whole table for it), less often. Owns the
// last reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/core/time.h"
#include "proxy/sockets/socket_table.h"

namespace holdfast {

class ServerView;

struct ServicePort {
  enum class Role : std::uint8_t { listen, admin, pool };
  Role role = Role::listen;
  std::string name;  // of pools: their names; else that of the role
  net::PortStates states;
};
std::string_view role_name(ServicePort::Role role);

class SocketCensus {
 public:
  struct Reading {
    std::vector<ServicePort> ports;  // each port once
    net::PortRange ephemeral;        // ports that connections of ours may borrow
    std::string error;               // not empty: the kernel did not tell, `ports` is empty
    core::Time read_at{};
  };
  const Reading& read(const ServerView& server);

  // Until the next reading, after one that took `cost` of the processor.
  static core::Duration rest_after(core::Duration cost);

 private:
  void read_now(const ServerView& server);

  std::optional<core::Time> next_;
  Reading reading_;
};

}  // namespace holdfast

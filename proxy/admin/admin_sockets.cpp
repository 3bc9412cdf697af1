// See admin_sockets.h.
#include "proxy/admin/admin_sockets.h"

#include <algorithm>
#include <ctime>

#include "proxy/admin/server_view.h"
#include "proxy/sockets/system_settings.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {

// A little less than a second: the events of a page come each second, but never to the microsecond.
constexpr core::Duration kReadAgainAfter = 900ms;
// With 11,000 sockets in TIME_WAIT a reading takes 8 ms.
constexpr int kRestFactor = 100;
// A table that is slow to walk shall not stop the picture: it is read this often whatever it costs.
constexpr core::Duration kReadAgainAtMostAfter = 10s;

// Of this thread alone: on a busy machine others run in the middle of a reading, which costs us nothing.
core::Duration processor_time() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// The ports of the configuration, so bounded by it: they become labels.
std::vector<ServicePort> ports_of(const ServerView& server) {
  std::vector<ServicePort> ports;
  const auto add = [&ports](std::uint16_t port, ServicePort::Role role, const std::string& name) {
    if (port == 0 || ports.size() >= net::kPortStatesMax) return;
    const auto same = std::find_if(ports.begin(), ports.end(),
                                   [port](const ServicePort& known) { return known.states.port == port; });
    if (same == ports.end()) {
      ports.push_back({.role = role, .name = name, .states = {.port = port, .local = {}, .remote = {}}});
    } else if (same->name != name) {
      same->name += ", " + name;  // two hosts with the same port
    }
  };
  const std::uint16_t admin = server.admin_port();
  for (const std::uint16_t port : server.ports()) {
    if (port != admin) add(port, ServicePort::Role::listen, "clients");
  }
  for (const Upstream* upstream : server.upstreams()) {
    if (!upstream->endpoint().unix_socket) {
      add(upstream->endpoint().port, ServicePort::Role::pool, upstream->name());
    }
  }
  add(admin, ServicePort::Role::admin, "admin");
  return ports;
}

}  // namespace

std::string_view role_name(ServicePort::Role role) {
  switch (role) {
    case ServicePort::Role::listen: return "listen";
    case ServicePort::Role::admin: return "admin";
    case ServicePort::Role::pool: return "pool";
  }
  return "";
}

const SocketCensus::Reading& SocketCensus::read(const ServerView& server) {
  if (next_ && server.context().now() < *next_) return reading_;
  const core::Duration begun = processor_time();
  read_now(server);
  reading_.read_at = server.context().now();
  next_ = server.context().now() + rest_after(processor_time() - begun);
  return reading_;
}

core::Duration SocketCensus::rest_after(core::Duration cost) {
  return std::clamp<core::Duration>(cost * kRestFactor, kReadAgainAfter, kReadAgainAtMostAfter);
}

void SocketCensus::read_now(const ServerView& server) {
  reading_.ports = ports_of(server);
  reading_.error.clear();
  std::vector<std::uint16_t> numbers;
  for (const ServicePort& port : reading_.ports) numbers.push_back(port.states.port);
  const std::vector<net::PortStates> states = net::read_port_states(numbers, reading_.error);
  if (!reading_.error.empty()) {
    reading_.ports.clear();
    return;
  }
  for (ServicePort& port : reading_.ports) {
    for (const net::PortStates& each : states) {
      if (each.port == port.states.port) port.states = each;
    }
  }
  reading_.ephemeral = net::read_port_range("/proc/sys").value_or(net::PortRange{});
}

}  // namespace holdfast

// Classification and counting of sockets, and the choice of the source; see socket_table.h.
#include "proxy/sockets/socket_table.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "proxy/sockets/inet_diag.h"
#include "proxy/sockets/socket_table_proc.h"
#include "proxy/sockets/system_settings.h"

namespace holdfast::net {

namespace {

struct StateText {
  std::string_view name;
  std::string_view key;
};

StateText state_text(TcpState state) {
  switch (state) {
    case TcpState::established: return {"ESTABLISHED", "established"};
    case TcpState::syn_sent: return {"SYN_SENT", "syn_sent"};
    case TcpState::syn_recv: return {"SYN_RECV", "syn_recv"};
    case TcpState::fin_wait1: return {"FIN_WAIT1", "fin_wait1"};
    case TcpState::fin_wait2: return {"FIN_WAIT2", "fin_wait2"};
    case TcpState::time_wait: return {"TIME_WAIT", "time_wait"};
    case TcpState::close: return {"CLOSE", "close"};
    case TcpState::close_wait: return {"CLOSE_WAIT", "close_wait"};
    case TcpState::last_ack: return {"LAST_ACK", "last_ack"};
    case TcpState::listen: return {"LISTEN", "listen"};
    case TcpState::closing: return {"CLOSING", "closing"};
  }
  return {"?", "unknown"};
}

void count_unix(std::span<const UnixSocket> sockets, SocketReport& report) {
  std::map<std::string, UnixRow> rows;
  for (const UnixSocket& socket : sockets) {
    ++report.unix_total;
    if (socket.kind == UnixSocket::Kind::listening) ++report.unix_listening;
    if (socket.kind == UnixSocket::Kind::connected) ++report.unix_connected;
    if (socket.path.empty() || socket.kind == UnixSocket::Kind::other) continue;
    UnixRow& row = rows[socket.path];
    switch (socket.kind) {
      case UnixSocket::Kind::listening:
        ++row.listeners;
        row.backlog_max = std::max(row.backlog_max, socket.backlog_max);
        row.waiting += socket.backlog_used;
        break;
      case UnixSocket::Kind::connected: ++row.connected; break;
      case UnixSocket::Kind::waiting: ++row.waiting; break;
      case UnixSocket::Kind::other: break;
    }
  }
  for (auto& [path, row] : rows) {
    row.path = path;
    report.unix_paths.push_back(row);
  }
  std::stable_sort(
      report.unix_paths.begin(), report.unix_paths.end(),
      [](const UnixRow& a, const UnixRow& b) { return a.connected + a.waiting > b.connected + b.waiting; });
}

bool read_all(const SocketSources& sources, SocketReport& report, std::string& error) {
  std::vector<TcpSocket> tcp;
  std::vector<UnixSocket> unix_sockets;
  std::string netlink_error;
  const PortRange ephemeral = read_port_range(sources.proc_sys).value_or(PortRange{});
  const bool by_netlink = sources.netlink && dump_tcp_sockets({}, tcp, netlink_error);
  std::uint64_t malformed = 0;
  if (!by_netlink) {
    tcp.clear();
    if (!read_proc_tcp(sources.proc_net, tcp, malformed, error)) {
      if (!netlink_error.empty()) error += "; inet_diag: " + netlink_error;
      return false;
    }
  }
  // unix_diag is a kernel module of its own, so it may be missing where inet_diag is there. Unix sockets are
  // the lesser half: without both sources the report stands without them.
  std::string unix_error;
  if (!sources.netlink || !dump_unix_sockets(unix_sockets, unix_error)) {
    unix_sockets.clear();
    read_proc_unix(sources.proc_net, unix_sockets, malformed, unix_error);
  }
  report = make_report(tcp, unix_sockets, ephemeral);
  report.source = by_netlink ? "inet_diag" : "/proc/net";
  report.malformed_lines = malformed;
  return true;
}

}  // namespace

std::string_view state_name(TcpState state) {
  return state_text(state).name;
}

std::string_view state_key(TcpState state) {
  return state_text(state).key;
}

bool tcp_state_from_kernel(unsigned number, TcpState& state) {
  // TCP_NEW_SYN_RECV is how the kernel keeps SYN_RECV since 4.4; it hides that itself in most places.
  constexpr unsigned kNewSynRecv = 12;
  if (number == kNewSynRecv) number = static_cast<unsigned>(TcpState::syn_recv);
  if (number < 1 || number > kTcpStates) return false;
  state = static_cast<TcpState>(number);
  return true;
}

std::uint32_t SocketCounts::total() const {
  std::uint32_t sum = 0;
  for (const std::uint32_t count : by_state) sum += count;
  return sum;
}

std::uint32_t SocketCounts::closed_here_first() const {
  const SocketCounts& self = *this;
  return self[TcpState::fin_wait1] + self[TcpState::fin_wait2] + self[TcpState::closing] +
         self[TcpState::time_wait];
}

std::uint32_t SocketCounts::closed_there_first() const {
  const SocketCounts& self = *this;
  return self[TcpState::close_wait] + self[TcpState::last_ack];
}

void SocketCounts::add(const SocketCounts& other) {
  for (std::size_t i = 0; i < by_state.size(); ++i) by_state[i] += other.by_state[i];
}

std::string_view side_name(Side side) {
  switch (side) {
    case Side::server: return "server";
    case Side::client: return "client";
  }
  return "?";
}

int ServicePorts::rank(std::uint16_t port) const {
  if (port == 0) return 0;  // the remote port of a listener
  if (listening_.test(port)) return 3;
  if (!ephemeral_.contains(port)) return 2;
  // Where the range was widened to 1024-65535 even 3306 lies within it.
  return well_known_service(port).empty() ? 0 : 1;
}

ServicePorts::Service ServicePorts::classify(const TcpSocket& socket) const {
  const int local = rank(socket.local_port);
  const int remote = rank(socket.remote_port);
  if (local == 0 && remote == 0) return {0, Side::client};
  const bool local_wins = local != remote ? local > remote : socket.local_port <= socket.remote_port;
  if (local_wins) return {socket.local_port, Side::server};
  return {socket.remote_port, Side::client};
}

SocketReport make_report(std::span<const TcpSocket> tcp, std::span<const UnixSocket> unix_sockets,
                         PortRange ephemeral) {
  SocketReport report;
  report.ephemeral = ephemeral;
  ServicePorts services(ephemeral);
  // Two passes: a connection may come before the listener that explains it.
  for (const TcpSocket& socket : tcp) {
    if (socket.state == TcpState::listen) services.add_listening(socket.local_port);
  }
  std::unordered_map<std::uint32_t, SocketCounts> rows;
  for (const TcpSocket& socket : tcp) {
    ++report.total[socket.state];
    const ServicePorts::Service service = services.classify(socket);
    const std::uint32_t key = service.port * 2U + (service.side == Side::client ? 1U : 0U);
    ++rows[key][socket.state];
  }
  for (const auto& [key, counts] : rows) {
    const auto port = static_cast<std::uint16_t>(key / 2);
    const Side side = key % 2 == 1 ? Side::client : Side::server;
    report.ports.push_back({port, side, service_name(port), counts});
  }
  std::sort(report.ports.begin(), report.ports.end(), [](const PortRow& a, const PortRow& b) {
    const std::uint32_t total_a = a.counts.total();
    const std::uint32_t total_b = b.counts.total();
    if (total_a != total_b) return total_a > total_b;
    if (a.port != b.port) return a.port < b.port;
    return a.side < b.side;
  });
  count_unix(unix_sockets, report);
  return report;
}

SocketReport read_sockets(std::string& error, const SocketSources& sources) {
  error.clear();
  SocketReport report;
  if (!read_all(sources, report, error)) return {};
  error.clear();
  return report;
}

std::vector<PortStates> read_port_states(std::span<const std::uint16_t> ports, std::string& error,
                                         const SocketSources& sources) {
  error.clear();
  ports = ports.first(std::min(ports.size(), kPortStatesMax));
  std::vector<PortStates> states;
  for (const std::uint16_t port : ports) {
    PortStates entry;
    entry.port = port;
    states.push_back(entry);
  }
  if (ports.empty()) return states;  // an empty filter would mean all sockets
  std::vector<TcpSocket> tcp;
  std::string netlink_error;
  if (!sources.netlink || !dump_tcp_sockets(ports, tcp, netlink_error)) {
    tcp.clear();
    std::uint64_t malformed = 0;
    if (!read_proc_tcp(sources.proc_net, tcp, malformed, error)) {
      if (!netlink_error.empty()) error += "; inet_diag: " + netlink_error;
      return {};
    }
  }
  for (const TcpSocket& socket : tcp) {
    for (PortStates& entry : states) {
      if (socket.local_port == entry.port) ++entry.local[socket.state];
      if (socket.remote_port == entry.port) ++entry.remote[socket.state];
    }
  }
  return states;
}

}  // namespace holdfast::net

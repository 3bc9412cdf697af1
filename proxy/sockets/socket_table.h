// Socket states of the network namespace we run in: totals, and by service port and side. Owns the types, the
// rule that says which port of a socket is the service, and the counting. Where the sockets come from is in
// socket_table_proc.h (text of /proc/net) and inet_diag.h (netlink); read_sockets() tries netlink first.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::net {

// Numbers of the kernel (include/net/tcp_states.h), the same in netlink and in /proc/net/tcp.
enum class TcpState : std::uint8_t {
  established = 1,
  syn_sent = 2,
  syn_recv = 3,
  fin_wait1 = 4,
  fin_wait2 = 5,
  time_wait = 6,
  close = 7,
  close_wait = 8,
  last_ack = 9,
  listen = 10,
  closing = 11,
};
inline constexpr std::size_t kTcpStates = 11;
inline constexpr std::array<TcpState, kTcpStates> kAllTcpStates = {
    TcpState::established, TcpState::syn_sent,  TcpState::syn_recv, TcpState::fin_wait1,
    TcpState::fin_wait2,   TcpState::time_wait, TcpState::close,    TcpState::close_wait,
    TcpState::last_ack,    TcpState::listen,    TcpState::closing};
std::string_view state_name(TcpState state);                   // "TIME_WAIT", as netstat writes it
std::string_view state_key(TcpState state);                    // "time_wait", for labels, CSV and JSON
bool tcp_state_from_kernel(unsigned number, TcpState& state);  // false: not a state of TCP

struct SocketCounts {
  std::array<std::uint32_t, kTcpStates + 1> by_state{};  // index: the kernel's number; 0 is not used
  std::uint32_t& operator[](TcpState state) { return by_state[static_cast<std::size_t>(state)]; }
  std::uint32_t operator[](TcpState state) const { return by_state[static_cast<std::size_t>(state)]; }
  std::uint32_t total() const;
  // Sockets in states that only the side which closed first passes through (RFC 9293 figure 5): FIN_WAIT1,
  // FIN_WAIT2, CLOSING, TIME_WAIT.
  std::uint32_t closed_here_first() const;
  // CLOSE_WAIT, LAST_ACK: the other end closed first, our program has still to follow.
  std::uint32_t closed_there_first() const;
  void add(const SocketCounts& other);
  bool operator==(const SocketCounts&) const = default;
};

// One TCP socket as far as we need it: 6 bytes, so 50,000 of them stay in the cache.
struct TcpSocket {
  TcpState state;
  std::uint16_t local_port;
  std::uint16_t remote_port;
  bool operator==(const TcpSocket&) const = default;
};

// One Unix stream socket. `path`: of a listener, and of the connections it accepted; abstract names begin
// with '@'; empty for the connecting end.
struct UnixSocket {
  enum class Kind : std::uint8_t { listening, connected, waiting, other };  // waiting: not accepted yet
  Kind kind;
  std::string path;
  // Of a listener, by netlink only, which in turn does not list the waiting connections (sk_diag_dump() in
  // net/unix/diag.c leaves out sockets without an inode); /proc lists them, and has no lengths.
  std::uint32_t backlog_used = 0;
  std::uint32_t backlog_max = 0;
};

// Which end of a connection the socket is.
enum class Side : std::uint8_t {
  server,  // its local port is the service
  client,  // its remote port is the service, its own one is borrowed from the ephemeral range
};
std::string_view side_name(Side side);

struct PortRange {
  std::uint16_t first = 32768;
  std::uint16_t last = 60999;
  std::uint32_t size() const { return last < first ? 0U : last - first + 1U; }
  bool contains(std::uint16_t port) const { return port >= first && port <= last; }
};

// Decides which port of a socket is the service. A port we listen on beats one outside of the ephemeral
// range, that beats a well-known one inside of it, that beats the rest; among equals the smaller port is the
// service. The rule looks at ports alone, so both ends of a loopback connection come to the same service.
class ServicePorts {
 public:
  explicit ServicePorts(PortRange ephemeral) : ephemeral_(ephemeral) {}
  void add_listening(std::uint16_t port) { listening_.set(port); }
  bool listening(std::uint16_t port) const { return listening_.test(port); }

  struct Service {
    std::uint16_t port;  // 0: neither port is a service
    Side side;
    bool operator==(const Service&) const = default;
  };
  Service classify(const TcpSocket& socket) const;

 private:
  int rank(std::uint16_t port) const;

  PortRange ephemeral_;
  std::bitset<65536> listening_;
};

// "www" for 80, "php-fpm" for 9000, ...: a short table of our own, which overrides /etc/services where that
// has none or an odd name. Empty: not in the table.
std::string_view well_known_service(std::uint16_t port);
// The table, else /etc/services; empty: unknown.
std::string service_name(std::uint16_t port);

struct PortRow {
  std::uint16_t port = 0;  // the service; 0: sockets between two ephemeral ports
  Side side = Side::server;
  std::string service;  // service_name(port)
  SocketCounts counts;
};

struct UnixRow {
  std::string path;
  std::uint32_t listeners = 0;
  std::uint32_t connected = 0;  // accepted connections
  std::uint32_t waiting = 0;    // in the backlog
  std::uint32_t backlog_max = 0;
};

struct SocketReport {
  std::string_view source;  // "inet_diag" or "/proc/net"
  PortRange ephemeral;
  SocketCounts total;
  std::vector<PortRow> ports;  // largest first
  std::uint32_t unix_total = 0;
  std::uint32_t unix_connected = 0;  // both ends counted
  std::uint32_t unix_listening = 0;
  std::vector<UnixRow> unix_paths;    // largest first
  std::uint64_t malformed_lines = 0;  // of /proc/net
};

struct SocketSources {
  bool netlink = true;                 // false: /proc/net only
  std::string proc_net = "/proc/net";  // the text files
  std::string proc_sys = "/proc/sys";  // for the ephemeral port range
};

// Counts and sorts; pure.
SocketReport make_report(std::span<const TcpSocket> tcp, std::span<const UnixSocket> unix_sockets,
                         PortRange ephemeral);

// Reads the sockets of the namespace of the calling thread. `error` stays empty on success; when neither
// netlink nor /proc/net can be read it says why, and the report is empty.
SocketReport read_sockets(std::string& error, const SocketSources& sources = {});

// The TCP sockets with one of `ports` at either end, for metrics: the ports are the labels, so these are
// bounded. The kernel filters, so that 50,000 sockets of others cost a walk over its table and no copies.
struct PortStates {
  std::uint16_t port = 0;
  SocketCounts local;   // our end has the port: we serve on it
  SocketCounts remote;  // the other end has it: we connect to it
};
inline constexpr std::size_t kPortStatesMax = 64;  // ports a call; more are cut off
std::vector<PortStates> read_port_states(std::span<const std::uint16_t> ports, std::string& error,
                                         const SocketSources& sources = {});

}  // namespace holdfast::net

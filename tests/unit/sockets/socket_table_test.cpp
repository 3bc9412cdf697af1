// The socket table: parsing of canned /proc text, the rule that finds the service port, counting, and real
// sockets, where netlink and /proc must agree.
#include "proxy/sockets/socket_table.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proxy/sockets/inet_diag.h"
#include "proxy/sockets/socket_table_proc.h"
#include "proxy/sockets/system_settings.h"

using namespace holdfast::net;

namespace {

constexpr std::string_view kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1216 1 0 "
    "100\n"
    "   1: 0100007F:2328 0100007F:9C40 06 00000000:00000000 03:00000176 00000000     0        0 0 3 0\n"
    "  12: 0100007F:9C41 0100007F:0CEA 01 00000000:00000000 02:00000176 00000000    33        0 99 3 0\n";
constexpr std::string_view kTcp6 =
    "  sl  local_address                         remote_address                        st tx_queue\n"
    "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 1\n"
    "   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:EA60 08 0:0 00:0 0 0 0 1\n";

std::vector<TcpSocket> parse(std::string_view text, std::uint64_t* malformed = nullptr) {
  std::vector<TcpSocket> out;
  std::uint64_t wrong = 0;
  parse_proc_tcp(text, out, wrong);
  if (malformed != nullptr) *malformed = wrong;
  return out;
}

// A socket that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) { REQUIRE(fd >= 0); }
  ~Fd() { close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  return ntohs(address.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                                            : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

int listen_any(int family) {
  const int fd = ::socket(family, SOCK_STREAM, 0);
  if (fd < 0) return fd;
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  } else {
    const int off = 0;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  }
  return ::listen(fd, 16) == 0 ? fd : -1;
}

int connect_v4(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

// Waits for the peer's FIN, so that the states are settled without a sleep.
void read_to_eof(int fd) {
  std::array<char, 64> bytes{};
  while (::read(fd, bytes.data(), bytes.size()) > 0) {
  }
}

const PortStates& only(const std::vector<PortStates>& states) {
  REQUIRE(states.size() == 1);
  return states[0];
}

SocketSources proc_only() {
  SocketSources sources;
  sources.netlink = false;
  return sources;
}

}  // namespace

TEST_CASE("/proc/net/tcp is parsed, IPv4") {
  std::uint64_t malformed = 9;
  const std::vector<TcpSocket> sockets = parse(kTcp, &malformed);
  CHECK(malformed == 0);
  REQUIRE(sockets.size() == 3);
  CHECK(sockets[0] == TcpSocket{TcpState::listen, 80, 0});
  CHECK(sockets[1] == TcpSocket{TcpState::time_wait, 9000, 40000});
  CHECK(sockets[2] == TcpSocket{TcpState::established, 40001, 3306});
}

TEST_CASE("/proc/net/tcp6 is parsed, IPv4-mapped addresses among them") {
  std::uint64_t malformed = 9;
  const std::vector<TcpSocket> sockets = parse(kTcp6, &malformed);
  CHECK(malformed == 0);
  REQUIRE(sockets.size() == 2);
  CHECK(sockets[0] == TcpSocket{TcpState::listen, 8080, 0});
  CHECK(sockets[1] == TcpSocket{TcpState::close_wait, 8080, 60000});
}

TEST_CASE("a wrong line is counted and skipped, its neighbours stay") {
  const std::string good = "   1: 0100007F:2328 0100007F:9C40 06 0:0 0:0 0\n";
  for (const std::string wrong : {
           "garbage",
           "1: 0100007F:2328 0100007F:9C40",
           "1: 0100007F:2328 0100007F:9C40 00",
           "1: 0100007F:2328 0100007F:9C40 0D",
           "1: 0100007F:232 0100007F:9C40 06",
           "1: 0100007F:23288 0100007F:9C40 06",
           "1: 0100007F:G328 0100007F:9C40 06",
           "1: 0100007:2328 0100007F:9C40 06",
           "1: :2328 0100007F:9C40 06",
           "1 0100007F:2328 0100007F:9C40 06",
           "1: 0100007F:2328 0100007F:9C40 xx",
           "1: 0100007F:2328 0100007F:9C40 -6",
           ":",
           "   ",
           "1: 0100007F:-328 0100007F:9C40 06",
       }) {
    CAPTURE(wrong);
    std::uint64_t malformed = 0;
    CHECK(parse(good + wrong + "\n" + good, &malformed).size() == 2);
    CHECK(malformed == 1);
  }
}

TEST_CASE("a text cut anywhere gives the whole lines before the cut and never crashes") {
  for (std::size_t cut = 0; cut <= kTcp.size(); ++cut) {
    const std::size_t whole_lines = static_cast<std::size_t>(
        std::count(kTcp.begin(), kTcp.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
    const std::vector<TcpSocket> sockets = parse(kTcp.substr(0, cut));
    CHECK(sockets.size() >= (whole_lines == 0 ? 0 : whole_lines - 1));
    CHECK(sockets.size() <= whole_lines);  // the cut line may already hold all we need
  }
}

TEST_CASE("all kernel states are known, and only these") {
  for (unsigned number = 0; number < 300; ++number) {
    TcpState state{};
    CHECK(tcp_state_from_kernel(number, state) == (number >= 1 && number <= 12));
  }
  TcpState state{};
  REQUIRE(tcp_state_from_kernel(12, state));
  CHECK(state == TcpState::syn_recv);
  for (const TcpState each : kAllTcpStates) {
    CHECK(state_name(each) != "?");
    CHECK(state_key(each) != "unknown");
  }
}

TEST_CASE("/proc/net/unix is parsed") {
  std::vector<UnixSocket> out;
  std::uint64_t malformed = 0;
  parse_proc_unix(
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 1234 /run/php/a b.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 1235 /run/php/a b.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 02 0 /run/php/a b.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 1236\n"
      "0000000000000000: 00000002 00000000 00000000 0002 01 1237 @dgram\n"
      "0000000000000000: 00000002 00000000 00000000 0005 01 1238 @seq\n"
      "nonsense\n",
      out, malformed);
  CHECK(malformed == 1);
  REQUIRE(out.size() == 5);
  CHECK(out[0].kind == UnixSocket::Kind::listening);
  CHECK(out[0].path == "/run/php/a b.sock");
  CHECK(out[1].kind == UnixSocket::Kind::connected);
  CHECK(out[2].kind == UnixSocket::Kind::waiting);
  CHECK(out[3].path.empty());
  CHECK(out[4].kind == UnixSocket::Kind::other);

  const SocketReport report = make_report({}, out, PortRange{});
  CHECK(report.unix_total == 5);
  CHECK(report.unix_connected == 2);
  REQUIRE(report.unix_paths.size() == 1);
  CHECK(report.unix_paths[0].listeners == 1);
  CHECK(report.unix_paths[0].connected == 1);
  CHECK(report.unix_paths[0].waiting == 1);
}

TEST_CASE("which port is the service, and on which side we are") {
  ServicePorts services(PortRange{32768, 60999});
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{80, 9000, 40000})
    services.add_listening(port);
  struct Row {
    std::uint16_t local, remote, service;
    Side side;
    const char* why;
  };
  const Row rows[] = {
      {80, 0, 80, Side::server, "a listener"},
      {80, 50000, 80, Side::server, "a client of ours"},
      {80, 1234, 80, Side::server, "a client from a low port"},
      {80, 61000, 80, Side::server, "a client from above our range"},
      {50000, 9000, 9000, Side::client, "loopback, connecting end"},
      {9000, 50000, 9000, Side::server, "loopback, accepting end"},
      {40000, 50001, 40000, Side::server, "a listener within the ephemeral range"},
      {50001, 40000, 40000, Side::client, "and its client"},
      {50000, 3306, 3306, Side::client, "a remote service"},
      {50000, 443, 443, Side::client, "a remote service"},
      {8081, 50000, 8081, Side::server, "TIME_WAIT left by a listener that is gone"},
      {80, 40000, 80, Side::server, "a client that happens to use a port we listen on"},
      {9000, 9000, 9000, Side::server, "the same port on both ends"},
      {50000, 50001, 0, Side::client, "neither is a service"},
      {600, 700, 600, Side::server, "both low: the smaller one"},
      {700, 600, 600, Side::client, "and the same from the other end"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const TcpSocket socket{TcpState::established, row.local, row.remote};
    CHECK(services.classify(socket).port == row.service);
    CHECK(services.classify(socket).side == row.side);
  }
}

TEST_CASE("with the range widened to all ports a well-known port is still found") {
  ServicePorts services(PortRange{1024, 65535});
  CHECK(services.classify({TcpState::time_wait, 40000, 3306}) == ServicePorts::Service{3306, Side::client});
  CHECK(services.classify({TcpState::time_wait, 9000, 40000}) == ServicePorts::Service{9000, Side::server});
  CHECK(services.classify({TcpState::time_wait, 2000, 40000}) == ServicePorts::Service{0, Side::client});
}

TEST_CASE("the ends of the ephemeral range belong to it") {
  ServicePorts services(PortRange{32768, 60999});
  CHECK(services.classify({TcpState::time_wait, 32768, 60999}).port == 0);
  CHECK(services.classify({TcpState::time_wait, 32767, 60999}).port == 32767);
  CHECK(services.classify({TcpState::time_wait, 32768, 61000}).port == 61000);
}

TEST_CASE("the report counts by state, port and side, and says who closed first") {
  std::vector<TcpSocket> sockets = {{TcpState::time_wait, 9000, 50000},  // before its listener
                                    {TcpState::fin_wait2, 9000, 50001},
                                    {TcpState::close_wait, 50001, 9000},
                                    {TcpState::time_wait, 50002, 3306},
                                    {TcpState::listen, 9000, 0}};
  const SocketReport report = make_report(sockets, {}, PortRange{});
  CHECK(report.total.total() == 5);
  CHECK(report.total[TcpState::time_wait] == 2);
  REQUIRE(report.ports.size() == 3);
  CHECK(report.ports[0].port == 9000);
  CHECK(report.ports[0].side == Side::server);
  CHECK(report.ports[0].service == "php-fpm");
  CHECK(report.ports[0].counts.closed_here_first() == 2);
  CHECK(report.ports[0].counts.closed_there_first() == 0);
  CHECK(report.ports[1].port == 3306);  // equal totals: by port
  CHECK(report.ports[1].counts.closed_here_first() == 1);
  CHECK(report.ports[2].side == Side::client);
  CHECK(report.ports[2].counts.closed_there_first() == 1);
}

TEST_CASE("real sockets: netlink and /proc agree, and TIME_WAIT is with the side that closed first") {
  for (const int family : {AF_INET, AF_INET6}) {
    CAPTURE(family);
    Fd listener(listen_any(family));
    const std::uint16_t port = bound_port(listener.get());
    Fd open_client(connect_v4(port));  // for IPv6, the server's end becomes ::ffff:127.0.0.1
    Fd open_server(::accept(listener.get(), nullptr, nullptr));
    Fd first_client(connect_v4(port));
    Fd second_server(::accept(listener.get(), nullptr, nullptr));
    first_client.close();  // the client closes first
    read_to_eof(second_server.get());
    second_server.close();
    Fd second_client(connect_v4(port));
    Fd first_server(::accept(listener.get(), nullptr, nullptr));
    first_server.close();  // the server closes first, the client has not followed
    read_to_eof(second_client.get());

    const std::array<std::uint16_t, 1> ports = {port};
    std::string error;
    // The kernel may hold the ACK of our FIN back for 40 ms: wait for the state, not for a time.
    while (only(read_port_states(ports, error)).local[TcpState::fin_wait1] != 0) ::sched_yield();
    const std::vector<PortStates> netlink = read_port_states(ports, error);
    CHECK(error.empty());
    const std::vector<PortStates> proc = read_port_states(ports, error, proc_only());
    CHECK(error.empty());
    CHECK(only(netlink).local == only(proc).local);
    CHECK(only(netlink).remote == only(proc).remote);
    CHECK(only(proc).local[TcpState::listen] == 1);
    CHECK(only(proc).local[TcpState::established] == 1);
    CHECK(only(proc).remote[TcpState::established] == 1);
    CHECK(only(proc).remote[TcpState::time_wait] == 1);
    CHECK(only(proc).local.closed_here_first() == 1);
    CHECK(only(proc).remote[TcpState::close_wait] == 1);

    // The whole table has the same, and netlink is what it came from.
    std::string problem;
    const SocketReport report = read_sockets(problem);
    CHECK(problem.empty());
    CHECK(report.source == "inet_diag");
    const auto row = std::find_if(report.ports.begin(), report.ports.end(), [port](const PortRow& each) {
      return each.port == port && each.side == Side::server;
    });
    REQUIRE(row != report.ports.end());
    CHECK(row->counts == only(proc).local);
  }
}

TEST_CASE("the kernel's port filter takes any of many ports and nothing else") {
  std::vector<int> fds;
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < kPortStatesMax + 1; ++i) {
    fds.push_back(listen_any(AF_INET));
    REQUIRE(fds.back() >= 0);
    ports.push_back(bound_port(fds.back()));
  }
  std::string error;
  const std::vector<std::uint16_t> asked(ports.begin(), ports.end() - 1);
  std::vector<TcpSocket> sockets;
  CHECK(dump_tcp_sockets(asked, sockets, error));
  for (const TcpSocket& socket : sockets) {
    const bool wanted = std::count(asked.begin(), asked.end(), socket.local_port) == 1 ||
                        std::count(asked.begin(), asked.end(), socket.remote_port) == 1;
    CHECK(wanted);
  }
  // One more than the limit is cut off.
  const std::vector<PortStates> states = read_port_states(ports, error);
  CHECK(states.size() == kPortStatesMax);
  for (const PortStates& state : states) CHECK(state.local[TcpState::listen] == 1);
  CHECK(read_port_states({}, error).empty());
  for (const int fd : fds) ::close(fd);
}

TEST_CASE("Unix sockets: netlink and /proc agree on listener, accepted and waiting connections") {
  std::string folder = (std::filesystem::temp_directory_path() / "holdfast-sockets-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/s";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 7) == 0);
  Fd first(::socket(AF_UNIX, SOCK_STREAM, 0));
  Fd second(::socket(AF_UNIX, SOCK_STREAM, 0));
  REQUIRE(::connect(first.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  Fd accepted(::accept(listener.get(), nullptr, nullptr));
  REQUIRE(::connect(second.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  for (const bool netlink : {true, false}) {
    CAPTURE(netlink);
    SocketSources sources;
    sources.netlink = netlink;
    std::string error;
    const SocketReport report = read_sockets(error, sources);
    const auto row = std::find_if(report.unix_paths.begin(), report.unix_paths.end(),
                                  [&path](const UnixRow& each) { return each.path == path; });
    REQUIRE(row != report.unix_paths.end());
    CHECK(row->listeners == 1);
    CHECK(row->connected == 1);
    CHECK(row->waiting == 1);
    CHECK(row->backlog_max == (netlink ? 7U : 0U));
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("neither source: an error that names the file, and an empty report") {
  SocketSources sources = proc_only();
  sources.proc_net = "/nonexistent";
  std::string error;
  CHECK(read_sockets(error, sources).total.total() == 0);
  CHECK(error.find("/nonexistent/tcp") != std::string::npos);
}

TEST_CASE("names of services") {
  CHECK(service_name(80) == "www");
  CHECK(service_name(9000) == "php-fpm");
  CHECK(service_name(3306) == "mysql");
  CHECK(service_name(11211) == "memcached");
  CHECK(service_name(27017) == "mongodb");
  CHECK(service_name(0).empty());
  CHECK(well_known_service(81).empty());
  CHECK(well_known_service(65535).empty());
}

TEST_CASE("system settings are read below a root, missing ones stay empty") {
  std::string root = (std::filesystem::temp_directory_path() / "holdfast-settings-XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const auto write = [&root](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  };
  write("/proc/sys/net/core/somaxconn", "128\n");
  write("/proc/sys/net/ipv4/ip_local_port_range", "1024\t65535\n");
  write("/proc/sys/net/ipv4/ip_local_reserved_ports", "8080,9000-9010\n");
  write("/proc/sys/net/ipv4/tcp_tw_recycle", "1\n");
  write("/proc/net/sockstat", "sockets: used 9\nTCP: inuse 1 orphan 0 tw 14105 alloc 2 mem 0\n");
  write("/etc/sysctl.conf", "# a comment\n\nnet.ipv4.tcp_tw_recycle = 1\n");
  write("/etc/sysctl.d/10-a.conf", "-net/ipv4/tcp_tw_reuse=1\n; x=y\nnonsense\n");
  write("/etc/sysctl.d/readme", "net.core.somaxconn=1\n");
  const SystemSettings settings = read_system_settings(root);
  CHECK(settings.somaxconn == 128U);
  REQUIRE(settings.port_range);
  CHECK(settings.port_range->size() == 64512);
  REQUIRE(settings.reserved_ports.size() == 2);
  CHECK(settings.reserved_ports[1].contains(9010));
  CHECK(settings.tcp_tw_recycle == 1U);
  CHECK_FALSE(settings.tcp_tw_reuse);
  CHECK_FALSE(settings.conntrack_max);
  CHECK(settings.time_wait_now == 14105U);
  REQUIRE(settings.sysctl_lines.size() == 2);
  CHECK(settings.sysctl_lines[0].line == 3);
  CHECK(settings.sysctl_lines[0].value == "1");
  CHECK(settings.sysctl_lines[1].key == "net.ipv4.tcp_tw_reuse");
  std::filesystem::remove_all(root);
}

// The netlink conversation: request, dump, decoding; see inet_diag.h.
#include "proxy/sockets/inet_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

namespace holdfast::net {

namespace {

// The kernel fills buffers of at most 32 KiB in a dump (netlink_dump()), whatever we offer beyond.
constexpr std::size_t kReceiveBytes = 64 * 1024;

class NetlinkSocket {
 public:
  NetlinkSocket() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}
  ~NetlinkSocket() {
    if (fd_ >= 0) ::close(fd_);
  }
  NetlinkSocket(const NetlinkSocket&) = delete;
  NetlinkSocket& operator=(const NetlinkSocket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string errno_text(std::string_view what, int code) {
  return std::string(what) + ": " + std::strerror(code);
}

template <typename T>
void append_bytes(const T& value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool send_request(const NetlinkSocket& netlink, std::string_view body, std::string& error) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + body.size());
  header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  std::string message;
  append_bytes(header, message);
  message += body;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = ::sendto(netlink.fd(), message.data(), message.size(), 0,
                                reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  if (sent == static_cast<ssize_t>(message.size())) return true;
  error = errno_text("netlink send", errno);
  return false;
}

// Hands the payload of each message of one dump to `each`, to its end.
template <typename Each>
bool receive_dump(const NetlinkSocket& netlink, std::string& error, const Each& each) {
  const auto buffer =
      std::make_unique<std::array<std::uint64_t, kReceiveBytes / 8>>();  // aligned for headers
  while (true) {
    const ssize_t received = ::recv(netlink.fd(), buffer->data(), kReceiveBytes, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) {
      error = errno_text("netlink receive", received == 0 ? ECONNRESET : errno);
      return false;
    }
    auto left = static_cast<std::size_t>(received);
    const char* at = reinterpret_cast<const char*>(buffer->data());
    while (left >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, at, sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > left) {
        error = "netlink: malformed message";
        return false;
      }
      const std::string_view payload(at + sizeof header, header.nlmsg_len - sizeof header);
      if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
        // Both carry an int: 0, or a negative errno (ENOENT where the diag module of the family is missing).
        int code = 0;
        if (payload.size() >= sizeof code) std::memcpy(&code, payload.data(), sizeof code);
        if (header.nlmsg_type == NLMSG_DONE && code >= 0) return true;
        error = errno_text("sock_diag", code < 0 ? -code : EPROTO);
        return false;
      }
      if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY) each(payload);
      const std::size_t step = NLMSG_ALIGN(header.nlmsg_len);
      if (step >= left) break;
      at += step;
      left -= step;
    }
  }
}

std::string attribute(std::uint16_t type, std::string_view payload) {
  rtattr header{};
  header.rta_type = type;
  header.rta_len = static_cast<std::uint16_t>(sizeof header + payload.size());
  std::string out;
  append_bytes(header, out);
  out += payload;
  out.resize(RTA_ALIGN(out.size()));
  return out;
}

bool dump_family(const NetlinkSocket& netlink, std::uint8_t family, std::span<const std::uint16_t> ports,
                 std::vector<TcpSocket>& out, std::string& error) {
  inet_diag_req_v2 request{};
  request.sdiag_family = family;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;
  std::string body;
  append_bytes(request, body);
  if (!ports.empty()) body += attribute(INET_DIAG_REQ_BYTECODE, port_filter_bytecode(ports));
  if (!send_request(netlink, body, error)) return false;
  return receive_dump(netlink, error, [&out](std::string_view payload) {
    inet_diag_msg message;
    if (payload.size() < sizeof message) return;
    std::memcpy(&message, payload.data(), sizeof message);
    TcpState state{};
    if (!tcp_state_from_kernel(message.idiag_state, state)) return;
    out.push_back({state, ntohs(message.id.idiag_sport), ntohs(message.id.idiag_dport)});
  });
}

UnixSocket decode_unix(const unix_diag_msg& message, std::string_view attributes) {
  UnixSocket socket{};
  const bool listening = message.udiag_state == static_cast<std::uint8_t>(TcpState::listen);
  const bool connected = message.udiag_state == static_cast<std::uint8_t>(TcpState::established);
  socket.kind = listening   ? UnixSocket::Kind::listening
                : connected ? UnixSocket::Kind::connected
                            : UnixSocket::Kind::other;
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr header;
    std::memcpy(&header, attributes.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > attributes.size()) break;
    const std::string_view payload = attributes.substr(sizeof header, header.rta_len - sizeof header);
    if (header.rta_type == UNIX_DIAG_NAME && !payload.empty()) {
      // A path may or may not carry its NUL, an abstract name begins with one.
      socket.path = payload[0] == '\0' ? "@" + std::string(payload.substr(1))
                                       : std::string(payload.substr(0, payload.find('\0')));
    } else if (header.rta_type == UNIX_DIAG_RQLEN && listening && payload.size() >= sizeof(unix_diag_rqlen)) {
      unix_diag_rqlen queue;
      std::memcpy(&queue, payload.data(), sizeof queue);
      socket.backlog_used = queue.udiag_rqueue;
      socket.backlog_max = queue.udiag_wqueue;
    }
    const std::size_t step = RTA_ALIGN(header.rta_len);
    if (step >= attributes.size()) break;
    attributes.remove_prefix(step);
  }
  return socket;
}

}  // namespace

std::string port_filter_bytecode(std::span<const std::uint16_t> ports) {
  // For each port and direction, three instructions; `yes` of each leads to the next, as the audit of the
  // kernel (inet_diag_bc_audit()) demands of every jump target, `no` to the next alternative:
  //
  //   0   GE port   yes +8   no +20 -> next alternative
  //   8   LE port   yes +8   no +12 -> next alternative
  //   16  JMP       no: to the end of the program = accepted
  //
  // The last alternative has no JMP: `yes` of its LE is the end, and both its `no` lead 4 bytes past the end,
  // which is how a program says no. A comparison takes two slots; the port stands in `no` of the second.
  std::string out;
  const std::size_t alternatives = ports.size() * 2;
  const std::size_t bytes = alternatives * 20 - 4;
  for (std::size_t i = 0; i < alternatives; ++i) {
    const bool source = i % 2 == 0;
    const std::uint16_t port = ports[i / 2];
    const std::uint8_t greater = source ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE;
    const std::uint8_t less = source ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE;
    append_bytes(inet_diag_bc_op{greater, 8, 20}, out);
    append_bytes(inet_diag_bc_op{0, 0, port}, out);
    append_bytes(inet_diag_bc_op{less, 8, 12}, out);
    append_bytes(inet_diag_bc_op{0, 0, port}, out);
    if (i + 1 == alternatives) break;
    const auto to_end = static_cast<std::uint16_t>(bytes - out.size());
    append_bytes(inet_diag_bc_op{INET_DIAG_BC_JMP, 4, to_end}, out);
  }
  return out;
}

bool dump_tcp_sockets(std::span<const std::uint16_t> ports, std::vector<TcpSocket>& out, std::string& error) {
  const NetlinkSocket netlink;
  if (netlink.fd() < 0) {
    error = errno_text("netlink socket", errno);
    return false;
  }
  return dump_family(netlink, AF_INET, ports, out, error) &&
         dump_family(netlink, AF_INET6, ports, out, error);
}

bool dump_unix_sockets(std::vector<UnixSocket>& out, std::string& error) {
  const NetlinkSocket netlink;
  if (netlink.fd() < 0) {
    error = errno_text("netlink socket", errno);
    return false;
  }
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = ~0U;
  request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN;
  std::string body;
  append_bytes(request, body);
  if (!send_request(netlink, body, error)) return false;
  return receive_dump(netlink, error, [&out](std::string_view payload) {
    unix_diag_msg message;
    if (payload.size() < sizeof message) return;
    std::memcpy(&message, payload.data(), sizeof message);
    if (message.udiag_type == SOCK_DGRAM) return;
    out.push_back(decode_unix(message, payload.substr(sizeof message)));
  });
}

}  // namespace holdfast::net

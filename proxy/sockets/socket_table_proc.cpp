// Line parsers of /proc/net; see socket_table_proc.h.
#include "proxy/sockets/socket_table_proc.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace holdfast::net {

namespace {

// Large reads: each read() makes the kernel find its place in the table again.
constexpr std::size_t kReadBytes = 256 * 1024;

std::string_view take_field(std::string_view& line) {
  const std::size_t start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos) {
    line = {};
    return {};
  }
  line.remove_prefix(start);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end);
  return field;
}

std::optional<unsigned> parse_hex(std::string_view text) {
  unsigned value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (failure != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// "0100007F:2328" or 32 digits before the colon. The address is not needed, but its length shows that the
// field is what we take it for.
std::optional<std::uint16_t> parse_port(std::string_view field) {
  const std::size_t colon = field.find(':');
  if ((colon != 8 && colon != 32) || field.size() != colon + 5) return std::nullopt;
  const std::optional<unsigned> port = parse_hex(field.substr(colon + 1));
  if (!port) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

bool parse_tcp_line(std::string_view line, TcpSocket& socket) {
  const std::string_view slot = take_field(line);  // "12:"
  if (slot.empty() || slot.back() != ':') return false;
  const std::optional<std::uint16_t> local = parse_port(take_field(line));
  const std::optional<std::uint16_t> remote = parse_port(take_field(line));
  const std::optional<unsigned> state = parse_hex(take_field(line));
  if (!local || !remote || !state || !tcp_state_from_kernel(*state, socket.state)) return false;
  socket.local_port = *local;
  socket.remote_port = *remote;
  return true;
}

enum class UnixLine { malformed, datagram, socket };

// "Num: RefCount Protocol Flags Type St Inode [Path]" (net/unix/af_unix.c, unix_seq_show()).
UnixLine parse_unix_line(std::string_view line, UnixSocket& socket) {
  constexpr unsigned kAcceptsConnections = 0x10000;  // __SO_ACCEPTCON
  constexpr unsigned kConnecting = 2;                // SS_CONNECTING: established, but accepted by nobody yet
  constexpr unsigned kConnected = 3;                 // SS_CONNECTED
  const std::string_view number = take_field(line);
  if (number.empty() || number.back() != ':') return UnixLine::malformed;
  take_field(line);  // reference count
  take_field(line);  // protocol
  const std::optional<unsigned> flags = parse_hex(take_field(line));
  const std::optional<unsigned> type = parse_hex(take_field(line));
  const std::optional<unsigned> state = parse_hex(take_field(line));
  const std::string_view inode = take_field(line);
  if (!flags || !type || !state || inode.empty()) return UnixLine::malformed;
  if (*type == SOCK_DGRAM) return UnixLine::datagram;
  if (!line.empty()) line.remove_prefix(1);  // one blank, then the path, blanks of its own included
  socket.path = std::string(line);
  socket.kind = (*flags & kAcceptsConnections) != 0 ? UnixSocket::Kind::listening
                : *state == kConnecting             ? UnixSocket::Kind::waiting
                : *state == kConnected              ? UnixSocket::Kind::connected
                                                    : UnixSocket::Kind::other;
  return UnixLine::socket;
}

template <typename Each>
void for_each_line(std::string_view text, const Each& each) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty()) each(line);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

// Gives the file to `parse` in pieces that end at line ends, so that memory stays small. errno on failure.
template <typename Parse>
int read_in_lines(const std::string& path, const Parse& parse) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  std::string buffer;
  int failure = 0;
  while (true) {
    const std::size_t kept = buffer.size();
    buffer.resize(kept + kReadBytes);
    const ssize_t got = ::read(fd, buffer.data() + kept, kReadBytes);
    buffer.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failure = errno;
    if (got <= 0) break;
    const std::size_t last_line_end = buffer.rfind('\n');
    if (last_line_end == std::string::npos) continue;
    parse(std::string_view(buffer).substr(0, last_line_end + 1));
    buffer.erase(0, last_line_end + 1);
  }
  if (failure == 0 && !buffer.empty()) parse(std::string_view(buffer));
  ::close(fd);
  return failure;
}

}  // namespace

void parse_proc_tcp(std::string_view text, std::vector<TcpSocket>& out, std::uint64_t& malformed) {
  for_each_line(text, [&](std::string_view line) {
    TcpSocket socket{};
    if (parse_tcp_line(line, socket)) {
      out.push_back(socket);
    } else if (line.find("local_address") == std::string_view::npos) {  // the heading
      ++malformed;
    }
  });
}

void parse_proc_unix(std::string_view text, std::vector<UnixSocket>& out, std::uint64_t& malformed) {
  for_each_line(text, [&](std::string_view line) {
    UnixSocket socket{};
    switch (parse_unix_line(line, socket)) {
      case UnixLine::socket: out.push_back(std::move(socket)); break;
      case UnixLine::datagram: break;
      case UnixLine::malformed:
        if (line.find("RefCount") == std::string_view::npos) ++malformed;
        break;
    }
  });
}

bool read_proc_tcp(const std::string& proc_net, std::vector<TcpSocket>& out, std::uint64_t& malformed,
                   std::string& error) {
  const auto parse = [&](std::string_view text) { parse_proc_tcp(text, out, malformed); };
  for (const bool ipv6 : {false, true}) {
    const std::string path = proc_net + (ipv6 ? "/tcp6" : "/tcp");
    const int failure = read_in_lines(path, parse);
    if (failure == 0 || (ipv6 && failure == ENOENT)) continue;
    error = path + ": " + std::strerror(failure);
    return false;
  }
  return true;
}

void read_proc_unix(const std::string& proc_net, std::vector<UnixSocket>& out, std::uint64_t& malformed,
                    std::string& error) {
  const std::string path = proc_net + "/unix";
  const int failure =
      read_in_lines(path, [&](std::string_view text) { parse_proc_unix(text, out, malformed); });
  if (failure != 0) error = path + ": " + std::strerror(failure);
}

}  // namespace holdfast::net

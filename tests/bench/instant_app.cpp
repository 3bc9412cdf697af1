// A FastCGI application that answers every request at once with a small page: with it the proxy is the
// bottleneck, so that its own cost can be measured. Keeps connections, answers FCGI_GET_VALUES as php-fpm
// does. Speaks FastCGI with a codec of its own, one epoll loop, no dependency. Usage: instant_app
// PORT|unix:PATH [BODY_BYTES]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

namespace {

struct Connection {
  std::string in;
  std::string out;
  bool keep = true;
};

std::string header(int type, int id, std::size_t content) {
  const char bytes[8] = {1,
                         static_cast<char>(type),
                         static_cast<char>(id >> 8),
                         static_cast<char>(id),
                         static_cast<char>(content >> 8),
                         static_cast<char>(content),
                         0,
                         0};
  return std::string(bytes, sizeof(bytes));
}

void answer(Connection& connection, int id, const std::string& page) {
  for (std::size_t at = 0; at < page.size(); at += 65528) {
    const std::string piece = page.substr(at, 65528);
    connection.out += header(6, id, piece.size()) + piece;
  }
  connection.out += header(3, id, 8) + std::string(8, '\0');
}

// Takes whole records from the front of `in`. The request is answered at the empty STDIN record.
void take_records(Connection& connection, const std::string& page) {
  std::size_t at = 0;
  while (connection.in.size() - at >= 8) {
    const auto byte = [&connection, at](std::size_t index) {
      return static_cast<std::size_t>(static_cast<unsigned char>(connection.in[at + index]));
    };
    const std::size_t content = byte(4) << 8 | byte(5);
    const std::size_t whole = 8 + content + byte(6);
    if (connection.in.size() - at < whole) break;
    const int id = static_cast<int>(byte(2) << 8 | byte(3));
    if (byte(1) == 1) connection.keep = (byte(8 + 2) & 1) != 0;
    if (byte(1) == 5 && content == 0) answer(connection, id, page);
    if (byte(1) == 9) connection.out += header(10, 0, 0);
    at += whole;
  }
  connection.in.erase(0, at);
}

unsigned long number(std::string_view text) {
  unsigned long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  std::fprintf(stderr, "not a number: %.*s\n", static_cast<int>(text.size()), text.data());
  std::exit(64);
}

int listen_on(const std::string& where) {
  if (where.starts_with("unix:")) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, where.c_str() + 5, sizeof(address.sun_path) - 1);
    ::unlink(address.sun_path);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return -1;
    return ::listen(fd, 4096) == 0 ? fd : -1;
  }
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(number(where)));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return -1;
  return ::listen(fd, 4096) == 0 ? fd : -1;
}

// False: the connection is done with.
bool serve(int fd, Connection& connection, const std::string& page) {
  static std::array<char, 65536> buffer;
  const ssize_t bytes = ::read(fd, buffer.data(), buffer.size());
  if (bytes <= 0) return false;
  connection.in.append(buffer.data(), static_cast<std::size_t>(bytes));
  take_records(connection, page);
  if (connection.out.empty()) return true;
  // Blocking would be a bug of the measurement: the answers are far smaller than a socket buffer.
  const ssize_t written = ::write(fd, connection.out.data(), connection.out.size());
  const bool whole = written == static_cast<ssize_t>(connection.out.size());
  connection.out.clear();
  return whole && connection.keep;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: instant_app PORT|unix:PATH [BODY_BYTES]\n");
    return 64;
  }
  const std::string page =
      "Content-Type: text/html\r\n\r\n" + std::string(argc > 2 ? number(argv[2]) : 100, 'x');
  const int listener = listen_on(argv[1]);
  if (listener < 0) {
    std::perror(argv[1]);
    return 71;
  }
  const int poll = ::epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  ::epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  std::unordered_map<int, Connection> connections;
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (accepted < 0) continue;
        const int on = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        epoll_event added{.events = EPOLLIN, .data = {.fd = accepted}};
        ::epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &added);
        connections[accepted];
      } else if (!serve(fd, connections[fd], page)) {
        connections.erase(fd);
        ::close(fd);
      }
    }
  }
}

// TCP: literals and names, IPv6 for itself. Unix: whose file is it that is there already, and whose at the
// end.
#include "proxy/net/listen_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "proxy/net/port_holder.h"
#include "proxy/net/socket_address.h"
#include "proxy/posix/unix_address.h"

namespace holdfast::net {

namespace {

// The kernel cuts it to net.core.somaxconn (4096 since Linux 5.4).
constexpr int kBacklog = 4096;

std::string name_of(const Endpoint& endpoint) {
  if (endpoint.unix_socket) return "unix:" + endpoint.path;
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

void set_option(int fd, int level, int name, bool on = true) {
  const int value = on ? 1 : 0;
  ::setsockopt(fd, level, name, &value, sizeof value);
}

int close_with_errno(int fd) {
  const int code = errno;
  ::close(fd);
  errno = code;
  return -1;
}

// -1 with errno.
int listen_on(const SocketAddress& address, bool beside) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_option(fd, SOL_SOCKET, SO_REUSEADDR);  // else the TIME_WAITs of the last run forbid a restart
  if (beside) set_option(fd, SOL_SOCKET, SO_REUSEPORT);
  if (address.family() == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  // Accepted sockets inherit it on Linux: one system call a connection less.
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  if (::bind(fd, address.get(), address.length) != 0 || ::listen(fd, kBacklog) != 0) {
    return close_with_errno(fd);
  }
  if (beside) set_option(fd, SOL_SOCKET, SO_REUSEPORT, false);
  return fd;
}

// IPv4 first: who writes `localhost` expects 127.0.0.1 to answer, and a listener is one socket.
std::vector<SocketAddress> resolve(const Endpoint& endpoint, std::string& error) {
  if (endpoint.host.empty()) return {*address_of_literal("0.0.0.0", endpoint.port)};
  if (auto literal = address_of_literal(endpoint.host, endpoint.port)) return {*literal};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  const int status =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
  if (status != 0) {
    error = name_of(endpoint) + ": " + (status == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(status));
    return {};
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    addresses.push_back(address_of(entry->ai_addr, entry->ai_addrlen));
  }
  ::freeaddrinfo(list);
  std::stable_partition(addresses.begin(), addresses.end(),
                        [](const SocketAddress& address) { return address.family() == AF_INET; });
  return addresses;
}

// What an operator does about it.
std::string remedy(int code, const SocketAddress& address) {
  if (code == EACCES && address.port() < 1024)
    return " (ports below 1024 take root at the start, or CAP_NET_BIND_SERVICE)";
  if (code != EADDRINUSE) return {};
  const std::string holder = holder_of_port(address);
  return holder.empty() ? std::string() : "; " + holder + " has it";
}

int open_tcp(const Endpoint& endpoint, Sharing sharing, std::string& error) {
  std::string reason;
  for (const SocketAddress& address : resolve(endpoint, error)) {
    const int fd = listen_on(address, sharing == Sharing::beside);
    if (fd >= 0) return fd;
    const int code = errno;
    if (!reason.empty()) continue;
    reason = Error{code}.text();
    if (sharing != Sharing::first_try) reason += remedy(code, address);
  }
  if (error.empty()) error = name_of(endpoint) + ": " + reason;
  return -1;
}

// Two that start at once would both find a stale file, and one would remove what the other has just made. A
// lock on the folder leaves no file behind; who cannot have it soon goes on without: anybody may hold it.
class FolderLock {
 public:
  explicit FolderLock(const std::string& path)
      : fd_(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    constexpr int kTries = 20;
    constexpr int kMilliseconds = 5;
    for (int i = 0; fd_ >= 0 && i < kTries && ::flock(fd_, LOCK_EX | LOCK_NB) != 0; ++i) {
      ::poll(nullptr, 0, kMilliseconds);
    }
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  static std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
  }
  int fd_;
};

enum class UnixPath { free, stale, live, not_a_socket, unknown };

// unknown: errno tells.
UnixPath look_at(const std::string& path, const posix::UnixAddress& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? UnixPath::free : UnixPath::unknown;
  if (!S_ISSOCK(status.st_mode)) return UnixPath::not_a_socket;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return UnixPath::unknown;
  const int result = ::connect(fd, address.get(), address.length);
  const int code = result == 0 ? 0 : errno;
  close_with_errno(fd);
  if (code == 0 || code == EAGAIN) return UnixPath::live;  // EAGAIN: its backlog is full (unix(7))
  if (code == ECONNREFUSED) return UnixPath::stale;
  return code == ENOENT ? UnixPath::free : UnixPath::unknown;
}

// Empty when the path may be bound.
std::string clear_path(const std::string& path, const posix::UnixAddress& address) {
  switch (look_at(path, address)) {
    case UnixPath::free: return {};
    case UnixPath::stale:
      return ::unlink(path.c_str()) == 0 || errno == ENOENT
                 ? std::string()
                 : Error{errno}.text() + " (the socket of a process that has ended is there, and user " +
                       std::to_string(::geteuid()) + " may not remove it: its folder has to be writable)";
    case UnixPath::live: {
      const std::string holder = holder_of_path(path);
      return Error{EADDRINUSE}.text() + " (another process listens there" +
             (holder.empty() ? ")" : ": " + holder + ")");
    }
    case UnixPath::not_a_socket: return "a file that is not a socket has this name; it is left alone";
    case UnixPath::unknown: break;
  }
  const int code = errno;
  if (code != EACCES) return Error{code}.text();
  const std::string holder = holder_of_path(path);
  return holder.empty() ? Error{code}.text() + " (nor may it be asked whether somebody listens there)"
                        : Error{EADDRINUSE}.text() + " (another process listens there: " + holder + ")";
}

ListenSocket open_unix(const Endpoint& endpoint, std::string& error) {
  ListenSocket made;
  const std::string& path = endpoint.path;
  const auto address = posix::unix_address(path);
  if (!address) {
    error = name_of(endpoint) + ": a socket's path has 1 to " + std::to_string(posix::kUnixPathMost) +
            " bytes, this one has " + std::to_string(path.size());
    return made;
  }
  const FolderLock lock(path);
  if (const std::string reason = clear_path(path, *address); !reason.empty()) {
    error = name_of(endpoint) + ": " + reason;
    return made;
  }
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  // Made with its mode: to change it by its name afterwards would change whatever has the name then.
  const mode_t before = ::umask(~endpoint.mode & 0777);
  if (fd >= 0 && ::bind(fd, address->get(), address->length) != 0) {
    fd = close_with_errno(fd);
  }
  const int code = errno;
  ::umask(before);
  if (fd < 0) {
    error = name_of(endpoint) + ": " + Error{code}.text();
    return made;
  }
  // From here on the file is ours to remove.
  struct stat status {};
  SocketOwner owner;
  if (!find_owner(endpoint, owner, error) || !owner.apply(path)) {
    const std::string why = error.empty() ? Error{errno}.text() + " (to give it away takes root)" : error;
    error = name_of(endpoint) + ": owner and group: " + why;
    ::unlink(path.c_str());
    ::close(fd);
    return made;
  }
  if (::listen(fd, kBacklog) != 0 || ::lstat(path.c_str(), &status) != 0) {
    error = name_of(endpoint) + ": " + Error{errno}.text();
    ::unlink(path.c_str());
    ::close(fd);
    return made;
  }
  return ListenSocket{fd, path, status.st_dev, status.st_ino, owner};
}

}  // namespace

ListenSocket open_listen_socket(const Endpoint& endpoint, std::string& error, Sharing sharing) {
  error.clear();
  if (endpoint.unix_socket) return open_unix(endpoint, error);
  ListenSocket made;
  made.fd = open_tcp(endpoint, sharing, error);
  return made;
}

void set_shared(const ListenSocket& socket, bool on) {
  set_option(socket.fd, SOL_SOCKET, SO_REUSEPORT, on);
}

void give_to(const ListenSocket& socket, uid_t user, gid_t group) {
  // What fails shows later, in the errors of what is not allowed then.
  static_cast<void>(::fchown(socket.fd, user, group) == 0);
  if (socket.unix_path.empty()) return;
  // Only what was made here: by now the name may mean another file.
  const int file = ::open(socket.unix_path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat status {};
  if (file >= 0 && ::fstat(file, &status) == 0 && status.st_dev == socket.unix_device &&
      status.st_ino == socket.unix_inode && S_ISSOCK(status.st_mode)) {
    const uid_t file_user = socket.owner.user.value_or(user);
    const gid_t file_group = socket.owner.group.value_or(group);
    static_cast<void>(::fchownat(file, "", file_user, file_group, AT_EMPTY_PATH) == 0);
  }
  if (file >= 0) ::close(file);
}

void close_listen_socket(ListenSocket& socket) {
  if (socket.fd < 0) return;
  struct stat status {};
  // The file goes first, as in libuv: the other way round a new process could have bound the name in between.
  // A process that replaced us meanwhile keeps its file.
  if (!socket.unix_path.empty() && ::lstat(socket.unix_path.c_str(), &status) == 0 &&
      status.st_dev == socket.unix_device && status.st_ino == socket.unix_inode) {
    ::unlink(socket.unix_path.c_str());
  }
  ::close(socket.fd);
  socket = {};
}

}  // namespace holdfast::net

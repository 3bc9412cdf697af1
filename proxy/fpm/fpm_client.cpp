// Blocking sockets under a fastcgi::Session; see fpm_client.h.
#include "proxy/fpm/fpm_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "fastcgi/cgi_head.h"

namespace holdfast {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBodyBytesMax = 64 * 1024;  // status pages and error texts; the rest is dropped

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

int resolve(const config::Address& address, SocketAddress& out, std::string& error) {
  if (address.kind == config::Address::Kind::unix_socket) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof local.sun_path) {
      error = "the path is longer than " + std::to_string(sizeof local.sun_path - 1) + " bytes";
      return ENAMETOOLONG;
    }
    address.path.copy(local.sun_path, sizeof local.sun_path - 1);
    std::memcpy(&out.storage, &local, sizeof local);
    out.length = sizeof local;
    return 0;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failure != 0) {
    error = "name not found: " + std::string(::gai_strerror(failure));
    return EHOSTUNREACH;
  }
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return 0;
}

int poll_limit(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left <= 0 ? 0 : static_cast<int>(std::min<long long>(left, 60'000));
}

// The head is cut off and its status kept; output without a proper head has status 0.
void split_output(std::string_view output, FpmReply& reply) {
  fastcgi::CgiHeadParser head;
  if (head.feed(output) != fastcgi::CgiHeadState::complete) return;
  reply.status = head.status();
  reply.body = std::string(output);
}

}  // namespace

FpmClient::~FpmClient() {
  if (fd_ >= 0) ::close(fd_);
}

int FpmClient::connect(const config::Address& address, std::chrono::milliseconds limit, std::string& error) {
  SocketAddress target;
  const int unresolved = resolve(address, target, error);
  if (unresolved != 0) return unresolved;
  fd_ = ::socket(target.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int failure = fd_ < 0 ? errno : 0;
  if (failure == 0 && ::connect(fd_, target.get(), target.length) != 0) {
    failure = errno;
    if (failure == EINPROGRESS) {
      socklen_t length = sizeof failure;
      if (wait_for(POLLOUT, Clock::now() + limit) != Wait::readable) {
        failure = ETIMEDOUT;
      } else if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &length) != 0) {
        failure = errno;
      }
    }
  }
  if (failure != 0) error = std::strerror(failure);
  return failure;
}

std::string FpmClient::local_address() const {
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &length) != 0) return {};
  if (local.ss_family != AF_INET && local.ss_family != AF_INET6) return {};
  std::array<char, NI_MAXHOST> text{};
  const int failure = ::getnameinfo(reinterpret_cast<const sockaddr*>(&local), length, text.data(),
                                    text.size(), nullptr, 0, NI_NUMERICHOST);
  return failure == 0 ? text.data() : std::string();
}

FpmClient::Wait FpmClient::wait_for(short events, Clock::time_point deadline) const {
  while (true) {
    pollfd entry{fd_, events, 0};
    const int ready = ::poll(&entry, 1, poll_limit(deadline));
    if (ready > 0) return Wait::readable;
    if (ready < 0 && errno != EINTR) return Wait::failed;
    if (Clock::now() >= deadline) return Wait::timeout;
  }
}

bool FpmClient::send_all(const std::string& bytes, Clock::time_point deadline) const {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t written = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (written >= 0) {
      sent += static_cast<std::size_t>(written);
    } else if ((errno != EAGAIN && errno != EINTR) || wait_for(POLLOUT, deadline) != Wait::readable) {
      return false;
    }
  }
  return true;
}

bool FpmClient::read_events(Clock::time_point deadline, std::string& buffer,
                            std::vector<fastcgi::Event>& events, bool& timed_out) {
  timed_out = false;
  const Wait waited = wait_for(POLLIN, deadline);
  timed_out = waited == Wait::timeout;
  if (waited != Wait::readable) return false;
  buffer.resize(64 * 1024);
  const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    session_.feed_eof(events);
    return false;
  }
  session_.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)), events);
  return true;
}

ValuesAnswer FpmClient::ask_values(std::chrono::milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  if (session_.fault() != fastcgi::Fault::none || session_.barrier_pending()) return ValuesAnswer::closed;
  std::string out;
  session_.write_barrier(out);
  if (!send_all(out, deadline)) return ValuesAnswer::closed;
  std::string buffer;
  std::vector<fastcgi::Event> events;
  while (true) {
    bool timed_out = false;
    const bool more = read_events(deadline, buffer, events, timed_out);
    for (const fastcgi::Event& event : events) {
      if (event.kind == fastcgi::Event::Kind::barrier_answered) return ValuesAnswer::answered;
    }
    if (more && session_.fault() == fastcgi::Fault::none) {
      events.clear();
      continue;
    }
    if (timed_out) return ValuesAnswer::silent;
    return session_.fault() == fastcgi::Fault::eof || !more ? ValuesAnswer::closed : ValuesAnswer::malformed;
  }
}

FpmReply FpmClient::request(const fastcgi::ParamList& params, std::chrono::milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  FpmReply reply;
  if (!session_.can_begin()) {
    reply.error = "the connection was closed";
    return reply;
  }
  std::string out;
  session_.begin_request(fastcgi::Role::responder, false, params, 0, out);
  if (!send_all(out, deadline)) {
    reply.error = "the request could not be sent";
    return reply;
  }
  std::string output;
  std::string buffer;
  std::vector<fastcgi::Event> events;
  bool more = true;
  while (more && !reply.complete && session_.fault() == fastcgi::Fault::none) {
    bool timed_out = false;
    events.clear();
    more = read_events(deadline, buffer, events, timed_out);
    for (const fastcgi::Event& event : events) {
      using Kind = fastcgi::Event::Kind;
      if (event.kind == Kind::stdout_data && output.size() < kBodyBytesMax) output += event.bytes;
      if (event.kind == Kind::stderr_data && reply.errors.size() < kBodyBytesMax) reply.errors += event.bytes;
      if (event.kind == Kind::request_ended) reply.complete = true;
    }
    if (timed_out) reply.error = "no answer within " + std::to_string(limit.count()) + " ms";
  }
  if (!reply.complete && reply.error.empty()) reply.error = "the connection was closed without an answer";
  split_output(output, reply);
  return reply;
}

}  // namespace holdfast

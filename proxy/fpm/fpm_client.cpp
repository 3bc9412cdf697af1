// Blocking sockets under a fastcgi::Session; see fpm_client.h.
#include "proxy/fpm/fpm_client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "fastcgi/cgi_head.h"
#include "proxy/posix/blocking_connect.h"

namespace holdfast {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBodyBytesMax = 64 * 1024;  // status pages and error texts; the rest is dropped

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
  posix::ConnectFailure failure;
  fd_ = posix::connect_within(address, limit, failure);
  if (fd_ >= 0) return 0;
  error = (failure.name_unknown ? "name not found: " : "") + failure.text;
  return failure.number;
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

bool FpmClient::send_all(const std::string& bytes, Clock::time_point deadline) const {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t written = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (written >= 0) {
      sent += static_cast<std::size_t>(written);
    } else if ((errno != EAGAIN && errno != EINTR) ||
               posix::wait_for(fd_, POLLOUT, deadline) != posix::Waited::ready) {
      return false;
    }
  }
  return true;
}

bool FpmClient::read_events(Clock::time_point deadline, std::string& buffer,
                            std::vector<fastcgi::Event>& events, bool& timed_out) {
  timed_out = false;
  const posix::Waited waited = posix::wait_for(fd_, POLLIN, deadline);
  timed_out = waited == posix::Waited::timeout;
  if (waited != posix::Waited::ready) return false;
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

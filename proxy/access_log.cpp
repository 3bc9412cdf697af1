// Writing access-log lines.
#include "proxy/access_log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast {

namespace {
// Held for a reader that is behind; beyond this lines are dropped and counted.
constexpr std::size_t kBytesMost = 4U << 20;
// A pipe takes this much at once without blocking when poll() says it is writable (pipe(7), PIPE_BUF).
constexpr std::size_t kPipeBytes = 4096;
}  // namespace

AccessLog::Target::~Target() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

AccessLog::Target::Target(Target&& other) noexcept
    : config_(std::move(other.config_)), fd_(std::exchange(other.fd_, -1)) {}

AccessLog::Target& AccessLog::Target::operator=(Target&& other) noexcept {
  std::swap(config_, other.config_);
  std::swap(fd_, other.fd_);
  return *this;
}

std::optional<AccessLog::Target> AccessLog::open(const config::Log& config, std::string& error) {
  Target target;
  target.config_ = config;
  if (config.access == "off") return target;
  if (config.access == "stdout") {
    target.fd_ = STDOUT_FILENO;
    return target;
  }
  // O_NONBLOCK: a FIFO that nobody reads is an error, not a wait.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  target.fd_ = ::open(config.access.c_str(), kFlags, 0644);
  if (target.fd_ < 0) {
    error = "cannot open the access log " + config.access + ": " + std::strerror(errno);
    return std::nullopt;
  }
  return target;
}

AccessLog::~AccessLog() {
  flush();
}

void AccessLog::use(Target target) {
  flush();
  if (target.config_.access != target_.config_.access) {
    dropped_ += static_cast<std::uint64_t>(std::count(lines_.begin(), lines_.end(), '\n'));
    lines_.clear();
  }
  target_ = std::move(target);
  formatter_ = core::AccessLogFormatter(target_.config_.format);
}

void AccessLog::add(const core::AccessRecord& record) {
  if (lines_.size() > kBytesMost) {
    ++dropped_;
    return;
  }
  formatter_.append(record, lines_);
}

void AccessLog::flush() {
  if (lines_.empty() || target_.fd_ < 0) return;
  struct stat status {};
  const bool file = ::fstat(target_.fd_, &status) == 0 && S_ISREG(status.st_mode);
  std::size_t written = 0;
  while (written < lines_.size()) {
    if (!file) {
      pollfd ready{.fd = target_.fd_, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) break;
    }
    const std::size_t left = lines_.size() - written;
    const ssize_t bytes =
        ::write(target_.fd_, lines_.data() + written, file ? left : std::min(left, kPipeBytes));
    if (bytes <= 0) break;
    written += static_cast<std::size_t>(bytes);
  }
  lines_.erase(0, written);
}

}  // namespace holdfast

// Writing access-log lines.
#include "proxy/access_log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace holdfast {

namespace {
// Held for a reader that is behind; beyond this lines are dropped and counted.
constexpr std::size_t kBytesMost = 4U << 20;
// A pipe takes this much at once without blocking when poll() says it is writable (pipe(7), PIPE_BUF).
constexpr std::size_t kPipeBytes = 4096;
}  // namespace

AccessLog::AccessLog(const config::Log& config)
    : config_(config), formatter_(config.format), enabled_(config.access != "off") {}

AccessLog::~AccessLog() {
  flush();
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

bool AccessLog::open(std::string& error) {
  if (!enabled_) return true;
  if (config_.access == "stdout") {
    fd_ = STDOUT_FILENO;
    return true;
  }
  const int fd = ::open(config_.access.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) {
    error = "cannot open the access log " + config_.access + ": " + std::strerror(errno);
    return false;
  }
  if (fd_ > STDERR_FILENO) {
    flush();
    ::close(fd_);
  }
  fd_ = fd;
  return true;
}

void AccessLog::add(const core::AccessRecord& record) {
  if (lines_.size() > kBytesMost) {
    ++dropped_;
    return;
  }
  formatter_.append(record, lines_);
}

void AccessLog::flush() {
  if (lines_.empty() || fd_ < 0) return;
  struct stat status {};
  const bool file = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  std::size_t written = 0;
  while (written < lines_.size()) {
    if (!file) {
      pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) break;
    }
    const std::size_t left = lines_.size() - written;
    const ssize_t bytes = ::write(fd_, lines_.data() + written, file ? left : std::min(left, kPipeBytes));
    if (bytes <= 0) break;
    written += static_cast<std::size_t>(bytes);
  }
  lines_.erase(0, written);
}

}  // namespace holdfast

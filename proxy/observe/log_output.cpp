// How to write and not wait, by kind:
//
//   regular file                 write(2): the disk is not waited for beyond what any file takes
//   socket (journal, container)  send(2) with MSG_DONTWAIT, which is the call's own
//   pipe, FIFO, terminal         opened again by /proc/self/fd: O_NONBLOCK of a description of our own
//   the same, not ours to open   poll(2), then no more than fits where it says that something fits
#include "proxy/observe/log_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace holdfast {

namespace {

// Of one write to a pipe: so much goes in whole or not at all (pipe(7), PIPE_BUF), so lines of several
// writers do not mix; and it fits where poll() says that the pipe is writable.
constexpr std::size_t kPipeBytes = 4096;
// A terminal is writable as soon as little fits.
constexpr std::size_t kTerminalBytes = 256;

// The longest front of `lines` that is within `most` and ends with a line; of a longer line a part.
std::string_view front(std::string_view lines, std::size_t most) {
  if (lines.size() <= most) return lines;
  const std::size_t end = lines.substr(0, most).rfind('\n');
  return lines.substr(0, end == std::string_view::npos ? most : end + 1);
}

bool writable(int fd) {
  pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

enum class Kind { file, socket, non_blocking, shared_pipe, shared_terminal };

class DescriptorOutput final : public LogOutput {
 public:
  DescriptorOutput(int fd, Kind kind, bool owned) : fd_(fd), kind_(kind), owned_(owned) {}
  ~DescriptorOutput() override {
    if (owned_) ::close(fd_);
  }
  DescriptorOutput(const DescriptorOutput&) = delete;
  DescriptorOutput& operator=(const DescriptorOutput&) = delete;

  std::size_t write(std::string_view lines) override {
    std::size_t taken = 0;
    error_ = 0;
    while (taken < lines.size()) {
      const ssize_t bytes = write_some(lines.substr(taken));
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes < 0 && (kind_ == Kind::file || errno == ENOSPC)) error_ = errno;
      if (bytes <= 0) break;
      taken += static_cast<std::size_t>(bytes);
    }
    return taken;
  }
  int error() const override { return error_; }

 private:
  ssize_t write_some(std::string_view lines) const {
    switch (kind_) {
      case Kind::file: return ::write(fd_, lines.data(), lines.size());
      case Kind::socket: return ::send(fd_, lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      case Kind::non_blocking: return write_front(lines, kPipeBytes);
      case Kind::shared_pipe: return writable(fd_) ? write_front(lines, kPipeBytes) : 0;
      case Kind::shared_terminal: return writable(fd_) ? write_front(lines, kTerminalBytes) : 0;
    }
    return 0;
  }
  ssize_t write_front(std::string_view lines, std::size_t most) const {
    const std::string_view piece = front(lines, most);
    return ::write(fd_, piece.data(), piece.size());
  }

  int fd_;
  Kind kind_;
  bool owned_;
  int error_ = 0;
};

// Closed descriptors: what nobody can ever read is not kept.
class NoOutput final : public LogOutput {
 public:
  std::size_t write(std::string_view lines) override { return lines.size(); }
};

// A description of our own of the pipe or terminal that `fd` is. -1: it is none, or not ours to open.
int open_again(int fd, const struct stat& status) {
  if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)) return -1;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

}  // namespace

void own_standard_streams() {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat status {};
    const int own = ::fstat(fd, &status) == 0 ? open_again(fd, status) : -1;
    if (own < 0) continue;
    ::dup2(own, fd);
    ::close(own);
  }
}

std::unique_ptr<LogOutput> standard_output(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return std::make_unique<NoOutput>();
  // Not opened again: its offset is shared with whoever else writes there.
  if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode))
    return std::make_unique<DescriptorOutput>(fd, Kind::file, false);
  if (S_ISSOCK(status.st_mode)) return std::make_unique<DescriptorOutput>(fd, Kind::socket, false);
  if (const int own = open_again(fd, status); own >= 0)
    return std::make_unique<DescriptorOutput>(own, Kind::non_blocking, true);
  const Kind kind = S_ISFIFO(status.st_mode) ? Kind::shared_pipe : Kind::shared_terminal;
  return std::make_unique<DescriptorOutput>(fd, kind, false);
}

std::unique_ptr<LogOutput> owned_output(int fd) {
  struct stat status {};
  const bool file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  return std::make_unique<DescriptorOutput>(fd, file ? Kind::file : Kind::non_blocking, true);
}

}  // namespace holdfast

// Writing access-log lines.
#include "proxy/observe/access_log.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "config/log.h"
#include "proxy/observe/log_file.h"

namespace holdfast {

namespace {
// Held for a reader that is behind; beyond this lines are dropped and counted.
constexpr std::size_t kAccessLogBytesMost = 4U << 20;
}  // namespace

AccessLog::AccessLog()
    : stdout_(standard_output(STDOUT_FILENO)),
      stderr_(standard_output(STDERR_FILENO)),
      writer_(kAccessLogBytesMost) {}

AccessLog::~AccessLog() {
  flush();
}

std::optional<AccessLog::Target> AccessLog::open(const config::Log& config, std::string& error) const {
  Target target;
  target.access_ = config.access;
  target.format_ = config.format;
  if (config.access == "off") return target;
  // By their usual names in containers too: these are links, and what they lead to may be a socket.
  if (config.access == "stdout" || config.access == "/dev/stdout") {
    target.output_ = stdout_;
    return target;
  }
  if (config.access == "/dev/stderr") {
    target.output_ = stderr_;
    return target;
  }
  const LogFile file = open_log_file(config.access, error);
  if (file.fd >= 0) {
    target.output_ = owned_output(file.fd);
    target.file_ = file.fd;
    target.made_ = file.made;
    return target;
  }
  // Opened by root once, and not rotated: it goes on as it is.
  if (file.error_code == EACCES && target_.file_ >= 0 && is_same_file(target_.file_, config.access)) {
    target.output_ = target_.output_;
    target.file_ = target_.file_;
    return target;
  }
  error = "cannot open the access log " + config.access + ": " + error;
  return std::nullopt;
}

void AccessLog::use(Target target) {
  flush();
  const bool is_same = target.output_ == target_.output_ || is_same_file(target.file_, target_.file_);
  if (target.access_ != target_.access_) {
    writer_.drop_all();
  } else if (!is_same) {
    writer_.start_line_over();
  }
  // Of a process before us that the disk was full for: its half line is not to be joined to one of ours.
  if (!is_same && target.file_ >= 0 && ends_within_line(target.file_)) writer_.lines().insert(0, 1, '\n');
  target_ = std::move(target);
  writer_.use(target_.output_);
  formatter_ = core::AccessLogFormatter(target_.format_);
}

void AccessLog::hand_over(uid_t user, gid_t group) const {
  // Should that fail, a later opening says so.
  if (target_.made_) static_cast<void>(::fchown(target_.file_, user, group) == 0);
}

void AccessLog::add(const core::AccessRecord& record) {
  if (writer_.admit()) formatter_.append(record, writer_.lines());
}

}  // namespace holdfast

// The access log's file: collects lines during a loop turn and writes them at its end, without ever waiting
// for a slow reader. Owns the file descriptor unless it is stdout.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "proxy/core/access_log_line.h"

namespace holdfast {

class AccessLog {
 public:
  explicit AccessLog(const config::Log& config);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // Opens the file, or opens it again after a rotation (SIGHUP). False with `error` when it cannot be opened.
  [[nodiscard]] bool open(std::string& error);
  bool enabled() const { return enabled_; }
  void add(const core::AccessRecord& record);
  // Writes what was collected, as far as the reader takes it now.
  void flush();
  bool pending() const { return !lines_.empty(); }
  // Lines dropped because the reader was too far behind.
  std::uint64_t dropped() const { return dropped_; }

 private:
  config::Log config_;
  core::AccessLogFormatter formatter_;
  std::string lines_;
  std::uint64_t dropped_ = 0;
  int fd_ = -1;
  bool enabled_ = false;
};

}  // namespace holdfast

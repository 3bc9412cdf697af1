// The access log's file: collects lines during a loop turn and writes them at its end, without ever waiting
// for a slow reader. Owns the file descriptor unless it is stdout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.h"
#include "proxy/core/access_log_line.h"

namespace holdfast {

class AccessLog {
 public:
  // Where lines go and how they look: open, and not yet in use. Owns its descriptor.
  class Target {
   public:
    Target() = default;  // nothing is logged
    ~Target();
    Target(Target&& other) noexcept;
    Target& operator=(Target&& other) noexcept;

   private:
    friend class AccessLog;
    config::Log config_{.access = "off"};
    int fd_ = -1;
  };
  // Opens a file for appending, also one that is in use: after a rotation its name means another. Nothing,
  // with the path and the reason in `error`, when it cannot be opened.
  [[nodiscard]] static std::optional<Target> open(const config::Log& config, std::string& error);

  AccessLog() = default;
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // From now on lines go there; what was collected goes where it was meant to go, as far as that takes it.
  void use(Target target);
  bool enabled() const { return target_.fd_ >= 0; }
  void add(const core::AccessRecord& record);
  // Writes what was collected, as far as the reader takes it now.
  void flush();
  bool pending() const { return !lines_.empty(); }
  // Lines dropped because the reader was too far behind.
  std::uint64_t dropped() const { return dropped_; }

 private:
  Target target_;
  core::AccessLogFormatter formatter_{config::LogFormat::combined};
  std::string lines_;
  std::uint64_t dropped_ = 0;
};

}  // namespace holdfast

// The access log's file: collects lines during a loop turn and writes them at its end, without ever waiting
// for a slow reader. Owns the file descriptor unless it is stdout.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "config/choices.h"
#include "config/snapshot.h"
#include "proxy/core/access_log_line.h"
#include "proxy/observe/log_writer.h"

namespace holdfast {

class AccessLog {
 public:
  // Where lines go and how they look: open, and not yet in use.
  class Target {
   private:
    friend class AccessLog;
    std::string access_ = "off";  // as configured
    config::LogFormat format_ = config::LogFormat::combined;
    std::shared_ptr<LogOutput> output_;  // none: nothing is logged
    int file_ = -1;                      // of the output, where it is a file
    bool made_ = false;
  };

  AccessLog();
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // Opens a file for appending, also one that is in use: after a rotation its name means another. Nothing,
  // with the path and the reason in `error`, when it cannot be opened.
  [[nodiscard]] std::optional<Target> open(const config::Log& config, std::string& error) const;
  // From now on lines go there; what was collected goes where it was meant to go, as far as that takes it.
  void use(Target target);
  // The file belongs to this user from now on, if it was made for us: it is to be opened again by that user.
  void hand_over(uid_t user, gid_t group) const;
  bool enabled() const { return writer_.has_output(); }
  void add(const core::AccessRecord& record);
  // Writes what was collected, as far as the reader takes it now. How many bytes it took.
  std::size_t flush() { return writer_.flush(); }
  bool pending() const { return writer_.pending(); }
  // Lines dropped because the reader was too far behind, and those of a gap that is over and to be told of.
  std::uint64_t dropped() const { return writer_.dropped(); }
  std::uint64_t take_untold() { return writer_.take_untold(); }
  // The errno by which the file refuses lines that wait (a full disk); 0: it does not.
  int error() const { return writer_.error(); }
  const std::string& path() const { return target_.access_; }  // as configured

 private:
  Target target_;
  std::shared_ptr<LogOutput> stdout_;  // opened once: a later user may not be allowed to
  std::shared_ptr<LogOutput> stderr_;
  LogWriter writer_;
  core::AccessLogFormatter formatter_{config::LogFormat::combined};
};

}  // namespace holdfast

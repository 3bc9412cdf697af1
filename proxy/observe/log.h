// The error log: lines on stderr, each with time, level and text. Whatever comes from outside is escaped by
// the caller with core::escape_for_log(). A line is written at once where stderr takes it, and kept for the
// end of the turn where its reader is behind: nothing here ever waits.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "config/choices.h"
#include "proxy/observe/log_writer.h"

namespace holdfast {

class Log {
 public:
  explicit Log(config::LogLevel level = config::LogLevel::info);
  Log(config::LogLevel level, std::unique_ptr<LogOutput> output);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void set_level(config::LogLevel level) { level_ = level; }
  bool wants(config::LogLevel level) const { return level >= level_; }

  void debug(std::string_view text) { write(config::LogLevel::debug, text); }
  void info(std::string_view text) { write(config::LogLevel::info, text); }
  void warn(std::string_view text) { write(config::LogLevel::warn, text); }
  void error(std::string_view text) { write(config::LogLevel::error, text); }
  // What an application said, not escaped yet: as many of its lines as fit in one of ours, each of ours
  // behind `begin`, and `end` behind the last.
  void warn_lines(std::string_view begin, std::string_view said, std::string_view end);
  // Lines for whoever started us, as they are: without time and level.
  void print(std::string_view lines);

  // Once a turn: what stderr did not take before. Tells of lines that were dropped, when it takes some again.
  // How many bytes it took.
  std::size_t flush();
  bool pending() const { return writer_.pending(); }
  std::uint64_t dropped() const { return writer_.dropped(); }

 private:
  void write(config::LogLevel level, std::string_view text);
  void add(std::string_view head, std::string_view text);

  config::LogLevel level_;
  LogWriter writer_;
};

}  // namespace holdfast

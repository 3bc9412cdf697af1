// The error log: lines on stderr, each with time, level and text. Whatever comes from outside is escaped by
// the caller with core::escape_for_log(). Lines are written at once; they are rare.
#pragma once

#include <string_view>

#include "config/config.h"

namespace holdfast {

class Log {
 public:
  explicit Log(config::LogLevel level = config::LogLevel::info) : level_(level) {}
  void set_level(config::LogLevel level) { level_ = level; }
  bool wants(config::LogLevel level) const { return level >= level_; }

  void debug(std::string_view text) { write(config::LogLevel::debug, text); }
  void info(std::string_view text) { write(config::LogLevel::info, text); }
  void warn(std::string_view text) { write(config::LogLevel::warn, text); }
  void error(std::string_view text) { write(config::LogLevel::error, text); }

 private:
  void write(config::LogLevel level, std::string_view text);
  config::LogLevel level_;
};

}  // namespace holdfast

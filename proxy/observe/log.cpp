// Writes log lines: "2026-11-23T10:00:00.123Z warn text".
#include "proxy/observe/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include "proxy/core/log_text.h"

namespace holdfast {

namespace {
// Held for a reader that is behind; beyond this lines are dropped and counted.
constexpr std::size_t kErrorLogBytesMost = 64U << 10;

// A line with its end, or one of the messages that php-fpm puts in one line.
std::string_view first_message(std::string_view said) {
  constexpr std::string_view kNext = "; PHP message: ";
  const std::size_t line = said.find('\n');
  const std::size_t message = said.find(kNext);
  if (line < message) return said.substr(0, line + 1);
  return message == std::string_view::npos ? said : said.substr(0, message + 2);
}
}  // namespace

Log::Log(config::LogLevel level) : Log(level, standard_output(STDERR_FILENO)) {}

Log::Log(config::LogLevel level, std::unique_ptr<LogOutput> output)
    : level_(level), writer_(kErrorLogBytesMost) {
  writer_.use(std::move(output));
}

Log::~Log() {
  flush();
}

void Log::write(config::LogLevel level, std::string_view text) {
  if (!wants(level)) return;
  static constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> stamp{};
  const std::size_t date = std::strftime(stamp.data(), stamp.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const int rest = std::snprintf(stamp.data() + date, stamp.size() - date, ".%03dZ ",
                                 static_cast<int>(milliseconds % 1000));
  std::string head(stamp.data(), date + static_cast<std::size_t>(rest));
  head.append(kLevels[static_cast<std::size_t>(level)]).append(" ");
  add(head, text);
}

void Log::warn_lines(std::string_view begin, std::string_view said, std::string_view end) {
  constexpr std::size_t kMost = core::kLogLineMost - 64;  // without time, level and line end
  while (said.ends_with('\n')) said.remove_suffix(1);
  std::string line(begin);
  const std::size_t room = kMost - std::min(kMost, begin.size());
  bool cut = false;  // the line ends in "... n more bytes"
  for (bool first = true; first || !said.empty(); first = false) {
    const std::string_view one = first_message(said);
    said.remove_prefix(one.size());
    const std::string text = core::escape_for_log(one);
    if (cut || (!first && line.size() + text.size() > kMost)) {
      warn(line);
      line = begin;
    }
    core::append_cut(line, text, room);
    cut = text.size() > room;
  }
  if (line.size() + end.size() > kMost) {
    warn(line);
    line = begin;
  }
  warn(line.append(end));
}

void Log::print(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    add({}, lines.substr(0, end));
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
}

void Log::add(std::string_view head, std::string_view text) {
  if (!writer_.admit()) return;
  const bool behind = writer_.pending();
  writer_.lines().append(head);
  core::append_cut(writer_.lines(), text, core::kLogLineMost - head.size() - 1);
  writer_.lines().append("\n");
  if (!behind) writer_.flush();  // else at the end of the turn
}

std::size_t Log::flush() {
  if (!writer_.pending()) return 0;
  const std::size_t taken = writer_.flush();
  if (const std::uint64_t lines = writer_.take_untold(); lines > 0) {
    warn("error log: " + std::to_string(lines) + " lines were dropped while nobody read them");
  }
  return taken;
}

}  // namespace holdfast

// Writes log lines: "2026-11-23T10:00:00.123Z warn text".
#include "proxy/log.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

namespace holdfast {

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
  std::string line(stamp.data(), date + static_cast<std::size_t>(rest));
  line.append(kLevels[static_cast<std::size_t>(level)]).append(" ").append(text).append("\n");
  // A log that cannot be written must not stop the server.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace holdfast

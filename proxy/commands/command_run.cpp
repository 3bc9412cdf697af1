// run, check, config.
#include "proxy/commands/command_run.h"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/load.h"
#include "config/snapshot.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/core/log_text.h"
#include "proxy/observe/log.h"
#include "proxy/posix/start_signals.h"
#include "proxy/worker/server.h"

namespace holdfast {

namespace {

struct Loaded {
  config::Snapshot config;  // nullptr: there are errors
  std::string first_error;  // and how many there are
  std::size_t warnings = 0;
  std::string told;  // all diagnostics
  std::vector<std::string> sources;
};

Loaded sorted(config::LoadResult result) {
  Loaded loaded;
  std::size_t errors = 0;
  for (const config::Diagnostic& diagnostic : result.diagnostics) {
    loaded.told += config::format_diagnostic(diagnostic);
    if (diagnostic.severity == config::Severity::warning) ++loaded.warnings;
    if (diagnostic.severity != config::Severity::error || ++errors > 1) continue;
    loaded.first_error = diagnostic.file + ":";
    if (diagnostic.line > 0)  // else it is of the whole file
      loaded.first_error += std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column) + ":";
    loaded.first_error += " " + diagnostic.message;
  }
  if (errors > 1) loaded.first_error += " (and " + std::to_string(errors - 1) + " more)";
  loaded.config = std::move(result.config);
  loaded.sources = std::move(result.sources);
  return loaded;
}

// For commands, whose reader may be waited for.
Loaded load_and_tell(const std::string& file) {
  Loaded loaded = sorted(config::load_file(file));
  std::fputs(loaded.told.c_str(), stderr);
  return loaded;
}

class FileHooks final : public ServerHooks {
 public:
  FileHooks(const std::string& file, std::vector<std::string> sources)
      : file_(file), sources_(std::move(sources)) {}
  config::Snapshot load_again(Log& log, std::string& error) override {
    Loaded loaded = sorted(config::load_file_again(file_));
    log.print(loaded.told);
    error = std::move(loaded.first_error);
    return std::move(loaded.config);
  }

  std::vector<std::string> sources() const override { return sources_; }

 private:
  const std::string& file_;
  std::vector<std::string> sources_;
};

struct RunOptions {
  std::string file = kDefaultFile;
  bool strict = false;
};

int serve_file(const RunOptions& options) {
  Loaded loaded = sorted(config::load_file(options.file));
  posix::hold_signals();
  Log().print(loaded.told);  // whose reader may have stopped in an earlier run, or gone
  if (loaded.config == nullptr) return kExitConfig;
  FileHooks hooks(options.file, std::move(loaded.sources));
  return run_server(std::move(loaded.config), hooks);
}

std::string counted(std::size_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

int check_file(const RunOptions& options) {
  const Loaded loaded = load_and_tell(options.file);
  if (loaded.config == nullptr) return kExitConfig;
  const bool refused = options.strict && loaded.warnings > 0;
  std::string text = options.file + ": " + (refused ? "not ok, " : "ok, ") +
                     counted(config::count_sites(*loaded.config), "site") + ", " +
                     counted(config::count_pools(*loaded.config), "pool");
  if (loaded.warnings > 0) text += ", " + counted(loaded.warnings, "warning");
  std::printf("%s\n", core::escape_for_log(text).c_str());
  return refused ? kExitConfig : 0;
}

int print_file(const RunOptions& options) {
  const Loaded loaded = load_and_tell(options.file);
  if (loaded.config == nullptr) return kExitConfig;
  std::fputs(config::to_yaml(*loaded.config).c_str(), stdout);
  return 0;
}

}  // namespace

void add_run_commands(CommandLine& line) {
  const auto options = std::make_shared<RunOptions>();  // lives as long as the actions
  const auto describe = [&line, options](const char* name, const char* text) {
    Command command = line.add(name, text);
    command.text("-c,--config", options->file, "Configuration file");
    return command;
  };
  const auto add = [&describe, options](const char* name, const char* text, int (*work)(const RunOptions&)) {
    Command command = describe(name, text);
    command.action([options, work] { return work(*options); });
    return command;
  };
  Command running = describe("run", "Serve in the foreground, by a configuration file.");
  running.serving_action([options] { return serve_file(*options); });
  running.footer(
      "Exit status: 0 stopped in order, 64 usage, 71 cannot start, 78 mistakes in the configuration.\n"
      "Signals: SIGTERM, SIGINT and SIGQUIT let running requests end, SIGHUP reads the file again,\n"
      "SIGUSR2 too, SIGUSR1 opens the access log again.");
  Command checking =
      add("check", "Validate the configuration: every mistake at once, with its place and the remedy.",
          check_file);
  checking.flag("--strict", options->strict, "Warnings fail too");
  checking.footer(
      "Exit status: 0 (warnings are told on stderr), 78 mistakes.\n"
      "It looks at the file alone; `holdfast doctor` compares it with php-fpm and the kernel.");
  add("config", "Print the effective configuration, defaults included.", print_file)
      .footer("Variables are expanded in it, so it may hold secrets.");
}

}  // namespace holdfast

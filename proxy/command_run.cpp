// run, check, config.
#include "proxy/command_run.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "config/load.h"
#include "proxy/log.h"
#include "proxy/server.h"

namespace holdfast {

namespace {

constexpr int kConfigError = 78;  // EX_CONFIG
constexpr const char* kDefaultFile = "/etc/holdfast/holdfast.yaml";

// Loads, with all diagnostics in `told`; nothing when there is an error: then `error` has the first one and
// tells how many there are.
config::Snapshot load(const std::string& file, std::string& told, std::string& error) {
  config::LoadResult result = config::load_file(file);
  std::size_t errors = 0;
  for (const config::Diagnostic& diagnostic : result.diagnostics) {
    told += config::format_diagnostic(diagnostic);
    if (diagnostic.severity != config::Severity::error || ++errors > 1) continue;
    error = diagnostic.file + ":" + std::to_string(diagnostic.line) + ":" +
            std::to_string(diagnostic.column) + ": " + diagnostic.message;
  }
  if (errors > 1) error += " (and " + std::to_string(errors - 1) + " more)";
  if (!result.config) return nullptr;
  return std::make_shared<const config::Config>(*std::move(result.config));
}

config::Snapshot load(const std::string& file) {
  std::string told, error;
  config::Snapshot snapshot = load(file, told, error);
  std::fputs(told.c_str(), stderr);
  return snapshot;
}

class FileHooks final : public ServerHooks {
 public:
  explicit FileHooks(const std::string& file) : file_(file) {}
  config::Snapshot load_again(Log& log, std::string& error) override {
    std::string told;
    config::Snapshot snapshot = load(file_, told, error);
    log.print(told);
    return snapshot;
  }

 private:
  const std::string& file_;
};

int run(const std::string& file) {
  std::string told, error;
  config::Snapshot snapshot = load(file, told, error);
  std::signal(SIGPIPE, SIG_IGN);
  Log().print(told);  // whose reader may have stopped in an earlier run, or gone
  if (snapshot == nullptr) return kConfigError;
  FileHooks hooks(file);
  return run_server(std::move(snapshot), hooks);
}

int check(const std::string& file) {
  const config::Snapshot snapshot = load(file);
  if (snapshot == nullptr) return kConfigError;
  const std::size_t sites = snapshot->sites.size(), pools = snapshot->pools.size();
  std::printf("%s: ok, %zu site%s, %zu pool%s\n", file.c_str(), sites, sites == 1 ? "" : "s", pools,
              pools == 1 ? "" : "s");
  return 0;
}

int print(const std::string& file) {
  const config::Snapshot snapshot = load(file);
  if (snapshot == nullptr) return kConfigError;
  std::fputs(config::to_yaml(*snapshot).c_str(), stdout);
  return 0;
}

}  // namespace

void add_run_commands(CLI::App& app, int& exit_status) {
  const auto file = std::make_shared<std::string>(kDefaultFile);
  const auto add = [&app, &exit_status, file](const char* name, const char* text,
                                              int (*command)(const std::string&)) {
    CLI::App* sub = app.add_subcommand(name, text);
    sub->add_option("-c,--config", *file, "Configuration file")->capture_default_str();
    sub->callback([&exit_status, file, command] { exit_status = command(*file); });
  };
  add("run", "Serve in the foreground. SIGTERM and SIGINT finish running requests and end; SIGHUP reloads.",
      run);
  add("check", "Validate the configuration: exit 0, or 78 with every mistake and its place.", check);
  add("config", "Print the effective configuration, defaults included.", print);
}

}  // namespace holdfast

// status: asks /status and prints a table in pgbouncer's manner.
#include "proxy/commands/command_status.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/load.h"
#include "proxy/commands/admin_question.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/commands/live_terminal.h"
#include "proxy/commands/status_view.h"
#include "proxy/json/json.h"

namespace holdfast {

namespace {

constexpr std::chrono::seconds kLimit(5);

struct StatusOptions {
  std::string admin;        // empty: of the configuration
  std::string config_file;  // empty: the usual one, if it is there
  bool json = false;
  bool watch = false;
};

class StatusCommand {
 public:
  explicit StatusCommand(const StatusOptions& options) : options_(options), admin_(options.admin) {}

  int run() {
    if (const int status = find_endpoint(); status != 0) return status;
    if (!options_.watch) return show_once(nullptr);
    const EndSignals signals;
    std::optional<LiveScreen> screen;
    if (!options_.json && stdout_is_terminal()) screen.emplace();
    do {
      // A server that is away for a moment is no reason to stop looking; one that never was there is.
      if (const int status = show_once(screen ? &*screen : nullptr); status == kExitUnavailable && !before_)
        return status;
    } while (!signals.wait_a_second());
    return 0;
  }

  const std::string& error() const { return error_; }

 private:
  int find_endpoint() {
    if (!options_.config_file.empty()) {
      const config::LoadResult loaded = config::load_file(options_.config_file);
      if (!loaded.config) {
        error_ = config::format_diagnostics(loaded.diagnostics);
        return kExitConfig;
      }
      return take_from(options_.config_file, *loaded.config);
    }
    if (admin_.empty()) {
      // A file with mistakes is not what was asked about: then its endpoint is looked for where it is by
      // default.
      const config::LoadResult usual = config::load_file(kDefaultFile);
      if (usual.config) return take_from(kDefaultFile, *usual.config);
      admin_ = config::Config{}.admin->text();
    }
    std::string why;
    const auto address = config::parse_listen_address(admin_, why);
    if (!address) {
      error_ = "holdfast status: --admin " + admin_ + ": " + why + "\n";
      return kExitUsage;
    }
    address_ = *address;
    return 0;
  }

  int take_from(const std::string& file, const config::Config& config) {
    if (!config.admin) {
      error_ = "holdfast status: " + file +
               ": admin.listen is off, so nobody can be asked; `admin: "
               "127.0.0.1:9180` switches it on\n";
      return kExitUnavailable;
    }
    admin_ = config.admin->text();
    address_ = *config.admin;
    return 0;
  }

  int show_once(const LiveScreen* screen) {
    AdminTrouble trouble{"not an answer of Holdfast"};
    const std::optional<std::string> body = ask_admin(address_, "/status", kLimit, trouble);
    std::optional<Json> json = body ? Json::parse(*body) : std::nullopt;
    if (!json || !json->is_object()) {
      error_ = "holdfast status: " + admin_ + ": " + trouble.what + "; " + trouble.remedy + "\n";
      if (screen != nullptr) screen->draw(error_);
      return kExitUnavailable;
    }
    error_.clear();
    if (options_.json) {
      print(json->dump(options_.watch ? -1 : 2) + "\n");
    } else {
      const std::string table = status_table(*json, before_ ? &*before_ : nullptr);
      if (screen != nullptr) {
        screen->draw(table);
      } else {
        print(before_ ? "\n" + table : table);
      }
    }
    before_ = std::move(json);
    return all_reachable(*before_) ? 0 : 1;
  }

  StatusOptions options_;
  std::string admin_;  // as text
  config::Address address_;
  std::optional<Json> before_;  // the last answer
  std::string error_;
};

}  // namespace

void add_status_command(CommandLine& line) {
  Command command = line.add("status", "Pools and queue of a running server, from its admin endpoint.");
  const auto options = std::make_shared<StatusOptions>();  // lives as long as the action
  command.text("--admin", options->admin,
               "The admin endpoint: HOST:PORT or unix:PATH; default: that of the configuration");
  command.text("-c,--config", options->config_file,
               "Names the admin endpoint; default: " + std::string(kDefaultFile) + ", else 127.0.0.1:9180");
  command.exclude("--config", "--admin");
  command.flag("-w,--watch", options->watch,
               "Once a second until Ctrl-C, with requests a second; with --json one object a line");
  command.flag("--json", options->json, "The whole of /status");
  command.footer(
      "Exit status: 0 all pools reach php-fpm, 1 one does not, 64 usage, 69 no answer, 78 mistakes in the "
      "configuration.");
  command.action([options] {
    StatusCommand status(*options);
    const int exit_status = status.run();
    std::fputs(status.error().c_str(), stderr);
    return exit_status;
  });
}

}  // namespace holdfast

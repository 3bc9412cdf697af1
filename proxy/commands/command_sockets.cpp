// The command line of sockets, and its loop and screen for --watch. Reading is in net/socket_table.h, text in
// sockets_view.h.
#include "proxy/commands/command_sockets.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "config/load.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/commands/live_terminal.h"
#include "proxy/commands/sockets_view.h"
#include "proxy/observe/wall_clock.h"
#include "proxy/sockets/socket_table.h"

namespace holdfast {

namespace {

struct SocketsOptions {
  bool watch = false;
  bool csv = false;
  bool json = false;
  bool proc = false;
  std::uint32_t ports_max = 20;
  std::string config_file;
};

enum class Form { table, csv, json };

std::string utc_now() {
  const std::time_t now = wall_seconds();
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

class SocketsCommand {
 public:
  explicit SocketsCommand(const SocketsOptions& options) : options_(options) {
    sources_.netlink = !options.proc;
    form_ = options.csv ? Form::csv : options.json ? Form::json : Form::table;
    style_.color = colors_wanted();
    style_.ports_max = options.ports_max;
  }

  int run() {
    if (!options_.config_file.empty() && !load_config()) return kExitConfig;
    if (form_ == Form::csv) print(sockets_csv_heading());
    if (!options_.watch) return show_once(nullptr) ? 0 : 1;
    const EndSignals signals;
    const bool live = form_ == Form::table && stdout_is_terminal();
    std::optional<LiveScreen> screen;
    if (live) screen.emplace();
    do {
      if (!show_once(live ? &*screen : nullptr)) return 1;
    } while (!signals.wait_a_second());
    return 0;
  }

  const std::string& error() const { return error_; }

 private:
  bool load_config() {
    config::LoadResult loaded = config::load_file(options_.config_file);
    config_ = std::move(loaded.config);
    if (config_) return true;
    error_ = config::format_diagnostics(loaded.diagnostics);
    return false;
  }

  bool show_once(const LiveScreen* screen) {
    std::string problem;
    net::SocketReport report = net::read_sockets(problem, sources_);
    if (!problem.empty()) {
      error_ = "holdfast sockets: " + problem + "\n";
      return false;
    }
    if (config_) name_own_ports(*config_, report);
    const std::string time = utc_now();
    switch (form_) {
      case Form::csv: print(sockets_csv_rows(report, time)); return true;
      case Form::json: print(sockets_json(report, time, options_.watch ? -1 : 2)); return true;
      case Form::table: break;
    }
    if (screen == nullptr) {
      print(sockets_table(report, time, style_));
      return true;
    }
    TableStyle style = style_;
    style.lines_max = screen->lines();
    screen->draw(sockets_table(report, time, style));
    return true;
  }

  SocketsOptions options_;
  net::SocketSources sources_;
  Form form_ = Form::table;
  TableStyle style_;
  config::Snapshot config_;
  std::string error_;
};

}  // namespace

void add_sockets_command(CommandLine& line) {
  const auto options = std::make_shared<SocketsOptions>();  // lives as long as the action
  Command command = line.add("sockets", "Socket states of this network namespace, by port and side.");
  command.flag("-w,--watch", options->watch,
               "Once a second until Ctrl-C: a live table, or rows with --csv, --json");
  command.flag("--csv", options->csv, "Comma separated, one row a port and side");
  command.flag("--json", options->json, "One JSON object; with --watch one a line");
  command.exclude("--json", "--csv");
  command.number("--top", options->ports_max, 1, 65536, "Rows of each table");
  command.flag("--proc", options->proc, "Read /proc/net instead of netlink");
  command.text("-c,--config", options->config_file, "Name the listeners and pools of this configuration");
  command.action([options] {
    SocketsCommand sockets(*options);
    const int status = sockets.run();
    std::fputs(sockets.error().c_str(), stderr);
    return status;
  });
}

}  // namespace holdfast

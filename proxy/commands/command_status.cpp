// status: asks /status and prints a table in pgbouncer's manner.
#include "proxy/commands/command_status.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/load.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/commands/live_terminal.h"
#include "proxy/commands/status_view.h"
#include "proxy/core/log_text.h"
#include "proxy/json/json.h"
#include "proxy/posix/blocking_connect.h"

namespace holdfast {

namespace {

constexpr std::size_t kLineShown = 100;
constexpr std::chrono::seconds kLimit(5);

// Why there is no answer, and what to do about it.
struct Trouble {
  std::string what;
  std::string remedy =
      "is Holdfast running, and is this its `admin.listen`? Another: --admin ADDRESS or -c FILE";
};

Trouble cannot_connect(const posix::ConnectFailure& failure) {
  Trouble trouble;
  trouble.what = failure.text;
  if (failure.number == EACCES) trouble.remedy = "ask as root, or as a user who may write to this socket";
  return trouble;
}

int connect_to(const config::Address& address, Trouble& trouble) {
  posix::ConnectFailure failure;
  const int fd = posix::connect_within(address, kLimit, failure);
  if (fd < 0 && failure.name_unknown) {
    trouble = {failure.text, "is the name right?"};
  } else if (fd < 0) {
    trouble = cannot_connect(failure);
  }
  return fd;
}

// Body of GET `path`, or nothing with `trouble`.
std::optional<std::string> get(const config::Address& address, const std::string& path, Trouble& trouble) {
  const int fd = connect_to(address, trouble);
  if (fd < 0) return std::nullopt;
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  std::string answer;
  bool in_time = true;
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[16384];
    ssize_t bytes = 1;
    while (in_time && bytes > 0) {
      in_time = posix::wait_for(fd, POLLIN, deadline) != posix::Waited::timeout;
      if (in_time && (bytes = ::recv(fd, buffer, sizeof(buffer), 0)) > 0)
        answer.append(buffer, static_cast<std::size_t>(bytes));
    }
  }
  ::close(fd);
  const std::size_t body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200 ") || body == std::string::npos) {
    const std::string line =
        core::escape_for_log(answer.substr(0, std::min(answer.find("\r\n"), kLineShown)));
    if (answer.empty())
      trouble = {in_time ? "closes the connection without an answer" : "no answer within 5 s",
                 "does something else listen there, or is the process stopped?"};
    else
      trouble = {"answers " + line, "this is not the admin endpoint of Holdfast: see its `admin.listen`"};
    return std::nullopt;
  }
  return answer.substr(body + 4);
}

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
    Trouble trouble{"not an answer of Holdfast"};
    const std::optional<std::string> body = get(address_, "/status", trouble);
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

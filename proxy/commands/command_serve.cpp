// serve: makes a configuration from the command line, starts php-fpm where needed, and runs.
#include "proxy/commands/command_serve.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/config.h"
#include "config/load.h"
#include "config/pool.h"
#include "config/recognise_app.h"
#include "config/site.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/core/log_text.h"
#include "proxy/fpm/private_fpm.h"
#include "proxy/fpm/run_user.h"
#include "proxy/observe/log.h"
#include "proxy/posix/start_signals.h"
#include "proxy/worker/server.h"

namespace holdfast {

namespace {

namespace fs = std::filesystem;

struct ServeOptions {
  std::string folder = ".";
  std::string listen = "127.0.0.1:8080";
  std::string admin = "127.0.0.1:9180";
  std::string php;
  std::string fpm_binary;
  std::string front_controller;
  std::string user;
  std::uint32_t connections = 4;
};

constexpr const char* kNoFrontController = "none";

std::string shown(const std::string& text) {
  return core::escape_for_log(text);
}

// A folder with a public/ below it that holds the index is a Symfony or Laravel project: its web root is
// public/.
fs::path web_root(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / "index.php", error) && fs::exists(folder / "public" / "index.php", error))
    return folder / "public";
  return folder;
}

bool has_index(const config::Site& site) {
  std::error_code error;
  return !site.fallback.empty() ||
         std::any_of(site.index.begin(), site.index.end(), [&](const std::string& name) {
           return fs::is_regular_file(fs::path(site.root) / name, error);
         });
}

// As `php -S` and Caddy do it: what is not a file goes to the folder's index.php. Empty: there is none, or
// none is wanted. An error when the one that was asked for is not there.
std::string front_controller(const ServeOptions& options, const fs::path& root, std::string& error) {
  std::error_code failure;
  if (options.front_controller == kNoFrontController) return {};
  std::string path = options.front_controller.empty() ? "/index.php" : options.front_controller;
  if (path.starts_with('/') && fs::is_regular_file(root.string() + path, failure)) return path;
  if (!options.front_controller.empty())
    error = "--front-controller " + path + ": " +
            (path.starts_with('/') ? "there is no " + root.string() + path : "write /" + path);
  return {};
}

// Says what was done and where to look, once it listens.
class StartNote final : public ServerHooks {
 public:
  // `app`: the preset that is used; nullptr: none.
  StartNote(const ServeOptions& options, const PrivateFpm& fpm, const config::Preset* app,
            config::Snapshot config)
      : options_(options), fpm_(fpm), app_(app), config_(std::move(config)) {}
  // There is no file that could have changed.
  config::Snapshot load_again(Log&, std::string&) override { return config_; }
  // There are options in the place of keys.
  std::string in_its_words(const std::string& error) const override {
    if (error.starts_with("admin.listen: ")) return "--admin: " + error.substr(14);
    return error.starts_with("listen: ") ? "--" + error : error;
  }
  void on_started(Log& log) override {
    const std::string connections = std::to_string(options_.connections);
    if (options_.php.empty()) {
      log.print("php:     " + fpm_.binary() + ", " + std::to_string(options_.connections + 1) +
                " workers, started for this (pid " + std::to_string(fpm_.pid()) + "); ends with it");
    } else {
      log.print("php:     " + shown(options_.php));
    }
    const config::Site& site = config_->sites.front();
    log.print("serving: " + shown(site.root) + ", at most " + connections + " connections to php-fpm");
    if (app_ != nullptr) {
      const std::string name(app_->name);
      log.print("app:     " + name + ", by its files: its rules hold (app: " + name + " in a configuration)");
    }
    if (!site.fallback.empty()) {
      log.print("routes:  what is not a file goes to " + shown(site.fallback) +
                " (--front-controller none: 404)");
    }
    if (::access(site.root.c_str(), R_OK | X_OK) != 0)
      log.print("note:    " + shown(site.root) + " may not be read: " + std::strerror(errno) +
                "; what is asked for is answered with 403");
    else if (!has_index(site))
      log.print("note:    no index.php and no index.html in " + shown(site.root) +
                ": / is answered with 404");
    log.print("open:    http://" + shown(options_.listen) + "/   (Ctrl-C ends it)");
    if (options_.admin != "off") log.print("watch:   http://" + shown(options_.admin) + "/");
  }

 private:
  const ServeOptions& options_;
  const PrivateFpm& fpm_;
  const config::Preset* app_;
  config::Snapshot config_;
};

// Nothing: it cannot be tried, since root may not become that user.
std::optional<bool> may_serve(const RunUser& user, const std::string& root) {
  const auto answers = try_access_as(user, {{root, R_OK | X_OK}});
  return answers ? std::optional(answers->front() == 0) : std::nullopt;
}

// Home folders are closed to the usual user of web servers: who works there is asked for with sudo.
std::optional<RunUser> owner_who_may_serve(const std::string& root) {
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0 || status.st_uid == 0) return std::nullopt;
  std::string error;
  std::optional<RunUser> owner = find_run_user(std::to_string(status.st_uid), {}, error);
  if (owner && !may_serve(*owner, root).value_or(false)) owner.reset();
  return owner;
}

std::string nobody_may_serve(const std::string& root) {
  return "only root may read " + shown(root) +
         ", and neither php nor this server runs as root: move it (to /srv, for one), let others read it and "
         "enter the folders above, or name an account that may: --user NAME";
}

// `app`: the preset of the application that lies there, if it is known.
config::Site make_site(const ServeOptions& options, const std::string& root, const config::Preset* app,
                       std::string& error) {
  config::Site site;
  if (app != nullptr) site = config::preset_site(*app);
  site.root = site.php_root = root;
  if (app == nullptr || !options.front_controller.empty())
    site.fallback = front_controller(options, root, error);
  return site;
}

// What `check` says of a configuration like this one, in terms of the command line. Empty: nothing speaks
// against it; warnings are told. Else why it is refused.
std::string look_at(const config::Config& config) {
  std::string refusal;
  constexpr std::string_view kRootKey = "sites[0].root: ";
  for (config::Diagnostic each : config::load_text(config::to_yaml(config), "holdfast serve").diagnostics) {
    if (each.message.starts_with(kRootKey)) each.message.erase(0, kRootKey.size());
    each.line = each.column = 0;
    each.source_line.clear();
    if (each.severity == config::Severity::warning) {
      Log().print(config::format_diagnostic(each));  // whose reader may have stopped
    } else if (refusal.empty()) {
      refusal = each.hint.empty() ? each.message : each.message + "; " + each.hint;
    }
  }
  return refusal;
}

// Started as root, php-fpm and the server become the same user: it is put into `user`. An exit status, told;
// 0: go on.
int choose_user(const ServeOptions& options, config::Config& config, std::optional<RunUser>& user) {
  std::string error;
  const std::string& root = config.sites.front().root;
  config::Config asked;  // no pool of another php-fpm has a say
  asked.user = options.user;
  user = choose_run_user(asked, error);
  if (!user && !error.empty()) return fail("serve", kExitUsage, "--user: " + shown(error));
  if (user && user->uid == 0)
    return fail(
        "serve", kExitUsage,
        "--user root: php-fpm runs no scripts as root, and this does not either; name an account that "
        "may read " +
            shown(root));
  const std::optional<bool> may = user ? may_serve(*user, root) : true;
  if (!may)
    return fail(
        "serve", kExitUnavailable,
        "cannot become user " + shown(user->name) +
            " (root without the capabilities SETUID and SETGID), and php-fpm runs no scripts as root: "
            "start it as that user");
  if (options.user.empty() && !*may) {
    user = owner_who_may_serve(root);
    if (!user) return fail("serve", kExitUnavailable, nobody_may_serve(root));
  }
  if (user) config.user = user->name;
  return 0;
}

// An exit status, told; 0: it listens, or a signal to stop came meanwhile.
int start_fpm(const ServeOptions& options, config::Config& config, PrivateFpm& fpm) {
  std::optional<RunUser> user;
  if (::geteuid() == 0) {
    if (const int status = choose_user(options, config, user); status != 0) return status;
  }
  posix::hold_signals();  // from here on there is something to end first
  std::string error;
  // One worker more than connections: php's own requests to itself, and a second user, still find one.
  if (!fpm.start(options.fpm_binary, options.connections + 1, user, error))
    return posix::stop_waits() ? 0 : fail("serve", kExitUnavailable, error);
  config.pools.front().address = {
      .kind = config::Address::Kind::unix_socket, .host = {}, .port = 0, .path = fpm.socket_path()};
  return 0;
}

int serve(const ServeOptions& options) {
  std::error_code failure;
  const fs::path folder = fs::canonical(options.folder, failure);
  if (failure || !fs::is_directory(folder))
    return fail("serve", kExitUsage, shown(options.folder) + " is not a folder");

  config::Config config;
  std::string error;
  const std::string root = web_root(folder).string();
  const config::Preset* const app = config::recognise_app(root);
  config::Site site = make_site(options, root, app, error);
  if (!error.empty()) return fail("serve", kExitUsage, shown(error));
  const auto listen = config::parse_listen_address(options.listen, error);
  if (!listen) return fail("serve", kExitUsage, "--listen " + shown(options.listen) + ": " + shown(error));
  config.listen = {*listen};
  config.admin.reset();
  if (options.admin != "off") {
    config.admin = config::parse_listen_address(options.admin, error);
    if (!config.admin)
      return fail("serve", kExitUsage, "--admin " + shown(options.admin) + ": " + shown(error));
  }

  config::Pool pool;
  pool.name = "php";
  pool.max_connections = options.connections;
  pool.address = {.kind = config::Address::Kind::unix_socket, .host = {}, .port = 0, .path = "/run/php.sock"};
  if (!options.php.empty()) {
    const auto address = config::parse_pool_address(options.php, error);
    if (!address) return fail("serve", kExitUsage, "--php " + shown(options.php) + ": " + shown(error));
    pool.address = *address;
  }
  config.user = options.user;
  site.pool = pool.name;
  config.pools.push_back(std::move(pool));
  config.sites.push_back(std::move(site));
  if (const std::string refusal = look_at(config); !refusal.empty())
    return fail("serve", kExitUsage, shown(refusal));

  PrivateFpm fpm;
  if (options.php.empty()) {
    if (const int status = start_fpm(options, config, fpm); status != 0 || posix::stop_waits()) return status;
  }

  const auto snapshot = std::make_shared<const config::Config>(std::move(config));
  StartNote note(options, fpm, app, snapshot);
  return run_server(snapshot, note);
}

}  // namespace

void add_serve_command(CommandLine& line) {
  Command command = line.add("serve", "Serve a folder of PHP with no configuration file.");
  const auto options = std::make_shared<ServeOptions>();  // lives as long as the action
  command.text("DIR", options->folder, "The folder; its public/ where that holds the index.php");
  command.text("--listen", options->listen, "Address to listen on: HOST:PORT, :PORT, unix:PATH");
  command.text("--admin", options->admin, "Address of the admin endpoint, or off");
  command.text("--php", options->php,
               "A running php-fpm: unix:PATH or tcp:HOST:PORT (default: start a private one)");
  command.text("--fpm", options->fpm_binary, "The php-fpm program to start (default: the newest found)");
  command.text("--user", options->user,
               "Whom to be when started as root (default: www-data, or the folder's owner)");
  command.number("--connections", options->connections, 1, 1000, "Most connections to php-fpm");
  command.text("--front-controller", options->front_controller,
               "Script for what is not a file, or none (default: /index.php where it exists)");
  command.footer(
      "Exit status: 0 stopped in order, 64 usage, 69 php-fpm cannot be had, 71 cannot start.\n"
      "Signals as for `holdfast run`.");
  command.serving_action([options] { return serve(*options); });
}

}  // namespace holdfast

// serve: makes a configuration from the command line, starts php-fpm where needed, and runs.
#include "proxy/commands/command_serve.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "config/config.h"
#include "config/load.h"
#include "config/pool.h"
#include "config/recognise_app.h"
#include "config/site.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
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
  void on_started(Log& log) override {
    const std::string connections = std::to_string(options_.connections);
    if (options_.php.empty()) {
      log.print("php:     " + fpm_.binary() + ", " + std::to_string(options_.connections + 1) +
                " workers, started for this (pid " + std::to_string(fpm_.pid()) + "); ends with it");
    } else {
      log.print("php:     " + options_.php);
    }
    const config::Site& site = config_->sites.front();
    log.print("serving: " + site.root + ", at most " + connections + " connections to php-fpm");
    if (app_ != nullptr) {
      const std::string name(app_->name);
      log.print("app:     " + name + ", by its files: its rules hold (app: " + name + " in a configuration)");
    }
    if (!site.fallback.empty()) {
      log.print("routes:  what is not a file goes to " + site.fallback + " (--front-controller none: 404)");
    }
    if (!has_index(site))
      log.print("note:    no index.php and no index.html in " + site.root + ": / is answered with 404");
    log.print("open:    http://" + options_.listen + "/   (Ctrl-C ends it)");
    if (options_.admin != "off") log.print("watch:   http://" + options_.admin + "/");
  }

 private:
  const ServeOptions& options_;
  const PrivateFpm& fpm_;
  const config::Preset* app_;
  config::Snapshot config_;
};

bool may_serve(const RunUser& user, const std::string& root) {
  return try_access_as(user, {{root, R_OK | X_OK}}).front() == 0;
}

// Home folders are closed to the usual user of web servers: who works there is asked for with sudo.
std::optional<RunUser> owner_who_may_serve(const std::string& root) {
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0 || status.st_uid == 0) return std::nullopt;
  std::string error;
  std::optional<RunUser> owner = find_run_user(std::to_string(status.st_uid), {}, error);
  if (owner && !may_serve(*owner, root)) owner.reset();
  return owner;
}

std::string nobody_may_serve(const std::string& root) {
  return "only root may read " + root +
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

int serve(const ServeOptions& options) {
  std::error_code failure;
  const fs::path folder = fs::canonical(options.folder, failure);
  if (failure || !fs::is_directory(folder))
    return fail("serve", kExitUsage, options.folder + " is not a folder");

  config::Config config;
  std::string error;
  const std::string root = web_root(folder).string();
  const config::Preset* const app = config::recognise_app(root);
  config::Site site = make_site(options, root, app, error);
  if (!error.empty()) return fail("serve", kExitUsage, error);
  const auto listen = config::parse_listen_address(options.listen, error);
  if (!listen) return fail("serve", kExitUsage, "--listen " + options.listen + ": " + error);
  config.listen = {*listen};
  config.admin.reset();
  if (options.admin != "off") {
    config.admin = config::parse_listen_address(options.admin, error);
    if (!config.admin) return fail("serve", kExitUsage, "--admin " + options.admin + ": " + error);
  }

  config::Pool pool;
  pool.name = "php";
  pool.max_connections = options.connections;
  PrivateFpm fpm;
  config.user = options.user;
  if (options.php.empty()) {
    // Started as root, php-fpm and the server become the same user.
    std::optional<RunUser> user;
    if (::geteuid() == 0) {
      user = choose_run_user(config, error);
      if (!user && !error.empty()) return fail("serve", kExitUsage, "--user: " + error);
      if (user && options.user.empty() && !may_serve(*user, site.root)) {
        user = owner_who_may_serve(site.root);
        if (!user) return fail("serve", kExitUnavailable, nobody_may_serve(site.root));
      }
      if (user) config.user = user->name;
    }
    posix::hold_signals();  // from here on there is something to end first
    // One worker more than connections: php's own requests to itself, and a second user, still find one.
    if (!fpm.start(options.fpm_binary, options.connections + 1, user, error))
      return posix::stop_waits() ? 0 : fail("serve", kExitUnavailable, error);
    pool.address = {
        .kind = config::Address::Kind::unix_socket, .host = {}, .port = 0, .path = fpm.socket_path()};
  } else {
    const auto address = config::parse_pool_address(options.php, error);
    if (!address) return fail("serve", kExitUsage, "--php " + options.php + ": " + error);
    pool.address = *address;
  }
  config.pools.push_back(pool);

  site.pool = pool.name;
  config.sites.push_back(site);

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

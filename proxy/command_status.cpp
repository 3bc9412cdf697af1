// status: asks /status and prints a table in pgbouncer's manner.
#include "proxy/command_status.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "config/load.h"
#include "proxy/live_terminal.h"
#include "proxy/status_view.h"

namespace holdfast {

namespace {

using Json = nlohmann::ordered_json;

// As in sysexits.h.
constexpr int kUsage = 64;
constexpr int kUnavailable = 69;
constexpr int kConfig = 78;
constexpr timeval kLimit{.tv_sec = 5, .tv_usec = 0};

int connect_to(const config::Address& address, std::string& error) {
  const auto attempt = [&error](int family, const sockaddr* target, socklen_t bytes) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kLimit, sizeof(kLimit));
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kLimit, sizeof(kLimit));
    if (::connect(fd, target, bytes) == 0) return fd;
    error = std::strerror(errno);
    ::close(fd);
    return -1;
  };
  if (address.kind == config::Address::Kind::unix_socket) {
    sockaddr_un target{};
    target.sun_family = AF_UNIX;
    std::strncpy(target.sun_path, address.path.c_str(), sizeof(target.sun_path) - 1);
    return attempt(AF_UNIX, reinterpret_cast<const sockaddr*>(&target), sizeof(target));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code =
          ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
      code != 0) {
    error = ::gai_strerror(code);
    return -1;
  }
  int fd = -1;
  for (const addrinfo* each = found; each != nullptr && fd < 0; each = each->ai_next) {
    fd = attempt(each->ai_family, each->ai_addr, each->ai_addrlen);
  }
  ::freeaddrinfo(found);
  return fd;
}

// Body of GET `path`, or nothing with `error`.
std::optional<std::string> get(const config::Address& address, const std::string& path, std::string& error) {
  const int fd = connect_to(address, error);
  if (fd < 0) return std::nullopt;
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\n\r\n";
  std::string answer;
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[16384];
    for (ssize_t bytes = 0; (bytes = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(bytes));
  }
  ::close(fd);
  const std::size_t body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200 ") || body == std::string::npos) {
    error = answer.empty() ? "no answer" : answer.substr(0, answer.find("\r\n"));
    return std::nullopt;
  }
  return answer.substr(body + 4);
}

struct StatusOptions {
  std::string admin = "127.0.0.1:9180";
  std::string config_file;
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
      if (const int status = show_once(screen ? &*screen : nullptr); status == kUnavailable && !before_)
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
        return kConfig;
      }
      if (!loaded.config->admin) {
        error_ = "holdfast status: " + options_.config_file + ": admin.listen is off\n";
        return kUnavailable;
      }
      admin_ = loaded.config->admin->text();
      address_ = *loaded.config->admin;
      return 0;
    }
    std::string why;
    const auto address = config::parse_listen_address(admin_, why);
    if (!address) {
      error_ = "holdfast status: --admin " + admin_ + ": " + why + "\n";
      return kUsage;
    }
    address_ = *address;
    return 0;
  }

  int show_once(const LiveScreen* screen) {
    std::string why;
    const std::optional<std::string> body = get(address_, "/status", why);
    Json json = body ? Json::parse(*body, nullptr, false) : Json(Json::value_t::discarded);
    if (json.is_discarded() || !json.is_object()) {
      error_ = "holdfast status: " + admin_ + ": " + (why.empty() ? "not an answer of Holdfast" : why) +
               "; is Holdfast running, and is this its `admin.listen`?\n";
      if (screen != nullptr) screen->draw(error_);
      return kUnavailable;
    }
    error_.clear();
    if (options_.json) {
      print(json.dump(options_.watch ? -1 : 2) + "\n");
    } else {
      const std::string table = status_table(json, before_ ? &*before_ : nullptr);
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

void add_status_command(CLI::App& app, int& exit_status) {
  CLI::App* sub =
      app.add_subcommand("status", "Pools and queue of a running server, from its admin endpoint.");
  const auto options = std::make_shared<StatusOptions>();  // lives as long as the callback
  CLI::Option* admin =
      sub->add_option("--admin", options->admin, "The admin endpoint: HOST:PORT or unix:PATH")
          ->capture_default_str();
  sub->add_option("-c,--config", options->config_file, "Take the admin endpoint from this configuration")
      ->excludes(admin);
  sub->add_flag("-w,--watch", options->watch,
                "Once a second until Ctrl-C, with requests a second; with --json one object a line");
  sub->add_flag("--json", options->json, "The whole of /status");
  sub->callback([&exit_status, options] {
    StatusCommand status(*options);
    exit_status = status.run();
    std::fputs(status.error().c_str(), stderr);
  });
}

}  // namespace holdfast

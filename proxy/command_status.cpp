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

namespace holdfast {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kUnavailable = 69;  // EX_UNAVAILABLE
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

void print_table(const Json& status) {
  std::printf("holdfast %s, pid %d, up %.0f s; %llu clients, %llu requests\n\n",
              status["version"].get<std::string>().c_str(), status["pid"].get<int>(),
              status["uptime_seconds"].get<double>(),
              status["clients"]["connections"].get<unsigned long long>(),
              status["clients"]["requests"].get<unsigned long long>());
  if (status["config"].contains("error")) {
    std::printf("the last reload was refused, an older configuration is in force: %s\n\n",
                status["config"]["error"].get<std::string>().c_str());
  }
  std::printf("%-12s %5s %7s %7s %9s %9s %6s %8s %9s %10s %8s %8s  %s\n", "pool", "max", "leased", "idle",
              "settling", "draining", "conn.", "waiting", "maxwait", "requests", "reused", "opened", "state");
  for (const auto& [name, pool] : status["pools"].items()) {
    const auto number = [&pool = pool](const char* key) { return pool[key].get<unsigned long long>(); };
    const double requests = static_cast<double>(number("requests"));
    const double reused = requests > 0 ? 100.0 * static_cast<double>(number("reused")) / requests : 0.0;
    const char* state = pool["paused"].get<bool>()      ? "paused"
                        : pool["reachable"].get<bool>() ? "ok"
                                                        : "not reachable";
    std::printf("%-12s %5llu %7llu %7llu %9llu %9llu %6llu %8llu %8.3fs %10llu %7.2f%% %8llu  %s\n",
                name.c_str(), number("max_connections"), number("leased"), number("idle"), number("settling"),
                number("draining"), number("connecting"), number("waiting"),
                pool["oldest_wait_seconds"].get<double>(), number("requests"), reused, number("opened"),
                state);
  }
}

int status(const std::string& admin, bool as_json) {
  std::string error;
  const auto address = config::parse_listen_address(admin, error);
  if (!address) {
    std::fprintf(stderr, "holdfast status: --admin %s: %s\n", admin.c_str(), error.c_str());
    return 64;  // EX_USAGE
  }
  const std::optional<std::string> body = get(*address, "/status", error);
  const Json json = body ? Json::parse(*body, nullptr, false) : Json(Json::value_t::discarded);
  if (json.is_discarded()) {
    std::fprintf(stderr, "holdfast status: %s: %s; is Holdfast running, and is this its `admin.listen`?\n",
                 admin.c_str(), error.empty() ? "not an answer of Holdfast" : error.c_str());
    return kUnavailable;
  }
  if (as_json) {
    std::printf("%s\n", json.dump(2).c_str());
  } else {
    print_table(json);
  }
  for (const auto& [name, pool] : json["pools"].items()) {
    if (!pool["reachable"].get<bool>()) return 1;
  }
  return 0;
}

}  // namespace

void add_status_command(CLI::App& app, int& exit_status) {
  CLI::App* sub =
      app.add_subcommand("status", "Pools and queue of a running server, from its admin endpoint.");
  const auto admin = std::make_shared<std::string>("127.0.0.1:9180");
  const auto as_json = std::make_shared<bool>(false);
  sub->add_option("--admin", *admin, "The admin endpoint: HOST:PORT or unix:PATH")->capture_default_str();
  sub->add_flag("--json", *as_json, "The whole of /status");
  sub->callback([&exit_status, admin, as_json] { exit_status = status(*admin, *as_json); });
}

}  // namespace holdfast

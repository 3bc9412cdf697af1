// Finding, configuring, starting and ending a private php-fpm.
#include "proxy/fpm/private_fpm.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "proxy/posix/blocking_connect.h"
#include "proxy/posix/start_signals.h"

namespace holdfast {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kStartLimit = 10s;
constexpr auto kStopLimit = 5s;

bool is_fpm_name(const std::string& name) {
  if (!name.starts_with("php-fpm")) return false;
  return std::all_of(name.begin() + 7, name.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

bool answers(const std::string& path) {
  posix::ConnectFailure failure;
  const config::Address address{
      .kind = config::Address::Kind::unix_socket, .host = {}, .port = 0, .path = path};
  const int fd = posix::connect_within(address, kStartLimit, failure);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

// Waits until `process` ends, at most `limit`.
bool ended_within(pid_t process, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    if (::waitpid(process, nullptr, WNOHANG) != 0) return true;
    ::poll(nullptr, 0, 10);
  }
  return false;
}

}  // namespace

std::vector<std::string> find_php_fpm() {
  std::vector<std::string> folders = {"/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin",
                                      "/opt/php/sbin"};
  const char* path = std::getenv("PATH");
  for (std::string rest = path != nullptr ? path : ""; !rest.empty();) {
    const std::size_t colon = rest.find(':');
    folders.push_back(rest.substr(0, colon));
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  std::vector<std::string> found;
  for (const std::string& folder : folders) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      const std::string file = entry.path().string();
      if (!is_fpm_name(entry.path().filename().string()) || ::access(file.c_str(), X_OK) != 0) continue;
      if (std::find(found.begin(), found.end(), file) == found.end()) found.push_back(file);
    }
  }
  // php-fpm8.3 before php-fpm8.2; within a version the order of the folders.
  std::stable_sort(found.begin(), found.end(), [](const std::string& a, const std::string& b) {
    return std::strtod(a.c_str() + a.rfind("php-fpm") + 7, nullptr) >
           std::strtod(b.c_str() + b.rfind("php-fpm") + 7, nullptr);
  });
  return found;
}

PrivateFpm::~PrivateFpm() {
  stop();
}

bool PrivateFpm::start(const std::string& binary, std::uint32_t workers, const std::optional<RunUser>& user,
                       std::string& error) {
  binary_ = binary;
  if (binary_.empty()) {
    const std::vector<std::string> found = find_php_fpm();
    if (found.empty()) {
      error =
          "no php-fpm is on this machine: `apt-get install php-fpm`, or name a running one with --php "
          "unix:PATH or --php tcp:HOST:PORT";
      return false;
    }
    binary_ = found.front();
  }
  return write_config(workers, user, error) && spawn(user, error) && wait_until_listening(error);
}

bool PrivateFpm::write_config(std::uint32_t workers, const std::optional<RunUser>& user, std::string& error) {
  const char* base = std::getenv("TMPDIR");
  const std::string parent = base != nullptr && *base != '\0' ? base : "/tmp";
  remove_left_folders(parent, ::geteuid());
  if (user) remove_left_folders(parent, user->uid);
  if (!folder_.make(parent, error)) return false;
  const std::string& folder = folder_.path();
  socket_ = folder + "/php-fpm.sock";
  std::ofstream file(folder + "/php-fpm.conf");
  file << "; written by `holdfast serve`; gone when it ends\n"
       << "[global]\nerror_log = " << folder << "/php-fpm.log\ndaemonize = no\n"
       << "process_control_timeout = 3s\n"
       << "[www]\nlisten = " << socket_ << "\nlisten.mode = 0600\n";
  file << "pm = static\npm.max_children = " << workers
       << "\n"
       // As much as the server lets through (max_body); php.ini's 8M and 2M would surprise.
       << "php_value[post_max_size] = 64M\nphp_value[upload_max_filesize] = 64M\n"
       << "catch_workers_output = yes\ndecorate_workers_output = no\nclear_env = no\n";
  file.close();
  if (!file) {
    error = "cannot write " + folder + "/php-fpm.conf";
    return false;
  }
  if (!user || folder_.give_to(user->uid, user->gid)) return true;
  error = "cannot give " + folder + " to user " + user->name + ": " + std::strerror(errno);
  return false;
}

bool PrivateFpm::spawn(const std::optional<RunUser>& user, std::string& error) {
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) {
    error = std::string("cannot start php-fpm: ") + std::strerror(errno);
    return false;
  }
  if (pid_ > 0) return true;
  // In the child: own process group, so that Ctrl-C in the terminal reaches us alone and requests can finish.
  ::setpgid(0, 0);
  posix::restore_signals_for_child();
  // All of php-fpm, its master too: only so can we still end it when we are root no more.
  if (user && !take_ids(*user)) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // behind the change of user, with which the kernel forgets it
  if (::getppid() != parent) ::_exit(1);
  const int log = ::open((folder_.path() + "/php-fpm.out").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (log >= 0) {
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
  }
  const std::string config = folder_.path() + "/php-fpm.conf";
  ::execl(binary_.c_str(), binary_.c_str(), "-F", "-y", config.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

bool PrivateFpm::wait_until_listening(std::string& error) {
  const auto end = std::chrono::steady_clock::now() + kStartLimit;
  while (std::chrono::steady_clock::now() < end) {
    if (posix::stop_waits()) {
      error = "stopped meanwhile";
      return false;
    }
    if (answers(socket_)) {
      listens_ = true;
      return true;
    }
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      error = binary_ + " ended at once: " + log_tail();
      return false;
    }
    ::poll(nullptr, 0, 10);
  }
  error = binary_ + " does not listen after 10 s: " + log_tail();
  return false;
}

std::string PrivateFpm::log_tail() const {
  std::string text;
  for (const char* name : {"/php-fpm.out", "/php-fpm.log"}) {
    std::ifstream file(folder_.path() + name);
    text.append(std::istreambuf_iterator<char>(file), {});
  }
  if (text.size() > 600) text.erase(0, text.size() - 600);
  return text.empty() ? "it said nothing" : text;
}

void PrivateFpm::stop() {
  if (pid_ > 0) {
    // While it starts nothing runs in it, and SIGQUIT would leave a core dump.
    ::kill(pid_, listens_ ? SIGQUIT : SIGTERM);
    if (!ended_within(pid_, kStopLimit)) {
      ::kill(pid_, SIGTERM);
      if (!ended_within(pid_, kStopLimit)) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
      }
    }
    pid_ = -1;
    listens_ = false;
  }
  folder_.remove();
}

}  // namespace holdfast

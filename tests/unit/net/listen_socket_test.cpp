// Making listening sockets beside other processes: who has the address, who was first.
#include "proxy/net/listen_socket.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>

#include "net_fixture.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

namespace {

// A number between processes.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() { REQUIRE(::pipe(ends.data()) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void say(std::uint16_t number) const {
    if (::write(ends[1], &number, sizeof number) != sizeof number) std::abort();
  }
  std::uint16_t hear() const {
    std::uint16_t number = 0;
    if (::read(ends[0], &number, sizeof number) != sizeof number) std::abort();
    return number;
  }
};

}  // namespace

TEST_CASE("who has the port: a process is named, with what it calls itself made printable") {
  Pipe ready, done;
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NAME, "odd\n\x1b[31m");
    ready.say(bound_address(raw_listen_tcp()).port());
    done.hear();
    ::_exit(0);
  }
  REQUIRE(child > 0);
  const std::uint16_t port = ready.hear();
  for (const char* host : {"127.0.0.1", "0.0.0.0", ""}) {
    std::string error;
    CHECK(open_listen_socket(tcp(host, port), error).fd < 0);
    CHECK(error.ends_with("; odd??[31m (pid " + std::to_string(child) + ") has it"));
  }
  done.say(1);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("a stale Unix socket, and two that start at once: one has it, and is reached") {
  TempFolder folder;
  const std::string path = folder.path + "/app.sock";
  for (int round = 0; round < 20; ++round) {
    ::close(raw_listen_unix(path));
    Pipe go, told, done;
    std::array<pid_t, 2> children{};
    for (pid_t& child : children) {
      child = ::fork();
      if (child != 0) continue;
      go.hear();
      std::string error;
      const ListenSocket made = open_listen_socket(unix_path(path), error);
      told.say(made.fd >= 0 ? 1 : 0);
      done.hear();  // both are asked before the first one goes
      ::_exit(0);
    }
    go.say(1);
    go.say(1);
    CHECK(told.hear() + told.hear() == 1);
    ::close(raw_client(unix_path(path)));
    done.say(1);
    done.say(1);
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    ::unlink(path.c_str());
  }
}

TEST_CASE("a stale Unix socket that may not be removed: what is in the way is said") {
  if (::geteuid() != 0) return;
  TempFolder folder;
  REQUIRE(::chmod(folder.path.c_str(), 0755) == 0);
  const std::string path = folder.path + "/app.sock";
  ::close(raw_listen_unix(path));
  REQUIRE(::chmod(path.c_str(), 0666) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string error;
    const bool ours = ::setuid(33) != 0 || open_listen_socket(unix_path(path), error).fd >= 0;
    ::_exit(!ours && error.find("process that has ended") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  std::string error;
  ListenSocket made = open_listen_socket(unix_path(path), error);  // root takes it over
  CHECK(made.fd >= 0);
  close_listen_socket(made);
}

TEST_CASE("the mode of a Unix socket is 0666 whatever the umask, which stays what it was") {
  TempFolder folder;
  for (const mode_t mask : {mode_t{077}, mode_t{0}}) {
    const mode_t before = ::umask(mask);
    std::string error;
    ListenSocket made = open_listen_socket(unix_path(folder.path + "/app.sock"), error);
    CHECK(::umask(before) == mask);
    struct stat status {};
    REQUIRE(::stat(made.unix_path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0666);
    close_listen_socket(made);
  }
}

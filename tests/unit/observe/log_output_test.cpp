// Descriptors of each kind whose reader has stopped: a write takes what fits and comes back, and what is
// shared with others stays as it was.
#include "proxy/observe/log_output.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "proxy/observe/log_file.h"

using namespace holdfast;

namespace {

// Puts a descriptor in the place of stderr for a while.
class AsStderr {
 public:
  explicit AsStderr(int fd) : kept_(::dup(STDERR_FILENO)) { ::dup2(fd, STDERR_FILENO); }
  ~AsStderr() {
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
  }

 private:
  int kept_;
};

struct Ends {
  int read = -1, write = -1;
  ~Ends() {
    ::close(read);
    ::close(write);
  }
};

enum class What { pipe, socket, terminal };

void open_ends(What what, Ends& ends) {
  std::array<int, 2> both{-1, -1};
  switch (what) {
    case What::pipe: REQUIRE(::pipe(both.data()) == 0); break;
    case What::socket: REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both.data()) == 0); break;
    case What::terminal:
      both[0] = ::posix_openpt(O_RDWR | O_NOCTTY);
      REQUIRE(both[0] >= 0);
      REQUIRE(::grantpt(both[0]) == 0);
      REQUIRE(::unlockpt(both[0]) == 0);
      both[1] = ::open(::ptsname(both[0]), O_RDWR | O_NOCTTY);
      REQUIRE(both[1] >= 0);
      break;
  }
  ends.read = both[0];
  ends.write = both[1];
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 100) != 1 || (ready.revents & POLLIN) == 0) return text;
    const ssize_t bytes = ::read(fd, buffer.data(), buffer.size());
    if (bytes <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(bytes));
  }
}

}  // namespace

TEST_CASE("a reader that has stopped: what fits is taken, nothing waits, nothing shared is changed") {
  for (const What what : {What::pipe, What::socket, What::terminal}) {
    CAPTURE(static_cast<int>(what));
    Ends ends;
    open_ends(what, ends);
    const int before = ::fcntl(ends.write, F_GETFL);
    const std::string line(99, 'x');
    std::string lines;
    for (int i = 0; i < 20000; ++i) lines.append(line).append("\n");
    std::size_t first = 0, second = 0;
    {
      const AsStderr instead(ends.write);
      const auto output = standard_output(STDERR_FILENO);
      first = output->write(lines);
      second = output->write(lines);
      CHECK(first > 0);
      CHECK(first < lines.size());
      CHECK(second < lines.size());
      CHECK(::fcntl(STDERR_FILENO, F_GETFL) == before);
      // The reader goes on: so do we.
      const std::string taken = read_all(ends.read);
      CHECK(taken.find(line) == 0);
      CHECK(output->write(line + "\n") == line.size() + 1);
    }
    CHECK(read_all(ends.read).ends_with(what == What::terminal ? "x\r\n" : "x\n"));
    CHECK((::fcntl(ends.write, F_GETFL) & O_NONBLOCK) == 0);
  }
}

TEST_CASE("a pipe takes whole lines where it has several writers") {
  Ends ends;
  open_ends(What::pipe, ends);
  const AsStderr instead(ends.write);
  const auto output = standard_output(STDERR_FILENO);
  std::string lines;
  for (int i = 0; i < 5000; ++i)
    lines.append(std::string(static_cast<std::size_t>(i % 300), 'x')).append("\n");
  const std::size_t taken = output->write(lines);
  CHECK(taken < lines.size());
  CHECK(lines[taken - 1] == '\n');
}

TEST_CASE("a reader that has gone, and a descriptor that is closed") {
  Ends ends;
  open_ends(What::socket, ends);
  ::close(ends.read);
  ends.read = -1;
  {
    const AsStderr instead(ends.write);
    CHECK(standard_output(STDERR_FILENO)->write("line\n") == 0);
  }
  CHECK(standard_output(1000)->write("line\n") == 5);
}

TEST_CASE("as root a log is not opened through links that others have made") {
  if (::geteuid() != 0) return;
  std::string folder = "/tmp/log-file-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  REQUIRE(::mkdir((folder + "/real").c_str(), 0755) == 0);
  REQUIRE(::symlink("real", (folder + "/roots").c_str()) == 0);
  REQUIRE(::symlink((folder + "/real").c_str(), (folder + "/others").c_str()) == 0);
  REQUIRE(::lchown((folder + "/others").c_str(), 33, 33) == 0);
  REQUIRE(::symlink("real/target", (folder + "/access.log").c_str()) == 0);
  REQUIRE(::symlink("loop", (folder + "/loop").c_str()) == 0);
  const auto opens = [&folder](const std::string& path, std::string& error) {
    error.clear();
    const LogFile file = open_log_file(folder + path, error);
    if (file.fd >= 0) ::close(file.fd);
    return file.fd >= 0;
  };
  std::string error;
  CHECK(opens("/real/a.log", error));
  CHECK(opens("//real/./../real/a.log", error));
  CHECK(opens("/roots/a.log", error));
  CHECK_FALSE(opens("/others/a.log", error));
  CHECK(error.find("is a link that user 33 has made") != std::string::npos);
  CHECK_FALSE(opens("/access.log", error));
  CHECK(error.find("it is a link") == 0);
  CHECK(::access((folder + "/real/target").c_str(), F_OK) != 0);
  // A hard link that somebody else made to a file of root's is no link to be seen.
  REQUIRE(::link((folder + "/real/a.log").c_str(), (folder + "/real/b.log").c_str()) == 0);
  CHECK(opens("/real/b.log", error));  // in a folder of root's alone it is root's own doing
  REQUIRE(::chown((folder + "/real").c_str(), 33, 33) == 0);
  CHECK_FALSE(opens("/real/b.log", error));
  CHECK(error.find("it has another name (a hard link)") == 0);
  REQUIRE(::chown((folder + "/real").c_str(), 0, 33) == 0);
  REQUIRE(::chmod((folder + "/real").c_str(), 0775) == 0);
  CHECK_FALSE(opens("/real/a.log", error));
  REQUIRE(::unlink((folder + "/real/b.log").c_str()) == 0);
  CHECK(opens("/real/a.log", error));
  CHECK_FALSE(opens("/loop/a.log", error));
  CHECK_FALSE(opens("/none/a.log", error));
  CHECK(error == "No such file or directory");
  for (const char* name : {"/real/a.log", "/roots", "/others", "/access.log", "/loop"})
    CHECK(::unlink((folder + name).c_str()) == 0);
  CHECK(::rmdir((folder + "/real").c_str()) == 0);
  CHECK(::rmdir(folder.c_str()) == 0);
}

// The access log's file: opened before it is used, exchanged without a line in the wrong place.
#include "proxy/observe/access_log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/log.h"

using namespace holdfast;

namespace {

struct Folder {
  std::string path = "/tmp/access-log-test-XXXXXX";
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string text(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(path + "/" + name).rdbuf();
    return out.str();
  }
};

config::Log log_to(const std::string& path, config::LogFormat format = config::LogFormat::combined) {
  return {.access = path, .format = format};
}

AccessLog::Target open(const config::Log& config) {
  std::string error;
  std::optional<AccessLog::Target> target = AccessLog().open(config, error);
  REQUIRE_MESSAGE(target, error);
  return *std::move(target);
}

core::AccessRecord of(std::string_view target) {
  core::AccessRecord record;
  record.method = "GET";
  record.target = target;
  return record;
}

}  // namespace

TEST_CASE("off until it is used, and off by configuration") {
  AccessLog log;
  CHECK_FALSE(log.enabled());
  log.use(open(log_to("off")));
  CHECK_FALSE(log.enabled());
  for (const char* standard :
       {"stdout", "/dev/stdout", "/dev/stderr"}) {  // /dev/stderr is a link, which root refuses
    log.use(open(log_to(standard)));
    CHECK(log.enabled());
  }
}

TEST_CASE("a file that cannot be opened: its path and the reason") {
  Folder folder;
  std::string error;
  CHECK_FALSE(AccessLog().open(log_to(folder.path + "/none/access.log"), error));
  CHECK(error == "cannot open the access log " + folder.path + "/none/access.log: No such file or directory");
  CHECK_FALSE(AccessLog().open(log_to(folder.path), error));
  CHECK(error.ends_with(": Is a directory"));
  // A FIFO that nobody reads would hold up the loop.
  REQUIRE(::mkfifo((folder.path + "/fifo").c_str(), 0600) == 0);
  CHECK_FALSE(AccessLog().open(log_to(folder.path + "/fifo"), error));
}

TEST_CASE("exchanged: each line is where it was meant to go") {
  Folder folder;
  AccessLog log;
  log.use(open(log_to(folder.path + "/first")));
  log.add(of("/one"));
  SUBCASE("another file and format") {
    log.use(open(log_to(folder.path + "/second", config::LogFormat::json)));
    log.add(of("/two"));
    log.flush();
    CHECK(folder.text("first").find("GET /one HTTP") != std::string::npos);
    CHECK(folder.text("second").find("\"/two\"") != std::string::npos);
    CHECK(folder.text("first").find("/two") == std::string::npos);
  }
  SUBCASE("the same name after a rotation") {
    std::filesystem::rename(folder.path + "/first", folder.path + "/first.1");
    log.use(open(log_to(folder.path + "/first")));
    log.add(of("/two"));
    log.flush();
    CHECK(folder.text("first.1").find("/one") != std::string::npos);
    CHECK(folder.text("first").find("/two") != std::string::npos);
  }
  SUBCASE("opened and not used: nothing happens") {
    { const AccessLog::Target unused = open(log_to(folder.path + "/second")); }
    log.flush();
    CHECK(folder.text("first").find("/one") != std::string::npos);
  }
  SUBCASE("off") {
    log.use(open(log_to("off")));
    CHECK_FALSE(log.pending());
    CHECK(folder.text("first").find("/one") != std::string::npos);
  }
}

TEST_CASE("a full disk is told of, and no line is joined to half of another") {
  std::signal(SIGXFSZ, SIG_IGN);
  Folder folder;
  const std::string path = folder.path + "/a.log";
  const auto limit_files = [](rlim_t bytes) {  // as a full disk: a write is cut, the next one fails
    const rlimit limit{.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  };
  AccessLog log;
  log.use(open(log_to(path)));
  log.add(of("/one"));
  log.flush();
  CHECK(log.error() == 0);
  const auto size = std::filesystem::file_size(path);
  limit_files(size + 10);
  log.add(of("/two"));
  CHECK(log.flush() == 10);
  CHECK(log.error() == EFBIG);
  CHECK(log.pending());
  SUBCASE("room again") {
    limit_files(RLIM_INFINITY);
  }
  SUBCASE("room again, and opened again") {
    const auto target = open(log_to(path));
    log.use(target);
    limit_files(RLIM_INFINITY);
  }
  SUBCASE("rotated") {
    std::filesystem::rename(path, path + ".1");
    log.use(open(log_to(path)));
    limit_files(RLIM_INFINITY);
    CHECK(folder.text("a.log.1").size() == size + 10);
  }
  SUBCASE("another process") {
    limit_files(RLIM_INFINITY);
    AccessLog next;
    next.use(open(log_to(path)));
    next.add(of("/three"));
    next.flush();
    const std::string text = folder.text("a.log");
    CHECK(std::count(text.begin(), text.end(), '\n') == 3);
    log.use(open(log_to("off")));
    return;
  }
  log.flush();
  CHECK(log.error() == 0);
  CHECK(log.dropped() == 0);
  const std::string text = folder.text("a.log");
  const std::size_t line =
      text.find("/two") == std::string::npos ? 0 : text.rfind('\n', text.find("/two")) + 1;
  CHECK(text.find("- - [", line) < text.find("/two"));
  CHECK(text.ends_with("\n"));
  CHECK(text.size() % size == 0);
}

TEST_CASE("what a slow reader has not taken is not written elsewhere") {
  std::signal(SIGPIPE, SIG_IGN);  // as the server has it
  Folder folder;
  REQUIRE(::mkfifo((folder.path + "/fifo").c_str(), 0600) == 0);
  const int reader = ::open((folder.path + "/fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  AccessLog log;
  log.use(open(log_to(folder.path + "/fifo")));
  for (int i = 0; i < 5000; ++i) log.add(of("/slow"));
  log.flush();
  REQUIRE(log.pending());
  SUBCASE("the same FIFO: the rest follows there") {
    log.use(open(log_to(folder.path + "/fifo")));
    CHECK(log.pending());
    CHECK(log.dropped() == 0);
  }
  SUBCASE("a file: dropped, and counted") {
    log.use(open(log_to(folder.path + "/file")));
    CHECK_FALSE(log.pending());
    CHECK(log.dropped() > 0);
    CHECK(folder.text("file").empty());
  }
  ::close(reader);
}

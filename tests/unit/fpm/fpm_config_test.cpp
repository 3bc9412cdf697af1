// Reading php-fpm's configuration: sections, comments, quotes, includes, $pool, places, and which pool
// listens where.
#include "proxy/fpm/fpm_config.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace holdfast;

namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "holdfast-fpm-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file.string();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

FpmConfig read_text(const std::string& text) {
  const Folder folder;
  return read_fpm_config(folder.write("php-fpm.conf", text));
}

FpmSection pool_listening(const std::string& listen) {
  FpmSection pool;
  pool.settings["listen"] = {listen, "f", 1};
  return pool;
}

config::Address tcp(const std::string& host, std::uint16_t port) {
  return {config::Address::Kind::tcp, host, port, {}};
}

config::Address unix_at(const std::string& path) {
  return {config::Address::Kind::unix_socket, {}, 0, path};
}

}  // namespace

TEST_CASE("sections, comments, quotes and places") {
  const FpmConfig config = read_text(
      "; a comment\n"
      "[global]\n"
      "process_control_timeout = 10s ; trailing\n"
      "\n"
      "[www]\n"
      "  pm=static\n"
      "pm.max_children = 8\n"
      ";pm.max_children = 99\n"
      "listen = \"/run/$pool.sock\"\n"
      "php_admin_value[error_log] = '/var/log/a;b.log'\n"
      "[api]\n"
      "pm.max_children = 2\n"
      "[www]\n"
      "pm.max_children = 9\n");
  CHECK(config.problems.empty());
  CHECK(config.global.seconds("process_control_timeout") == 10);
  REQUIRE(config.pools.size() == 2);
  const FpmSection& www = config.pools[0];
  CHECK(www.name == "www");
  CHECK(www.line == 5);
  CHECK(www.text("pm") == "static");
  CHECK(www.number("pm.max_children") == 9);  // the section goes on further down, the later line wins
  CHECK(www.find("pm.max_children")->line == 14);
  CHECK(www.text("listen") == "/run/www.sock");
  CHECK(www.text("php_admin_value[error_log]") == "/var/log/a;b.log");
  CHECK(config.pools[1].number("pm.max_children") == 2);
  CHECK_FALSE(www.text("chroot"));
}

TEST_CASE("includes by pattern, absolute and below the prefix, with the file of each value") {
  const Folder folder;
  const std::string first = folder.write("pool.d/a.conf", "[a]\nlisten = 9001\n");
  const std::string second = folder.write("pool.d/b.conf", "[b]\nlisten = 9002\n");
  folder.write("pool.d/c.disabled", "[c]\n");
  const std::string main =
      folder.write("php-fpm.conf", "[global]\ninclude=" + folder.path() + "/pool.d/*.conf\n");
  const FpmConfig config = read_fpm_config(main);
  REQUIRE(config.pools.size() == 2);
  CHECK(config.pools[0].file == first);
  CHECK(config.pools[1].find("listen")->file == second);

  const std::string relative = folder.write("relative.conf", "include=pool.d/*.conf\n");
  CHECK(read_fpm_config(relative, folder.path()).pools.size() == 2);
  const std::string none = folder.write("none.conf", "include=" + folder.path() + "/nothing/*.conf\n");
  CHECK(read_fpm_config(none).pools.empty());
}

TEST_CASE("a file that includes itself ends with a problem") {
  const Folder folder;
  const std::string file = folder.path() + "/loop.conf";
  folder.write("loop.conf", "include=" + file + "\n");
  CHECK(read_fpm_config(file).problems.size() == 1);
}

TEST_CASE("problems are told by place") {
  CHECK(read_fpm_config("/nonexistent/php-fpm.conf").problems.at(0) ==
        "/nonexistent/php-fpm.conf: cannot be read");
  const FpmConfig config = read_text("[www]\nnonsense\n");
  REQUIRE(config.problems.size() == 1);
  CHECK(config.problems[0].find("php-fpm.conf:2: ") != std::string::npos);
}

TEST_CASE("times have units") {
  FpmSection section;
  const auto seconds = [&section](const std::string& text) {
    section.settings["t"] = {text, "f", 1};
    return section.seconds("t");
  };
  CHECK(seconds("0") == 0);
  CHECK(seconds("30") == 30);
  CHECK(seconds("30s") == 30);
  CHECK(seconds("5m") == 300);
  CHECK(seconds("2h") == 7200);
  CHECK(seconds("1d") == 86400);
  for (const char* wrong : {"", "s", "5x", "5ms", "-1", "99999999999999999999"}) CHECK_FALSE(seconds(wrong));
}

TEST_CASE("the environment is expanded") {
  ::setenv("HOLDFAST_TEST_PORT", "9123", 1);
  const FpmConfig config = read_text(
      "[www]\nlisten = 127.0.0.1:${HOLDFAST_TEST_PORT}\nuser = ${HOLDFAST_NOT_SET}x\ngroup = ${open\n");
  CHECK(config.pools.at(0).text("listen") == "127.0.0.1:9123");
  CHECK(config.pools.at(0).text("user") == "x");
  CHECK(config.pools.at(0).text("group") == "${open");
}

TEST_CASE("which pool listens where") {
  struct Row {
    const char* listen;
    config::Address address;
    bool matches;
  };
  const Row rows[] = {
      {"9000", tcp("127.0.0.1", 9000), true},
      {"9000", tcp("localhost", 9000), true},
      {"9000", tcp("127.0.0.1", 9001), false},
      {"9000", tcp("php", 9000), false},  // another machine or container
      {"127.0.0.1:9000", tcp("127.0.0.1", 9000), true},
      {"localhost:9000", tcp("127.0.0.1", 9000), true},
      {"0.0.0.0:9000", tcp("127.0.0.1", 9000), true},
      {"[::]:9000", tcp("::1", 9000), true},
      {"[::1]:9000", tcp("::1", 9000), true},
      {"10.0.0.5:9000", tcp("127.0.0.1", 9000), false},
      {"10.0.0.5:9000", tcp("10.0.0.5", 9000), true},
      {"/run/a.sock", unix_at("/run/a.sock"), true},
      {"/run/x/../a.sock", unix_at("/run/a.sock"), true},
      {"/run/a.sock", unix_at("/run/b.sock"), false},
      {"a.sock", unix_at("/usr/a.sock"), true},
      {"9000", unix_at("/usr/9000"), false},
      {"/run/a.sock", tcp("127.0.0.1", 9000), false},
      {"", tcp("127.0.0.1", 9000), false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.listen);
    CHECK(listens_at(pool_listening(row.listen), row.address) == row.matches);
  }
  CHECK_FALSE(listens_at(FpmSection{}, tcp("127.0.0.1", 9000)));
}

TEST_CASE("the files of the usual packages are found") {
  const Folder folder;
  folder.write("etc/php/8.2/fpm/php-fpm.conf", "");
  folder.write("etc/php/7.4/fpm/php-fpm.conf", "");
  folder.write("usr/local/etc/php-fpm.conf", "");
  folder.write("etc/php83/php-fpm.conf", "");
  const std::vector<std::string> files = find_fpm_configs(folder.path());
  REQUIRE(files.size() == 4);
  CHECK(files[0] == folder.path() + "/etc/php/7.4/fpm/php-fpm.conf");
}

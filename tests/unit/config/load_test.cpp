// load_file() and load_text(): files that are none, wrong types, places and the shape of messages.
#include "config/load.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "config/buffers.h"
#include "config/client.h"
#include "config/config.h"
#include "config/diagnostics.h"
#include "config/log.h"
#include "config/network.h"
#include "config/pool.h"
#include "config/site.h"
#include "helpers.h"

using namespace holdfast::config;
namespace fs = std::filesystem;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "holdfast-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) != nullptr ? name : std::string();
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << text;
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("the smallest file has every default") {
  const auto result = load(kMinimal);
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK(result.diagnostics.empty());
  Config expected;
  expected.pools.emplace_back();
  expected.pools[0].name = "php";
  expected.pools[0].address = {Address::Kind::unix_socket, {}, 0, "/run/php.sock"};
  expected.sites.emplace_back();
  expected.sites[0].root = expected.sites[0].php_root = "/usr/share";
  expected.sites[0].pool = "php";
  CHECK(*result.config == expected);
}

TEST_CASE("a server at work reads files alone, and waits for nobody") {
  const TemporaryFolder folder;
  const std::string pipe = folder / "pipe.yaml";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto again = load_file_again(pipe);
  CHECK_FALSE(again.config);
  CHECK_MESSAGE(says(again, "is a pipe, not a file; a start may read it"), said(again));
  CHECK(says(load_file_again("/dev/zero"), "is a device, not a file"));
  CHECK(load_file_again(folder.write("good.yaml", kMinimal)).config);
  CHECK(says(load_file_again(folder / "none.yaml"), "cannot be read: No such file or directory"));
  // What a file includes would be read at each reload.
  for (const char* include : {"pipe.yaml", "p*.yaml", "/dev/zero", "/dev/full"}) {
    const auto main = load_file(folder.write("main.yaml", kMinimal + "include: " + include + "\n"));
    CHECK_FALSE(main.config);
    CHECK_MESSAGE(says(main, ", not a file"), said(main));
  }
}

TEST_CASE("a link to /dev/null masks what is included") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "sites");
  fs::create_symlink("/dev/null", folder / "sites/a.yaml");
  folder.write("sites/b.yaml", "sites: [{ root: /usr/share, hosts: [b], pool: php }]\n");
  for (const std::string include : {"sites/*.yaml", "sites/a.yaml", "/dev/null"}) {
    CAPTURE(include);
    const std::string main = folder.write("main.yaml", kMinimal + "include: " + include + "\n");
    for (const auto& result : {load_file(main), load_file_again(main)}) {
      CHECK_MESSAGE(result.diagnostics.empty(), said(result));
      REQUIRE(result.config);
      CHECK(result.config->sites.size() == (include == "sites/*.yaml" ? 2 : 1));
    }
  }
  for (const auto& result : {load_file("/dev/null"), load_file_again("/dev/null")})
    CHECK(says(result, "holds no configuration"));
}

TEST_CASE("files that are no configuration") {
  const TemporaryFolder folder;
  struct {
    std::string path;
    const char* part;
  } const cases[] = {
      {folder / "none.yaml", "cannot be read: No such file or directory; name another with -c FILE"},
      {folder.path(), "is a folder, not a configuration file"},
      {folder.write("empty", ""), "holds no configuration"},
      {folder.write("comment", "# nothing\n\n"), "holds no configuration"},
      {folder.write("dashes", "---\n"), "holds no configuration"},
      {folder.write("binary", std::string("a: \0b", 5)), "is not a UTF-8 text file (byte 3)"},
      {folder.write("latin1", "a: \xE9\n"), "is not a UTF-8 text file (byte 3)"},
      {folder.write("utf16", std::string("\xFF\xFE"
                                         "a\0",
                                         4)),
       "is not a UTF-8 text file (byte 0)"},
      {folder.write("huge", std::string((1U << 20) + 1, '#')), "is larger than 1m"},
      {"/dev/zero", "is larger than 1m"},
      {"", "cannot be read"}};
  for (const auto& row : cases) {
    CAPTURE(row.path);
    const auto result = load_file(row.path);
    CHECK_FALSE(result.config);
    REQUIRE(result.diagnostics.size() == 1);
    CHECK(result.diagnostics[0].line == 0);
    CHECK(format_diagnostic(result.diagnostics[0]).starts_with(row.path + ": error: "));
    CHECK(says(result, row.part));
  }
  CHECK(load_file(folder.write("full", kMinimal + std::string((1U << 20) - kMinimal.size(), '#'))).config);
}

TEST_CASE("a file that may not be read says so") {
  if (::geteuid() == 0) {
    return;  // root may read everything
  }
  const TemporaryFolder folder;
  const std::string path = folder.write("secret", kMinimal);
  fs::permissions(path, fs::perms::none);
  CHECK(says(load_file(path), "Permission denied; make it readable"));
}

TEST_CASE("a pipe, a byte order mark and CRLF are fine") {
  const TemporaryFolder folder;
  std::string crlf = "\xEF\xBB\xBF";
  for (const char c : kMinimal + "client:\n  max_header: 4k\n") {
    crlf += c == '\n' ? "\r\n" : std::string(1, c);
  }
  const auto result = load_file(folder.write("crlf", crlf));
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK(result.config->client->max_header == 4096);
  CHECK(load("\xEF\xBB\xBFlog: 3\r\n" + kMinimal).diagnostics[0].column == 6);
  CHECK(load("log: 3\r\n" + kMinimal).diagnostics[0].source_line == "log: 3");
}

TEST_CASE("relative paths begin at the folder of the file") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "app/public");
  fs::create_directories(folder / "etc");
  const auto result = load_file(folder.write(
      "etc/c.yaml", kPools + "sites: [{ root: ../app/./public/, pool: php }]\nlog: { access: logs/a.log }\n"
                             "buffers: { spool_dir: . }\n"));
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK(result.config->sites[0].root == folder / "app/public");
  CHECK(result.config->sites[0].php_root == folder / "app/public");
  CHECK(result.config->log->access == folder / "etc/logs/a.log");
  CHECK(result.config->buffers->spool_dir == folder / "etc");
  CHECK(warnings(result) == 1);
  CHECK(says(result, "/etc/logs does not exist; the access log cannot be written; mkdir -p"));
}

TEST_CASE("a wrong type is named with what was expected") {
  CHECK(says(load("listen: { a: b }\n" + kMinimal), "unknown key 'a' in listen"));
  CHECK(says(load("log: [a]\n" + kMinimal),
             "log: expected a block with the keys access, format or level, found a list"));
  CHECK(says(load("pools: [a]\n" + kSites),
             "pools: expected a block of pools, each a NAME: and its keys, found a list"));
  CHECK(says(load(kPools + "sites: { root: /usr/share }\n"),
             "sites: expected a list of sites, each beginning with '- ', found a block"));
  CHECK(says(load_pool("max_connections: [4]"),
             "pools.php.max_connections: expected a whole number, found a list"));
  CHECK(says(load_pool("queue: 5"),
             "pools.php.queue: expected a block with the keys size or timeout, found a single value"));
  CHECK(says(load_pool("ping:"),
             "pools.php.ping: has no value; write a duration such as 30s, or leave the key out"));
  CHECK(says(load_pool("settle: null"), "pools.php.settle: has no value; write auto, always or never"));
  CHECK(says(load_site("index: [[a]]"),
             "sites[0].index[0]: expected a file name such as index.php, or a list of them, found a list"));
  CHECK(says(load("- a\n"), "expected a block with the keys listen"));
  CHECK(errors(load("- a\n")) == 1);
  CHECK(errors(load("pools: [a]\n" + kSites)) == 1);  // and nothing about a missing pool
  // A block whose keys are all commented out is an empty block.
  CHECK(load(kMinimal + "client:\n  # max_header: 1k\nlog:\n").config);
}

TEST_CASE("flags are true or false, unquoted") {
  CHECK(load_pool("keep_alive: true").config->pools[0].keep_alive);
  CHECK_FALSE(load_pool("keep_alive: false").config->pools[0].keep_alive);
  struct {
    const char* text;
    const char* hint;
  } const bad[] = {{"yes", "write true"},
                   {"on", "write true"},
                   {"True", "write true"},
                   {"no", "write false"},
                   {"0", "write false"},
                   {"Off", "write false"},
                   {"flase", "write false"},
                   {"maybe", ""},
                   {"\"yes\"", "write true without quotes"},
                   {"\"true\"", "write true without quotes"},
                   {"'false'", "write false without quotes"}};
  for (const auto& row : bad) {
    CAPTURE(row.text);
    const auto result = load_pool(std::string("keep_alive: ") + row.text);
    REQUIRE(errors(result) == 1);
    CHECK(result.diagnostics[0].hint == row.hint);
  }
}

TEST_CASE("words, text and numbers may be quoted or not") {
  const auto result = load_pool("settle: \"never\"\n    max_connections: '8'\n    client_abort: close");
  REQUIRE(result.config);
  CHECK(result.config->pools[0].settle == Settle::never);
  CHECK(result.config->pools[0].max_connections == 8);
  CHECK(result.config->pools[0].client_abort == ClientAbort::close);
  CHECK(load_site("params: { A: 1, B: true, C: \"\", D: 012 }").config->sites[0].params ==
        std::map<std::string, std::string>{{"A", "1"}, {"B", "true"}, {"C", ""}, {"D", "012"}});
  CHECK(says(load_pool("application: phpfpm"),
             "expected php-fpm or generic, got 'phpfpm'; did you mean 'php-fpm'?"));
}

TEST_CASE("list or scalar") {
  CHECK(load("listen: :1\n" + kMinimal).config->listen.size() == 1);
  CHECK(load("listen: [:1, \"[::1]:2\", unix:/x]\n" + kMinimal).config->listen.size() == 3);
  CHECK(load("listen:\n  - :1\n  - :2\n" + kMinimal).config->listen[1].port == 2);
  CHECK(says(load("listen: []\n" + kMinimal), "is empty, at least one address is needed"));
  CHECK(load_site("hosts: Example.com").config->sites[0].hosts == std::vector<std::string>{"example.com"});
  CHECK(load_site("hosts: []").config->sites[0].hosts.empty());
  CHECK(load_site("index: a.php").config->sites[0].index == std::vector<std::string>{"a.php"});
  CHECK(load("trusted_proxies: private\n" + kMinimal).config->trusted_proxies.size() == 8);
  CHECK(load("trusted_proxies: none\n" + kMinimal).config->trusted_proxies.empty());
  CHECK(load("trusted_proxies: [private, 8.8.8.8]\n" + kMinimal).config->trusted_proxies.size() == 9);
  CHECK(load("admin: { listen: off }\n" + kMinimal).config->admin == std::nullopt);
  CHECK(load("admin: { listen: unix:/x }\n" + kMinimal).config->admin->path == "/x");
  // Who may connect may pause pools: the file is not everybody's, as one of the sites is.
  CHECK(load("admin: { listen: unix:/x }\n" + kMinimal).config->admin->socket_mode == 0660);
  CHECK(load("admin: unix:/x\n" + kMinimal).config->admin->socket_mode == 0660);
  CHECK(load("listen: unix:/x\n" + kMinimal).config->listen.front().socket_mode == 0666);
}

TEST_CASE("unknown keys and what was probably meant") {
  CHECK(says(load("lisen: :1\n" + kMinimal), "unknown key 'lisen' at the top level; did you mean 'listen'?"));
  CHECK(says(load_pool("maxConnections: 3"), "did you mean 'max_connections'?"));
  CHECK(says(load_pool("max-connections: 3"), "did you mean 'max_connections'?"));
  CHECK(says(load("max_body: 3\n" + kMinimal),
             "did you mean 'sites[].max_body', 'sites[].routes[].max_body' or 'listen[].max_body'?"));
  CHECK(says(load("idle: 3\n" + kMinimal), "did you mean 'pools.NAME.recycle.idle'?"));
  CHECK(says(load_pool("zzz: 3"), "known here: address, application"));
  // One slip is one message: what is misspelled is not also missing.
  CHECK(errors(load("pols: {}\n" + kSites)) == 1);
  CHECK(errors(load("pools: { php: { adress: unix:/x } }\n" + kSites)) == 1);
  CHECK(errors(load(kPools + "sites: [{ rot: /usr/share, pool: php }]\n")) == 1);
}

TEST_CASE("places count characters, and the caret stands under them") {
  const auto result = load_site("params: { \xC3\xA4\xE2\x82\xAC: 1, A: \"\xF0\x9F\x98\x80\", A: 2 }");
  REQUIRE(errors(result) == 2);
  CHECK(result.diagnostics[0].column == 15);
  CHECK(result.diagnostics[1].column == 30);
  const std::string text = format_diagnostic(result.diagnostics[1]);
  CHECK(text.ends_with("\n    " + std::string(29, ' ') + "^\n"));
}

TEST_CASE("the shape of a message") {
  CHECK(format_diagnostic({Severity::error, "f", 3, 5, "m", "h", "a\tb: c"}) ==
        "f:3:5: error: m; h\n    a\tb: c\n     \t  ^\n");
  CHECK(format_diagnostic({Severity::warning, "f", 3, 1, "m", "", "x"}) ==
        "f:3:1: warning: m\n    x\n    ^\n");
  CHECK(format_diagnostic({Severity::error, "f", 0, 0, "m", "h", ""}) == "f: error: m; h\n");
  CHECK(format_diagnostic({Severity::error, "f\n", 1, 2, "\x1b[m", "\r", "\x01x\xC2\x9By"}) ==
        "f\\x0a:1:2: error: \\x1b[m; \\x0d\n    \\x01x\\x9by\n        ^\n");
  // Past the end of the line, and far out in a very long one.
  CHECK(format_diagnostic({Severity::error, "f", 1, 9, "m", "", "abc"}) ==
        "f:1:9: error: m\n    abc\n        ^\n");
  const std::string shown =
      format_diagnostic({Severity::error, "f", 1, 501, "m", "", std::string(1000, 'x')});
  CHECK(shown.find("    ..." + std::string(240, 'x') + "...\n       " + std::string(120, ' ') + "^\n") !=
        std::string::npos);
}

TEST_CASE("two hundred findings are shown, the rest is counted") {
  const auto with = [](int keys) {
    std::string text = kMinimal;
    for (int i = 0; i < keys; ++i) {
      text += "x" + std::to_string(i) + ": 1\n";
    }
    return load(text);
  };
  CHECK(with(199).diagnostics.size() == 199);
  CHECK(with(200).diagnostics.size() == 200);
  const auto many = with(203);
  REQUIRE(many.diagnostics.size() == 201);
  CHECK(many.diagnostics.back().message == "and 3 more");
  CHECK_FALSE(many.config);
  // One enormous line is not copied into each of them.
  CHECK(load("x: " + std::string(16381, 'y') + "\n" + kMinimal).diagnostics[0].source_line.size() == 16384);
  CHECK(load("x: " + std::string(16382, 'y') + "\n" + kMinimal).diagnostics[0].source_line.empty());
}

TEST_CASE("UTF-8 is well formed or it is refused") {
  for (const char* text : {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEF\xBF\xBF",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CHECK(find_invalid_utf8(text) == std::string_view::npos);
  }
  for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2y", "\xE0\x9F\xBF", "\xED\xA0\x80",
                           "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    CHECK(find_invalid_utf8(text) == 0);
    CHECK(find_invalid_utf8("ab" + std::string(text) + "c") == 2);
  }
}

TEST_CASE("did you mean: near words only, swaps count once") {
  CHECK(closest("lsiten", {"listen", "sites"}) == "listen");
  CHECK(closest("sits", {"listen", "sites"}) == "sites");
  CHECK(closest("xyz", {"listen", "sites"}).empty());
  CHECK(closest("", {"listen"}).empty());
  CHECK(closest("log", {"log"}) == "log");
}

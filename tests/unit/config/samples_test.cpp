// The files users copy, and the reference: true to the code, and complete.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <set>

#include "config/config.h"
#include "config/pool.h"
#include "config/schema.h"
#include "config/site.h"
#include "helpers.h"

using namespace holdfast::config;
namespace fs = std::filesystem;

namespace {

// The warnings a sample may give here: its folders are not on this machine.
bool only_missing_folders(const LoadResult& result) {
  return std::all_of(result.diagnostics.begin(), result.diagnostics.end(), [](const Diagnostic& d) {
    return d.severity == Severity::warning && d.message.find("does not exist") != std::string::npos;
  });
}

std::string last_word(const std::string& path) {
  return path.substr(path.rfind('.') + 1);
}

// The cells of a Markdown table row, trimmed.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream stream(line);
  std::string cell;
  std::getline(stream, cell, '|');  // what is before the first bar
  while (std::getline(stream, cell, '|')) {
    const auto first = cell.find_first_not_of(' ');
    const auto last = cell.find_last_not_of(' ');
    out.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
  }
  return out;
}

}  // namespace

TEST_CASE("every sample loads without an error") {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(source_file("config/samples"))) {
    if (entry.path().extension() == ".yaml") {
      ++seen;
      const auto result = load(read_text(entry.path().string()));
      CAPTURE(entry.path().string());
      CHECK_MESSAGE(result.config, said(result));
      CHECK_MESSAGE(only_missing_folders(result), said(result));
    }
  }
  CHECK(seen >= 7);
}

TEST_CASE("samples follow the environment where they say so") {
  const auto result = load(read_text(source_file("config/samples/symfony.yaml")),
                           {{"LISTEN", "127.0.0.1:81"}, {"PHP_FPM", "tcp:php:9000"}, {"APP_ENV", "dev"}});
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK(result.config->listen[0].port == 81);
  CHECK(result.config->pools[0].address.host == "php");
  CHECK(result.config->sites[0].params.at("APP_ENV") == "dev");
}

TEST_CASE("holdfast.yaml shows every key with its true default") {
  const std::string text = read_text(source_file("config/holdfast.yaml"));
  const auto result = load(text);
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK_MESSAGE(only_missing_folders(result), said(result));
  Config expected;
  expected.pools.emplace_back();
  expected.pools[0].name = "php";
  expected.pools[0].address = {Address::Kind::unix_socket, {}, 0, "/run/php/php-fpm.sock"};
  expected.sites.emplace_back();
  expected.sites[0].root = expected.sites[0].php_root = "/srv/app/public";
  expected.sites[0].pool = "php";
  CHECK(*result.config == expected);

  // Present at all: active, or commented out because there is no default to show.
  const std::set<std::string> commented = {"hosts", "php_root", "fallback", "status_path", "user", "group"};
  for (const WrittenKey& key : schema_keys()) {
    CAPTURE(key.path);
    const bool no_default = key.value.empty() || key.path.starts_with("sites[].routes[]") ||
                            commented.contains(last_word(key.path));
    const std::string word = last_word(key.path) + ": ";
    bool shown = false;
    for (const char* before : {"# - ", no_default ? "# " : " ", no_default ? "#   " : "\n", "{ ", ", "}) {
      shown = shown || text.find(before + word) != std::string::npos;
    }
    CHECK(shown);
  }
}

TEST_CASE("what holdfast.yaml shows commented out is right too") {
  std::string text = read_text(source_file("config/holdfast.yaml"));
  for (const char* key :
       {"hosts", "php_root", "fallback", "run", "params", "status_path", "user", "group", "internal", "types",
        "headers", "expires", "php", "log", "auth", "allow", "timeouts", "type", "list"}) {
    const auto at = text.find(std::string("# ") + key + ":");
    REQUIRE(at != std::string::npos);
    text.erase(at, 2);
  }
  const auto routes = text.find("routes: []");
  text.erase(routes + 7, 3);
  for (auto at = text.find("    # - path"); at != std::string::npos && text.compare(at, 6, "    # ") == 0;
       at = text.find('\n', at) + 1)
    text.erase(at + 4, 2);
  const auto result = load(text);
  REQUIRE_MESSAGE(result.config, said(result));
  REQUIRE(result.config->sites[0].routes.size() == 1);
  CHECK(result.config->sites[0].routes[0].deny == 404);
  CHECK(result.config->sites[0].routes[0].when.query == std::vector<std::string>{"v=*"});
  CHECK(result.config->sites[0].auth->users == "/etc/holdfast/users");
  CHECK(result.config->sites[0].hosts.size() == 2);
  CHECK(result.config->sites[0].fallback == "/index.php");
  CHECK(result.config->pools[0].status_path == "/fpm-status");
}

TEST_CASE("the php-fpm pool goes with the defaults") {
  std::map<std::string, std::string> ini;
  std::istringstream lines(read_text(source_file("config/samples/php-fpm-pool.conf")));
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find(" = ");
    if (!line.starts_with(';') && equals != std::string::npos) {
      ini[line.substr(0, equals)] = line.substr(equals + 3);
    }
  }
  const auto minimal = load(read_text(source_file("config/samples/minimal.yaml")));
  REQUIRE(minimal.config);
  const Pool& pool = minimal.config->pools[0];
  CHECK(ini.at("pm") == "static");
  CHECK(ini.at("pm.max_children") == std::to_string(pool.max_connections + 1));
  CHECK("unix:" + ini.at("listen") == pool.address.text());
  CHECK(ini.at("pm.status_path") == "/fpm-status");
  CHECK(std::stoi(ini.at("request_terminate_timeout")) >
        std::chrono::duration_cast<std::chrono::seconds>(pool.timeouts.first_byte).count());
}

TEST_CASE("the reference says of every key when a reload applies it, once") {
  const std::string text = read_text(source_file("config/README.md"));
  std::istringstream lines(text.substr(text.find("## Reload")));
  std::vector<std::string> told;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    std::istringstream names(cells(line)[0]);
    for (std::string name; std::getline(names, name, '`') && std::getline(names, name, '`');) {
      told.push_back(name);
    }
  }
  for (const WrittenKey& key : schema_keys()) {
    CAPTURE(key.path);
    CHECK(std::count_if(told.begin(), told.end(), [&key](const std::string& name) {
            return key.path == name || key.path.starts_with(name + ".") || key.path.starts_with(name + "[");
          }) == 1);
  }
}

TEST_CASE("the reference names every key, no other, and the true default") {
  std::map<std::string, std::string> documented;
  std::istringstream lines(read_text(source_file("config/README.md")));
  for (std::string line; std::getline(lines, line) && line != "## Reload";) {
    if (line.starts_with("| `")) {
      const auto row = cells(line);
      REQUIRE(row.size() == 4);
      const std::string path = row[0].substr(1, row[0].size() - 2);
      CAPTURE(path);
      CHECK_FALSE(documented.contains(path));
      CHECK_FALSE(row[3].empty());
      documented[path] = row[2];
    }
  }
  const std::map<std::string, std::string> without = {
      {"listen[].fastcgi", "required"}, {"listen[].pool", "required"}, {"pools.NAME.address", "required"},
      {"sites[].root", "required"},     {"sites[].php_root", "root"},  {"sites[].routes[].path", "required"}};
  std::set<std::string> known;
  for (const WrittenKey& key : schema_keys()) {
    CAPTURE(key.path);
    known.insert(key.path);
    REQUIRE(documented.contains(key.path));
    const std::string shown = key.value.empty() ? "-" : "`" + key.value + "`";
    CHECK(documented[key.path] == (without.contains(key.path) ? without.at(key.path) : shown));
  }
  for (const auto& row : documented) {
    CAPTURE(row.first);
    CHECK(known.contains(row.first));
  }
}

TEST_CASE("WordPress offers permalinks only to servers it knows") {
  const auto sample = load(read_text(source_file("config/samples/wordpress.yaml")));
  REQUIRE_MESSAGE(sample.config, said(sample));
  // wp-includes/vars.php: $is_nginx = str_contains($_SERVER['SERVER_SOFTWARE'], 'nginx'), which goes before
  // ours.
  CHECK(sample.config->sites[0].params.at("SERVER_SOFTWARE").find("nginx") != std::string::npos);
}

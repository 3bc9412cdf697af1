// Rules by path as the file says them: what is read, and each mistake with its place and its cure.
#include "config/routes.h"
#include "config/config.h"
#include "config/pool.h"
#include "config/route_limits.h"
#include "config/site.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/presets.h"
#include "helpers.h"

using namespace holdfast::config;

namespace {

const Site& site_of(const LoadResult& result) {
  REQUIRE_MESSAGE(result.config, said(result));
  return result.config->sites[0];
}

LoadResult load_route(const std::string& keys) {
  return load_site("routes: [{ " + keys + " }]");
}

const Route& route_of(const LoadResult& result) {
  REQUIRE_MESSAGE(result.config, said(result));
  REQUIRE(result.config->sites[0].routes.size() == 1);
  return result.config->sites[0].routes[0];
}

// A folder of files that goes with the test.
struct SitesFolder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("holdfast-" + std::to_string(::getpid()));
  SitesFolder() { std::filesystem::create_directories(path / "sites"); }
  SitesFolder(const SitesFolder&) = delete;
  SitesFolder& operator=(const SitesFolder&) = delete;
  ~SitesFolder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
};

}  // namespace

TEST_CASE("a route is read whole") {
  const auto result = load_route(
      "path: [/a/*, \"*.sql\"], when: { query: v=*, method: [GET, HEAD], from: private }, expires: 30d, log: "
      "false, "
      "headers: { X-A: b }, auth: off, allow: all, max_body: 1m, pool: php, timeouts: { first_byte: 5s }, "
      "type: "
      "text/plain, list: true, php: false, fallback: 404, redirect: \"/b/$1\", status: 302");
  const Route& route = route_of(result);
  CHECK(route.path == std::vector<std::string>{"/a/*", "*.sql"});
  CHECK(route.when.method.size() == 2);
  CHECK(route.when.from.size() > 3);
  CHECK(route.expires->after == std::chrono::hours(24 * 30));
  CHECK(route.auth->off);
  CHECK(route.allow->size() == 1);
  CHECK(route.redirect == "/b/$1");
  CHECK(route.status == 302);
  CHECK(route.timeouts.first_byte == std::chrono::seconds(5));
  CHECK_FALSE(route.timeouts.send);
}

TEST_CASE("dollar signs of targets are theirs; ${...} is the environment's") {
  CHECK(route_of(load_route("path: /a/*, to: \"/b/$1?c=$$d\"")).to == "/b/$1?c=$$d");
  const auto result =
      load_site("routes: [{ path: /a, redirect: \"${WHERE}/$$x\" }]", {{"WHERE", "https://a.b/$y"}});
  CHECK(route_of(result).redirect == "https://a.b/$$y/$$x");
}

TEST_CASE("mistakes in routes, and what to write instead") {
  const std::pair<const char*, const char*> bad[] = {
      {"deny: 404", "sites[0].routes[0]: has no path; add one"},
      {"path: /go/**, redirect: \"https://$host:8443$1\"", "has something between its host and the path"},
      {"path: /go/**, redirect: \"https://$host:84a/$1\"", "has something between its host and the path"},
      {"path: /go/**, redirect: \"https://$host:$1\"", "has something between its host and the path"},
      {"path: /a, deny: 403, when: {}", "routes[0].when: is empty, and would hold for every request"},
      {"path: /a, deny: 403, when: { from: [] }", "when.from: is empty, and would hold"},
      {"path: /a, deny: 403, when: { method: GET, query: [] }", "when.query: is empty, and would hold"},
      {"path: /a, deny: 401", "sites[0].routes[0].deny: expected 403, 404 or 410, got '401'"},
      {"path: /a, deny: all", "write 403 or 404"},
      {"path: /a, deny: 404, to: /b", "has more than one action"},
      {"path: /a, status: 302", "has a status but no redirect"},
      {"path: /a, redirect: /b, status: 200", "expected 301, 302, 303, 307 or 308"},
      {"path: /a/*, to: /b/$2", "names $2, and '/a/*' has only 1 star"},
      {"path: [/a/*, /b], redirect: /c/$1", "names $1, and '/b' has no star"},
      {"path: /a, fallback: /b/$1", "names $1"},
      {"path: \"~ \\\\.php$$\", deny: 404", "nginx's way"},
      {"path: /a, redirect: //b", "begins with '//'"},
      {"path: /a, to: https://b/", "is an address; a client is sent there by redirect"},
      {"path: /a, expires: 30", "a duration needs a unit"},
      {"path: /a, expires: epoch", "0s is stale at once"},
      {"path: /a, expires: 500ms", "whole seconds"},
      {"path: /a, allow: []", "lets nobody in; write deny: 403"},
      {"path: /a, auth: basic", "expected off or a block"},
      {"path: /a, auth: { realm: x }", "names no file of users"},
      {"path: /a, headers: { \"X Y\": z }", "is not the name of a header"},
      {"path: /a, headers: { Content-Length: 1 }", "is set for each message"},
      {"path: /a, headers: { X-A: 1, x-a: 2 }", "x-a is there already, as X-A"},
      {"path: /a, headers: { X-A: \"a\\nb\" }", "control character"},
      {"path: /a, type: text", "expected a type such as text/html"},
      {"path: /a, pool: phpp", "there is no pool 'phpp'; did you mean 'php'?"},
      {"path: /a, when: { method: get }", "write GET"},
      {"path: /a, when: { query: \"a=1&b=2\" }", "write a list"},
      {"path: /a, when: { host: x }", "unknown key 'host' in sites[0].routes[0].when"},
      {"path: /a, timeouts: { connect: 1s }", "unknown key 'connect'"},
      {"path: /a, denny: 404", "did you mean 'deny'?"},
      {"path: /a, return: 404", "'sites[].routes[].redirect'"},
      {"path: /a, auth_basic: x", "'sites[].auth'"},
  };
  for (const auto& row : bad) {  // no structured binding: clang 14 cannot capture one
    const auto& keys = row.first;
    const auto& message = row.second;
    CAPTURE(std::string(keys));
    const auto result = load_route(keys);
    CHECK_FALSE(result.config);
    CHECK_MESSAGE(says(result, message), said(result));
    CHECK_MESSAGE(errors(result) == 1, said(result));
    CHECK_MESSAGE(says(result, "/etc/holdfast/test.yaml:5:"), said(result));
  }
  CHECK(says(load_site("routes: [/a]"), "write { path: /a, deny: 404 }"));
  CHECK(says(load_site("routes: { path: /a }"), "write '- ' before"));
}

TEST_CASE("an action behind one that takes all is said to be in vain") {
  const auto result = load_site("routes: [{ path: /**, deny: 404 }, { path: /a, redirect: /b }]");
  CHECK(result.config);
  CHECK(says(result, "sites[0].routes[1]: its action never counts"));
}

TEST_CASE("what a fallback makes of auth: off, allow and php: false") {
  const std::string guarded = "fallback: /index.php, auth: { users: /etc/passwd }, routes: ";
  const char* opens = "sites[0].routes[0]: opens files; what is none gets /index.php";
  const auto said = [](const std::string& keys, const char* words) {
    const auto result = load(kPools + "sites: [{ root: /usr/share, pool: php, " + keys + " }]\n");
    CHECK(result.config);
    return says(result, words);
  };
  CHECK(said(guarded + "[{ path: /api/, auth: off }]", opens));
  CHECK(said(guarded + "[{ path: /api/**, auth: off }]", opens));
  CHECK(said("fallback: /index.php, allow: 10.0.0.0/8, routes: [{ path: /api/, allow: all }]", opens));
  CHECK_FALSE(said(guarded + "[{ path: /api/, auth: off, fallback: /index.php }]", opens));
  CHECK_FALSE(said(guarded + "[{ path: /api/, auth: off, fallback: 404 }]", opens));
  CHECK_FALSE(said(guarded + "[{ path: \"*.css\", auth: off }]", opens));
  CHECK_FALSE(said("auth: { users: /etc/passwd }, routes: [{ path: /api/, auth: off }]", opens));
  const char* never = "sites[0].php: false keeps /index.php from running, too";
  CHECK(said("fallback: /index.php, php: false", never));
  CHECK_FALSE(said("fallback: /index.php, php: false, routes: [{ path: /index.php, php: true }]", never));
  CHECK_FALSE(said("fallback: /index.html, php: false", never));
}

TEST_CASE("a site may have so many routes and no more") {
  std::string keys = "routes: [";
  for (std::size_t i = 0; i < kRoutesMax; ++i) keys += "{ path: /a, log: false }, ";
  CHECK(load_site(keys + "]").config);
  CHECK(says(load_site(keys + "{ path: /b, log: false }]"), "is one route too many: a site may have 256"));
}

TEST_CASE("https without a proxy that tells of it, and users that are not there") {
  CHECK(says(load_site("https: required"), "nobody here can tell that a request came by https"));
  CHECK_FALSE(says(load("trusted_proxies: private\n" + kPools +
                        "sites: [{ root: /usr/share, pool: php, https: required }]\n"),
                   "nobody here can tell"));
  CHECK(says(load_site("auth: { realm: x, users: /none/users }"), "/none/users does not exist"));
  CHECK(
      says(load_site("routes: [{ path: /a, auth: { users: /none/users } }]"), "/none/users does not exist"));
  CHECK_FALSE(says(load_site("auth: { realm: x, users: /etc/passwd }"), "does not exist"));
  CHECK_FALSE(says(load_site("auth: off"), "does not exist"));
}

TEST_CASE("keys of a site") {
  CHECK(site_of(load_site("fallback: /index.php$path")).fallback == "/index.php$path");
  CHECK(site_of(load_site("fallback: 404")).fallback.empty());
  const std::pair<const char*, const char*> bad[] = {
      {"fallback: /a$1", "names $1, and a site has no pattern; write $path"},
      {"path: wiki", "expected a path such as /wiki"},
      {"path: /", "leave it out for the whole host"},
      {"path: /a/", "no slash at its end"},
      {"https: yes", "expected optional or required"},
      {"run: []", "run: names no script, and would let each of them run"},
      {"errors: { 404: /index.php }", "a script cannot be the page of an error"},
      {"errors: { 5xx: \"/st.php?s=1\" }", "a script cannot be the page of an error"},
      {"errors: { 404: /Index.PHP.bak }", "a script cannot be the page of an error"},
      {"errors: { 404: /.secret.html }", "names that begin with a dot are not sent"},
      {"headers: { Location: /x }", "Location is set for each message"},
      {"headers: { WWW-Authenticate: \"\" }", "WWW-Authenticate is set for each message"},
      {"errors: { 200: /a.html }", "'200' is no status that has a page"},
      {"errors: { 404: a.html }", "write /a.html"},
      {"internal: { /a: /srv }", "it begins and ends with '/'"},
      {"internal: { /../: /srv }", "no path begins with '/../', they are without '/../'"},
      {"internal: { /a/./: /srv }", "they are without '/./'"},
      {"internal: { /a//b/: /srv }", "they are without '//'"},
      {"internal: { \"/%2e%2E/\": /srv }", "they are percent-decoded"},
      {"types: { .webp: image/webp }", "without its dot"},
      {"charset: \"a b\"", "expected a charset"},
      {"app: laravl", "did you mean 'laravel'?"},
      {"redirect: $host", "no place to go to"},
  };
  for (const auto& row : bad) {  // no structured binding: clang 14 cannot capture one
    const auto& keys = row.first;
    const auto& message = row.second;
    CAPTURE(std::string(keys));
    const auto result = load_site(keys);
    CHECK_FALSE(result.config);
    CHECK_MESSAGE(says(result, message), said(result));
  }
  CHECK(says(load_site("fallback: /a.php\n    front_controller: /a.php"),
             "fallback is the same, and given too"));
  CHECK(load(kPools +
             "sites: [{ hosts: [a.b], redirect: \"https://c.d$uri\" }, { root: /usr/share, pool: php }]")
            .config);
}

TEST_CASE("sites of one host differ by their path") {
  const auto two = [](const std::string& a, const std::string& b) {
    return load(kPools + "sites: [{ hosts: [a.b], root: /usr/share, pool: php" + a +
                " }, { hosts: [a.b], root: /usr/share, pool: php" + b + " }]");
  };
  CHECK(two("", ", path: /wiki").config);
  CHECK(two(", path: /a", ", path: /wiki").config);
  CHECK(says(two(", path: /a", ", path: /a"), "belongs to sites[0] already"));
  CHECK(says(two("", ""), "belongs to sites[0] already"));
}

TEST_CASE("include: sites and pools of other files, each with its own places") {
  const SitesFolder folder;
  const auto load_main = [&](const std::string& include) {
    return load_text(kMinimal + "include: " + include + "\n", (folder.path / "main.yaml").string());
  };
  folder.write("sites/b.yaml", "sites: [{ hosts: [b.example], root: ../www, pool: php }]\n");
  folder.write("sites/a.yaml",
               "pools: { two: { address: unix:/run/2.sock } }\nsites: [{ hosts: [a.example], root: /usr, "
               "pool: two }]\n");
  folder.write("sites/.hidden.yaml", "nonsense: 1\n");
  folder.write("sites/c.txt", "nonsense: 1\n");
  const auto result = load_main("sites/*.yaml");
  REQUIRE_MESSAGE(result.config, said(result));
  REQUIRE(result.config->sites.size() == 3);
  CHECK(result.config->sites[1].hosts[0] == "a.example");
  CHECK(result.config->sites[2].root == (folder.path / "www").string());
  CHECK(result.config->pools.size() == 2);
  CHECK(*load_text(to_yaml(*result.config), "x.yaml").config == *result.config);

  folder.write("sites/b.yaml", "\n\nsites:\n  - hosts: [b.example]\n    rot: /usr\n");
  const auto wrong = load_main("sites/*.yaml");
  CHECK_FALSE(wrong.config);
  CHECK_MESSAGE(says(wrong, "sites/b.yaml:5:5: error: unknown key 'rot' in sites[2]; did you mean 'root'?"),
                said(wrong));
  CHECK(says(wrong, "    rot: /usr"));
  folder.write("sites/b.yaml", "listen: :80\n");
  CHECK(says(load_main("sites/*.yaml"), "b.yaml:1:1: error: unknown key 'listen' at the top level"));
  for (const char* key : {"listen", "client", "log", "trusted_proxies", "include", "user"}) {
    folder.write("sites/b.yaml", std::string(key) + ": x\n");
    const auto other = load_main("sites/*.yaml");
    const std::string remedy = "an included file has only pools and sites; " + std::string(key) +
                               " belongs into the file that includes it";
    CHECK_MESSAGE(says(other, remedy), said(other));
  }
  folder.write("sites/b.yaml", "sitess: []\n");
  CHECK(says(load_main("sites/*.yaml"), "did you mean 'sites'?"));
  folder.write("sites/b.yaml", "pools: { php: { address: unix:/run/3.sock } }\n");
  CHECK(says(load_main("sites/*.yaml"), "there is a pool 'php' already"));
  CHECK(says(load_main("none.yaml"), "there is no file"));
  CHECK(load_main("none/*.yaml").config);
  CHECK(says(load_main("none/*.yaml"), "no file is named"));
  CHECK(says(load_main("\"*/a.yaml\""), "in the name of the file alone"));
}

TEST_CASE("include: a folder that may not be read holds nobody knows what") {
  const SitesFolder folder;
  const auto load_main = [&](const std::string& include) {
    return load_text(kMinimal + "include: " + include + "\n", (folder.path / "main.yaml").string());
  };
  folder.write("sites/a.yaml", "sites: [{ hosts: [a.example], root: /usr, pool: php }]\n");
  const std::string beside = (folder.path / "sites").string();
  // Too many links, whoever asks: the error that root meets as well.
  std::filesystem::create_directory_symlink("loop", folder.path / "loop");
  const auto loop = load_main("loop/*.yaml");
  CHECK_FALSE(loop.config);
  CHECK_MESSAGE(says(loop, "loop cannot be read: Too many levels of symbolic links"), said(loop));
  CHECK(says(load_main("loop/a.yaml"), "loop/a.yaml cannot be read: Too many levels"));
  CHECK_FALSE(load_main("[sites/*.yaml, loop/*.yaml]").config);
  CHECK(load_main("sites/a.yaml/*.yaml").config);  // no folder holds none

  if (::geteuid() == 0) return;  // reads any folder
  std::filesystem::permissions(beside, std::filesystem::perms::none);
  CHECK(says(load_main("sites/*.yaml"), "sites cannot be read: Permission denied"));
  CHECK(says(load_main("sites/a.yaml"), "sites/a.yaml cannot be read: Permission denied"));
  std::filesystem::permissions(beside, std::filesystem::perms::owner_all);
}

TEST_CASE("every preset is in the grammar, and its site may add to it") {
  CHECK(presets().size() >= 1);
  for (const Preset& preset : presets()) {
    CAPTURE(preset.name);
    std::vector<Diagnostic> problems;
    const Site site = preset_site(preset, &problems);
    CHECK_MESSAGE(problems.empty(), format_diagnostics(problems));
    const auto result = load_site("app: " + std::string(preset.name) +
                                  "\n    routes: [{ path: /mine, deny: 410 }]\n    headers: { X-Mine: a }\n"
                                  "    max_body: 3m");
    REQUIRE_MESSAGE(result.config, said(result));
    const Site& read = result.config->sites[0];
    REQUIRE(read.routes.size() == site.routes.size() + 1);
    CHECK(read.routes.back().deny == 410);
    CHECK(read.headers.size() == site.headers.size() + 1);
    CHECK(read.max_body == 3U << 20);
    CHECK(read.index == site.index);
    const auto printed = load(to_yaml(*result.config));
    REQUIRE_MESSAGE(printed.config, said(printed));
    CHECK(*printed.config == *result.config);
  }
}

TEST_CASE("places of a site's own routes are right behind a preset's") {
  const auto result = load_site("app: laravel\n    routes: [{ path: /a, pool: nope }]");
  CHECK_MESSAGE(says(result, "sites[0].routes[0].pool: there is no pool 'nope'"), said(result));
}

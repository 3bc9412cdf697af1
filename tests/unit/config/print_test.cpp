// to_yaml(): what is printed loads to an equal Config.
#include <doctest/doctest.h>

#include <filesystem>
#include <random>

#include "config/buffers.h"
#include "config/client.h"
#include "config/config.h"
#include "config/log.h"
#include "config/network.h"
#include "config/pool.h"
#include "config/shutdown.h"
#include "config/site.h"
#include "config/values.h"
#include "helpers.h"

using namespace holdfast::config;

namespace {

void set_rules(Site& site) {
  site.path = "/wiki";
  site.run = {"/index.php", "/a b/**.php"};
  site.https = Https::required;
  site.redirect = "https://$host:8443$uri?a=$$1";
  site.errors = {{{"404", "/e 404.html"}, {"5xx", "/e.html"}}, true};
  site.internal = {{"/protected/", "/srv/a b"}};
  site.precompressed = true;
  site.charset = "";
  site.types = {{"webp", "image/webp"}, {"x", "text/x; charset=utf-8"}};
  site.headers = {{"X-A", ""}, {"X-B", "max-age=1; \"q\" $x"}};
  site.expires = Expires{Expires::Kind::max, {}};
  site.php = true;
  site.log = false;
  site.auth = Auth{false, "A: b", "/etc/users"};
  site.allow = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10}, 104}, {{}, 0}};
  site.timeouts = {Duration(1), Duration(2), Duration(3)};
  site.type = "text/plain";
  site.list = true;
  Route route;
  const PathSettings& settings = site;
  static_cast<PathSettings&>(route) = settings;
  route.expires = Expires{Expires::Kind::after, std::chrono::hours(48)};
  route.auth = Auth{true, "Restricted", ""};
  route.path = {"/{a,b}/**", "*.sql", "/a: b/*"};
  route.when = {{"v=*", "a"}, {"c=d"}, {"Dav Clnt*"}, {"GET", "REPORT"}, {{{0xFD}, 8}}};
  route.max_body = 7;
  route.pool = "1-a_B";
  route.fallback = "404";
  route.to = "/i.php$path?x=$1&y=\"";
  site.routes = {route, Route(), Route()};
  site.routes[1].path = {"/x/*"};
  site.routes[1].redirect = "/y/$1";
  site.routes[1].status = 308;
  site.routes[1].fallback = "/i.php?a=$1";
  site.routes[2].path = {"/z"};
  site.routes[2].deny = 0;
  site.fallback = "/index.php$path?q=$$x&$query";
}

// Every member away from its default.
Config unusual() {
  Config c;
  c.listen = {{Address::Kind::tcp, "::1", 80, {}}, {Address::Kind::unix_socket, {}, 0, "/run/a b: #.sock"}};
  c.admin = std::nullopt;
  c.admin_hosts = {"holdfast", "*.ops.example"};
  Pool pool;
  pool.name = "1-a_B";
  pool.address = {Address::Kind::tcp, "fe80::1", 9000, {}};
  pool.application = Application::generic;
  pool.keep_alive = false;
  pool.max_connections = 65535;
  pool.queue = {0, Duration(1)};
  pool.timeouts = {Duration(1), Duration(1500), std::chrono::minutes(10), std::chrono::hours(24)};
  pool.recycle = {Duration(0), UINT64_MAX, std::chrono::hours(8760)};
  pool.settle = Settle::never;
  pool.ping = Duration(10);
  pool.client_abort = ClientAbort::close;
  pool.status_path = "/fpm status";
  c.pools = {pool, pool};
  c.pools[1].name = "null";
  c.pools[1].address.port = 9001;
  Site site;
  site.hosts = {"a.example", "*.b.example", "[::1]"};
  site.root = "/usr/share";
  site.php_root = "/usr/share";
  site.resolve_root = true;
  site.index = {};
  site.pool = "null";
  site.params = {{"A", ""},
                 {"B", "$x ${Y} $$"},
                 {"C", "null"},
                 {"D", "a\"b\\c\n\t\x01\x7F'"},
                 {"E", "\xC3\xA4\xE2\x80\xA8\xC2\x85 "}};
  site.max_body = 1;
  site.gzip = true;
  site.publish = {"*.sql", "a $b#"};
  site.follow_links = FollowLinks::all;
  set_rules(site);
  c.sites = {site, site};
  c.sites[1].hosts = {};
  *c.client = {{Duration(1), Duration(2), Duration(3), Duration(0)}, 1024, 11, 1, 2, 3, 7};
  *c.buffers = {.request_memory = 1024,
                .response_memory = 1025,
                .response_head = 1026,
                .memory_max = 8U << 20,
                .spool_dir = "/",
                .spool_max = 1U << 20};
  c.trusted_proxies = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10}, 104}, {{0xFD}, 8}, {{}, 0}};
  c.forwarded_headers = {ForwardedHeader::x_real_ip, ForwardedHeader::x_forwarded_host};
  *c.log = {"/tmp/access log", LogFormat::json, LogLevel::error};
  *c.shutdown = {.grace = Duration(0), .delay = Duration(1)};
  c.user = "1000";
  c.group = "null";
  return c;
}

}  // namespace

TEST_CASE("a config with nothing at its default survives printing") {
  const Config config = unusual();
  const std::string yaml = to_yaml(config);
  CAPTURE(yaml);
  const auto result = load(yaml);
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK(*result.config == config);
  CHECK(to_yaml(*result.config) == yaml);
}

TEST_CASE("unusual() differs from the defaults in every key") {
  // Else the round trip would not notice a key that is printed and never read.
  const std::string a = to_yaml(unusual());
  Config plain;
  plain.pools.emplace_back().name = "php";
  plain.sites.emplace_back();
  std::istringstream lines(to_yaml(plain));
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with(':') && line != "  - hosts: []" &&
        !line.starts_with("    redirect")) {  // two sites cannot share a host: the second has none
      CAPTURE(line);
      CHECK(a.find("\n" + line + "\n") == std::string::npos);
    }
  }
}

TEST_CASE("every file we ship survives printing") {
  for (const auto& entry : std::filesystem::directory_iterator(source_file("config/samples"))) {
    if (entry.path().extension() == ".yaml") {
      const auto first = load(read_text(entry.path().string()));
      REQUIRE_MESSAGE(first.config, said(first));
      const auto second = load(to_yaml(*first.config));
      REQUIRE_MESSAGE(second.config, said(second));
      CHECK(*first.config == *second.config);
    }
  }
}

TEST_CASE("any text survives as a param") {
  std::mt19937 random(7);
  const std::string letters[] = {"a",     "Z",        "0",
                                 ":",     ": ",       "-",
                                 "- ",    "#",        " #",
                                 "{",     "}",        "[",
                                 "]",     ",",        "\"",
                                 "'",     "\\",       "\n",
                                 "\t",    " ",        "$",
                                 "${A}",  "*",        "&",
                                 "!",     "|",        ">",
                                 "%",     "@",        "`",
                                 "~",     "?",        "<<",
                                 "=",     "\r",       "\x1B",
                                 "\x7F",  "\xC3\xA9", "\xEF\xBB\xBF",
                                 "null",  "true",     "---\n",
                                 "...\n", "/",        "."};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t n = random() % 6; n > 0; --n) {
      text += letters[random() % std::size(letters)];
    }
    const auto result = load_site("params: { A: " + yaml_text(text) + " }");
    CAPTURE(yaml_text(text));
    REQUIRE_MESSAGE(result.config, said(result));
    CHECK(result.config->sites[0].params.at("A") == text);
  }
}

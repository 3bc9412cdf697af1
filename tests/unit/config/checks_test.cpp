// Cross checks and limits: each rule broken once, and held once.
#include <doctest/doctest.h>

#include <filesystem>

#include "config/config.h"
#include "config/network.h"
#include "config/pool.h"
#include "config/site.h"
#include "helpers.h"

using namespace holdfast::config;

namespace {

// Exactly one finding, of this severity, with this text.
void one(const LoadResult& result, Severity severity, const std::string& text) {
  CAPTURE(said(result));
  CHECK(result.diagnostics.size() == 1);
  CHECK(count(result, severity) == 1);
  CHECK(says(result, text));
  CHECK((result.config != nullptr) == (severity == Severity::warning));
}
void error(const LoadResult& result, const std::string& text) {
  one(result, Severity::error, text);
}
void warning(const LoadResult& result, const std::string& text) {
  one(result, Severity::warning, text);
}

}  // namespace

TEST_CASE("pools and sites must be given") {
  error(load(kSites), "pools is missing");
  error(load("pools: {}\n" + kSites), "pools: names no pool");
  error(load("pools:\n" + kSites), "pools: names no pool");
  error(load(kPools), "sites is missing");
  error(load(kPools + "sites: []\n"), "sites: names no site");
  error(load("pools: { php: {} }\n" + kSites), "pools.php has no address");
  error(load(kPools + "sites: [{ pool: php }]\n"), "sites[0] has no root");
}

TEST_CASE("pool names") {
  clean(load("pools: { a-B_1: { address: unix:/x } }\nsites: [{ root: /usr/share, pool: a-B_1 }]\n"));
  error(load("pools: { \"a.b\": { address: unix:/x } }\nsites: [{ root: /usr/share, pool: a.b }]\n"),
        "'a.b' is not a name for a pool");
  const std::string name(64, 'p');
  clean(load("pools: { " + name + ": { address: unix:/x } }\nsites: [{ root: /usr/share, pool: " + name +
             " }]\n"));
  error(load("pools: { " + name + "p: { address: unix:/x } }\nsites: [{ root: /usr/share, pool: " + name +
             "p }]\n"),
        "is not a name for a pool");
}

TEST_CASE("a site's pool must exist") {
  error(load(kPools + "sites: [{ root: /usr/share, pool: phpp }]\n"),
        "sites[0].pool: there is no pool 'phpp'; did you mean 'php'?");
  error(load(kPools + "sites: [{ root: /usr/share, pool: zebra }]\n"),
        "there is no pool 'zebra'; pools: php");
  error(load(kPools + "sites: [{ root: /usr/share, front_controller: /i.php }]\n"),
        "sites[0] has a front_controller but no pool to run it; add pool: php");
  warning(load(kPools + "sites: [{ root: /usr/share }]\n"), "no site and no listener uses pools.php");
  error(load("pools: { php: { address: bad } }\n" + kSites), "pools.php.address");  // php still exists
}

TEST_CASE("hosts of sites") {
  const auto sites = [](const std::string& a, const std::string& b) {
    return load(kPools + "sites:\n  - { " + a + "root: /usr/share, pool: php }\n  - { " + b +
                "root: /usr/share, pool: php }\n");
  };
  clean(sites("hosts: [a, \"*.a\"], ", "hosts: [b, \"*.b\"], "));
  clean(sites("hosts: a, ", ""));
  error(sites("", ""), "sites[1] answers every host, and sites[0] does already (line 3)");
  error(sites("hosts: [], ", "hosts: [], "), "sites[1] answers every host");
  error(sites("hosts: [a, b], ", "hosts: [c, A], "), "sites[1].hosts[1]: 'a' belongs to sites[0] already");
  error(sites("hosts: \"*.a\", ", "hosts: \"*.A\", "), "'*.a' belongs to sites[0] already");
  error(sites("hosts: [a, a], ", ""), "sites[0].hosts[1]: 'a' belongs to sites[0] already");
  // Refused hosts are not compared: a site whose hosts are wrong does not answer every host.
  CHECK(errors(sites("hosts: \"a*\", ", "hosts: \"a*\", ")) == 2);
  CHECK(errors(sites("hosts: \"a*\", ", "")) == 1);
  error(sites("hosts: a, ", "hosts: a, path: /crm/, "), "sites[1].path");
  error(sites("", "path: /crm/, "), "sites[1].path");
  error(sites("hosts: [a.], ", ""), "got 'a.'; write a: ");
}

TEST_CASE("addresses that collide") {
  clean(load("listen: [127.0.0.1:1, 127.0.0.1:2, \"[::1]:1\", unix:/a]\n" + kMinimal));
  clean(load("listen: [127.0.0.1:0, 127.0.0.1:0]\n" + kMinimal));  // two ports of the kernel's choice
  error(load("listen: [127.0.0.1:1, 127.0.0.1:1]\n" + kMinimal), "listen: 127.0.0.1:1 is given twice");
  error(load("listen: [unix:/a, unix:/a]\n" + kMinimal), "listen: unix:/a is given twice");
  error(load("listen: [:1, 127.0.0.1:1]\n" + kMinimal), "127.0.0.1:1 collides with 0.0.0.0:1");
  error(load("listen: [127.0.0.1:1, :1]\n" + kMinimal), "0.0.0.0:1 collides with 127.0.0.1:1");
  error(load("listen: 127.0.0.1:1\nadmin: { listen: 127.0.0.1:1 }\n" + kMinimal),
        "admin.listen: 127.0.0.1:1 is also a listen address");
  error(load("listen: :1\nadmin: 127.0.0.1:1\n" + kMinimal),
        "admin.listen: 127.0.0.1:1 is also a listen address for clients; give");
  error(load("listen: 127.0.0.1:9180\n" + kMinimal), "(it is the default of admin.listen)");
  clean(load("listen: 127.0.0.1:9180\nadmin: { listen: off }\n" + kMinimal));
  // A refused list leaves the default behind, and nothing is said about that.
  error(load("listen: [bad]\nadmin: { listen: 127.0.0.1:8080 }\n" + kMinimal),
        "listen[0]: expected an address");
  error(load("listen: unix:/run/php.sock\n" + kMinimal), "is a listen address of holdfast itself");
  warning(load("pools: { a: { address: unix:/x }, b: { address: unix:/x } }\n"
               "sites: [{ hosts: a, root: /usr/share, pool: a }, { hosts: b, root: /usr/share, pool: b }]\n"),
          "pools a and b share the address unix:/x; each counts its own max_connections");
}

TEST_CASE("redirects that lead to themselves, and dots that are taken for any byte, are warnings") {
  const auto routes = [](const std::string& text) { return load_site("routes: [" + text + "]"); };
  for (const char* loop : {"{ path: /a, redirect: /a }", "{ path: /a, redirect: \"/a?x=1\" }",
                           "{ path: /a/, redirect: /a/b }", "{ path: /**, redirect: /soon.html }"}) {
    CAPTURE(loop);
    warning(routes(loop), "which it takes itself: a loop");
  }
  for (const char* good :
       {"{ path: /a, redirect: /a/ }", "{ path: /a/, redirect: /ab }", "{ path: /a, redirect: /b }",
        "{ path: /a, redirect: https://x.example/a }", "{ path: /a, redirect: /a, when: { query: x } }",
        "{ path: /soon.html, to: /soon.html }, { path: /**, redirect: /soon.html }"}) {
    CAPTURE(good);
    clean(routes(good));
  }
  warning(routes("{ path: /private/.*, deny: 403 }"),
          "'/private/.*' is for names that begin with a dot alone; patterns are no regular expressions; all "
          "below is /private/, and if those names are meant: /private/{.}*");
  clean(
      routes("{ path: \"/private/{.}*\", deny: 403 }, { path: \"**/.*\", deny: 403 }, { path: \"/a.*\", "
             "deny: 403 }"));
}

TEST_CASE("folders and files that are not there are warnings") {
  warning(load_site("errors: { 404: /no-such.html }"),
          "sites[0].errors: /usr/share/no-such.html does not exist; a plain page is sent with 404");
  warning(load_site("internal: { /p/: /no/where }"), "sites[0].internal: /no/where is no folder");
  clean(load_site("internal: { /p/: /usr/share }"));
  warning(load(kPools + "sites: [{ root: /no/where, pool: php }]\n"),
          "sites[0].root: /no/where does not exist");
  warning(load(kPools + "sites: [{ root: /etc/passwd, pool: php }]\n"), "/etc/passwd is not a folder");
  warning(load_site("front_controller: /no-such-file.php"), "/usr/share/no-such-file.php does not exist");
  warning(load("buffers: { spool_dir: /no/where }\n" + kMinimal),
          "buffers.spool_dir: /no/where does not exist");
  warning(load("buffers: { spool_dir: /etc/passwd }\n" + kMinimal), "/etc/passwd is not a folder");
  warning(load("log: { access: /no/where/a.log }\n" + kMinimal), "log.access: /no/where does not exist");
  clean(load("log: { access: /usr/share/a.log }\n" + kMinimal));
  error(load(kPools + "sites: [{ root: /, pool: php }]\n"), "would serve every file of this machine");
  error(load(kPools + "sites: [{ root: ~/app, pool: php }]\n"), "'~' is not expanded here");
  error(load(kPools + "sites: [{ root: \"\", pool: php }]\n"), "expected a path");
}

TEST_CASE("paths") {
  error(load_site("php_root: app"), "sites[0].php_root: expected an absolute path");
  CHECK(load_site("php_root: /app/").config->sites[0].php_root == "/app");
  error(load_site("front_controller: index.php"), "write /index.php");
  error(load_site("front_controller: /index.php?$$query_string"), "write /index.php; the query");
  error(load_site("front_controller: /../index.php"), "expected the path of a file");
  error(load_site("front_controller: /"), "expected the path of a file");
  clean(load_site("front_controller: \"\""));
  error(load_site("index: a/b.php"), "expected the name of a file");
  clean(load_pool("status_path: /fpm-status"));
  error(load_pool("status_path: fpm-status"), "write /fpm-status");
  warning(load_pool("application: generic\n    status_path: /x"), "is only asked of php-fpm");
  error(load("log: { access: stdot }\n" + kMinimal), "did you mean 'stdout'?");
  error(load("log: { access: access.log }\n" + kMinimal), "write ./access.log for a file");
}

TEST_CASE("params") {
  clean(load_site("params: { APP_ENV: prod, _x: 1, HTTPS: on }"));
  error(load_site("params: { A-B: 1 }"), "'A-B' is not the name of a CGI variable");
  error(load_site("params: { 1A: 1 }"), "'1A' is not the name of a CGI variable");
  error(load_site("params: { \"\": 1 }"), "'' is not the name of a CGI variable");
  error(load_site("params: { A: }"), "sites[0].params.A: has no value");
  error(load_site("params: { CONTENT_LENGTH: 5 }"), "cannot be set");
  error(load_site("params: { REQUEST_BODY_FILE: /etc/passwd }"), "cannot be set");
  warning(load_site("params: { PHP_VALUE: a=b }"), "keeps these ini settings for later requests");
  warning(load_site("params: { PHP_ADMIN_VALUE: a=b }"), "keeps these ini settings for later requests");
  warning(load_site("params: { HTTP_X_A: b }"), "replaces what the client sends");
  warning(load_site("params: { SCRIPT_FILENAME: /x.php }"), "this replaces it always");
  clean(load_site("params: { A: " + std::string(65535 - 8 - 1, 'x') + " }"));
  error(load_site("params: { A: " + std::string(65535 - 8, 'x') + " }"), "longer than a FastCGI record");
}

TEST_CASE("trusted proxies") {
  clean(load("trusted_proxies: [10.0.0.0/8, \"::1\"]\n" + kMinimal));
  error(load("trusted_proxies: [10.0.0.0/8, 10.0.0.0/99]\n" + kMinimal),
        "trusted_proxies[1]: the prefix length");
  warning(load("trusted_proxies: 0.0.0.0/0\n" + kMinimal), "trusts every client");
  warning(load("trusted_proxies: \"::/0\"\n" + kMinimal), "trusts every client");
}

TEST_CASE("limits: at, one below, one above") {
  struct {
    const char* key;
    std::vector<const char*> good;
    std::vector<const char*> bad;
  } const pool_rows[] = {
      {"max_connections: ", {"1", "65535"}, {"0", "65536", "-1", "18446744073709551617"}},
      {"queue: { size: ", {"0 }", "1000000 }"}, {"1000001 }"}},
      {"queue: { timeout: ", {"1ms }", "24h }"}, {"0s }", "86400001ms }"}},
      {"timeouts: { connect: ", {"1ms }", "24h }"}, {"0s }", "25h }"}},
      {"timeouts: { send: ", {"1ms }", "24h }"}, {"0s }", "25h }"}},
      {"timeouts: { first_byte: ", {"1ms }", "24h }"}, {"0s }", "25h }"}},
      {"timeouts: { idle_read: ", {"1ms }", "24h }"}, {"0s }", "25h }"}},
      {"recycle: { idle: ", {"0s }", "1ms }", "24h }"}, {"25h }"}},
      {"recycle: { requests: ", {"0 }", "18446744073709551615 }"}, {"18446744073709551616 }"}},
      {"recycle: { lifetime: ", {"0s }", "8760h }"}, {"8761h }"}},
      {"ping: ", {"0s", "10ms", "24h"}, {"9ms", "1ms", "25h"}},
  };
  for (const auto& row : pool_rows) {
    for (const char* value : row.good) {
      CAPTURE(row.key + std::string(value));
      clean(load_pool(row.key + std::string(value)));
    }
    for (const char* value : row.bad) {
      CAPTURE(row.key + std::string(value));
      CHECK(errors(load_pool(row.key + std::string(value))) == 1);
    }
  }
  struct {
    const char* key;
    std::vector<const char*> good;
    std::vector<const char*> bad;
  } const rows[] = {
      {"client: { timeouts: { header: ", {"1ms } }", "24h } }"}, {"0s } }", "25h } }"}},
      {"client: { timeouts: { body: ", {"1ms } }"}, {"0s } }"}},
      {"client: { timeouts: { write: ", {"1ms } }"}, {"0s } }"}},
      {"client: { timeouts: { keep_alive: ", {"0s } }", "24h } }"}, {"25h } }"}},
      {"client: { max_header: ", {"1k }", "1024 }", "1m }"}, {"1023 }", "1048577 }"}},
      {"client: { max_header_fields: ", {"10 }", "1000 }"}, {"9 }", "1001 }"}},
      {"client: { max_connections: ", {"1 }", "1000000 }"}, {"0 }", "1000001 }"}},
      {"client: { max_per_address: ", {"0 }", "1000000 }"}, {"-1 }", "1000001 }"}},
      {"client: { min_rate: ", {"0 }", "1g }"}, {"-1 }", "2g }"}},
      {"client: { requests_per_connection: ", {"0 }", "1 }"}, {"-1 }"}},
      {"buffers: { request_memory: ", {"1k }", "1g }"}, {"1023 }", "2g }"}},
      {"buffers: { response_memory: ", {"1k }", "1g }"}, {"0 }", "2g }"}},
      {"buffers: { response_head: ", {"1k }", "1m }"}, {"1023 }", "2m }"}},
      {"buffers: { memory_max: ", {"8m }", "64g }"}, {"0 }", "8191k }"}},
      {"buffers: { spool_max: ", {"128m }", "1048576g }"}, {"0 }", "1023k }"}},
      {"shutdown: { grace: ", {"0s }", "24h }"}, {"25h }"}},
      {"shutdown: { delay: ", {"0s }", "24h }"}, {"25h }"}},
      {"user: ", {"root", "1000", "\"\""}, {"a b", "-x", "a/b", "[a]"}},
      {"group: ", {"nogroup", "33"}, {"a:b", "\"a\\n\""}},
  };
  for (const auto& row : rows) {
    for (const char* value : row.good) {
      CAPTURE(row.key + std::string(value));
      clean(load(row.key + std::string(value) + "\n" + kMinimal));
    }
    for (const char* value : row.bad) {
      CAPTURE(row.key + std::string(value));
      CHECK(errors(load(row.key + std::string(value) + "\n" + kMinimal)) == 1);
    }
  }
}

TEST_CASE("an account that is not here is warned of, with the remedy") {
  const auto user = load(std::string("user: _nobody.has@this\n") + kMinimal);
  CHECK(user.config);
  CHECK(said(user).find("there is no user _nobody.has@this here") != std::string::npos);
  const auto group = load(std::string("group: nobody-has-this\n") + kMinimal);
  CHECK(group.config);
  CHECK(said(group).find("groupadd --system nobody-has-this") != std::string::npos);
}

TEST_CASE("a value out of bounds is told what to write") {
  error(load_pool("max_connections: 0"),
        "pools.php.max_connections: must be at least 1, got '0'; write at most pm.max_children");
  error(load_pool("queue: { timeout: 0s }"), "for no waiting at all write size: 0");
  error(load_pool("timeouts: { connect: 0s }"),
        "must be at least 1ms, got '0s'; write the longest wait you accept, such as 2s");
  error(load_pool("ping: 5ms"), "must be at least 10ms (or 0s), got '5ms'");
  error(load_site("max_body: 0"), "write the largest body you accept");
  error(load("client: { max_header: 2m }\n" + kMinimal), "must be at most 1m, got '2m'");
}

TEST_CASE("what is fine is not talked about") {
  clean(load_pool("queue: { size: 0 }"));
  clean(load_pool("ping: 60s\n    recycle: { idle: 10s }"));
  clean(load_pool("settle: never"));
  clean(load_pool("keep_alive: false\n    ping: 1s"));
}

TEST_CASE("a body must fit where it is kept") {
  clean(load("buffers: { request_memory: 1m, spool_max: 126m }\n" + kMinimal));
  warning(load("buffers: { request_memory: 1m, spool_max: 125m }\n" + kMinimal),
          "sites[0].max_body: 64m is more than");
}

TEST_CASE("admin: off, or an address, is short for its listen") {
  CHECK_FALSE(load("admin: off\n" + kMinimal).config->admin);
  CHECK_FALSE(load("admin: \"off\"\n" + kMinimal).config->admin);
  for (const char* word : {"false", "no", "none", "OFF", "\"No\""})
    error(load(std::string("admin: ") + word + "\n" + kMinimal), "; write off");
  CHECK_FALSE(load("admin: ${ADMIN}\n" + kMinimal, {{"ADMIN", "off"}}).config->admin);
  CHECK(load("admin: 127.0.0.1:1\n" + kMinimal).config->admin->port == 1);
  CHECK(load("admin: unix:/run/a.sock\n" + kMinimal).config->admin->path == "/run/a.sock");
  clean(load("admin: off\n" + kMinimal));
  clean(load("listen: 127.0.0.1:9180\nadmin: off\n" + kMinimal));
  error(load("admin: no\n" + kMinimal), "admin.listen: expected an address such as");
  error(load("admin: [127.0.0.1:1]\n" + kMinimal), "admin: expected a block with the keys listen or hosts");
  CHECK(load("admin: { hosts: Holdfast }\n" + kMinimal).config->admin_hosts ==
        std::vector<std::string>{"holdfast"});
  error(load("admin: { hosts: \"a:1\" }\n" + kMinimal), "admin.hosts: expected a host name");
}

TEST_CASE("an admin endpoint that others reach") {
  const auto listens = [](const std::string& address) {
    return load("admin: { listen: \"" + address + "\" }\n" + kMinimal);
  };
  for (const char* address : {":9180", "0.0.0.0:9180", "[::]:9180"}) {
    CAPTURE(address);
    warning(listens(address),
            "listens on every network of this machine, and the admin endpoint has no password");
  }
  warning(load("admin: :9180\n" + kMinimal), "write 127.0.0.1:9180");
  warning(listens("203.0.113.7:9180"), "is a public address");
  for (const char* address :
       {"127.0.0.1:1", "10.0.0.7:1", "[::1]:1", "[fd00::1]:1", "unix:/run/a.sock", "ops.lan:1", "off"})
    clean(listens(address));
}

TEST_CASE("habits of other servers that are allowed, and hardly meant") {
  warning(load_site("hosts: [_]"), "sites[0].hosts: no client asks for the host '_'; leave hosts out");
  warning(load_site("hosts: _"), "leave hosts out to answer every host");
  warning(load_site("hosts: [a.example, _]"), "remove it; a site without hosts answers every host");
  warning(load_site("hosts: default_server"), "no client asks for the host 'default_server'");
  warning(load_site("index: index.php index.html"),
          "sites[0].index: 'index.php index.html' is the name of one file; several are a list: [index.php, "
          "index.html]");
  warning(load_site("index: \"index.php,index.html\""), "several are a list: [index.php, index.html]");
  warning(load_site("index: [index.php index.html]"), "several are a list");
  clean(load_site("index: [index.php, index.html]"));
  clean(load_site("hosts: [_dmarc.example, a_b]"));
  error(load_site("hosts: a.example b.example"), "a list has brackets and commas: [a.example, b.example]");
  error(load("trusted_proxies: 10.0.0.0/8 192.168.0.0/16\n" + kMinimal),
        "a list has brackets and commas: [10.0.0.0/8, 192.168.0.0/16]");
  error(load("listen: 127.0.0.1:80, 127.0.0.1:81\n" + kMinimal),
        "a list has brackets and commas: [127.0.0.1:80, 127.0.0.1:81]");
}

TEST_CASE("a block, a list and a value taken for each other") {
  error(load(kPools + "sites:\n  root: /usr/share\n  pool: php\n"),
        "write '- ' before the first key of each item");
  error(load("pools:\n  - address: unix:/x\n" + kSites), "its entries have names, not dashes");
  error(load("pools: { php: \"unix:/run/x.sock\" }\n" + kSites), "write php: { address: unix:/run/x.sock }");
  error(load("pools:\n  php:\n    address:unix:/x\n" + kSites),
        "write a blank behind the colon: address: unix:/x");
  error(load(kPools + "sites: [{ root: /usr/share, pool: \"unix:/run/php.sock\" }]\n"),
        "the name of a pool stands here, its address in pools.NAME.address; write pool: php");
  error(load("listen: 127.0.0.1:80;\n" + kMinimal), "a value ends without ';' here");
  error(load("listen: 443 ssl\n" + kMinimal), "the address alone; TLS is not spoken here");
  error(load("listen: 80 default_server\n" + kMinimal), "the site without hosts answers every other host");
}

TEST_CASE("lines that end with CR LF, the last one with CR alone") {
  std::string text = kMinimal;
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  clean(load(text));
  text.pop_back();
  clean(load(text));
}

TEST_CASE("publish: what would give source or dot files away is worth a warning") {
  clean(load_site("publish: [\"*.sql\", composer.json]"));
  warning(load_site("publish: \"*\""), "sites[0].publish[0]: '*' would send wp-config.php.bak to anybody");
  warning(load_site("publish: [composer.json, \".*\"]"),
          "sites[0].publish[1]: '.*' would send .env to anybody");
  error(load_site("publish: [/composer.json]"), "a name has no '/'");
  error(load_site("publish: [\"\"]"), "expected a pattern for the name of a file");
}

TEST_CASE("resolve_root and php_root exclude each other") {
  clean(load_site("resolve_root: true"));
  clean(load_site("resolve_root: true\n    php_root: /usr/share/"));
  error(load_site("resolve_root: true\n    php_root: /srv"), "php_root is another path");
}

TEST_CASE("follow_links") {
  clean(load_site("follow_links: all"));
  error(load_site("follow_links: al"), "did you mean 'all'?");
  error(load_site("follow_links: true"), "all follows any");
}

TEST_CASE("forwarded_headers") {
  const std::string trusting = kMinimal + "trusted_proxies: private\n";
  const auto fine = load(trusting + "forwarded_headers: [X-Forwarded-For, x-forwarded-proto]\n");
  clean(fine);
  CHECK(fine.config->forwarded_headers ==
        std::vector{ForwardedHeader::x_forwarded_for, ForwardedHeader::x_forwarded_proto});
  clean(load(trusting + "forwarded_headers: Forwarded\n"));
  error(load(trusting + "forwarded_headers: [forwarded, x-forwarded-for]\n"), "both say who the client is");
  error(load(trusting + "forwarded_headers: [x-forwarded-fro]\n"), "did you mean 'x-forwarded-for'?");
  warning(load(kMinimal + "forwarded_headers: forwarded\n"),
          "nobody is believed while trusted_proxies is empty");
}

TEST_CASE("PATH_TRANSLATED as a param") {
  warning(load_site("params: { PATH_TRANSLATED: /x }"), "php-fpm runs this file in place of the script");
}

TEST_CASE("root's group goes with root") {
  for (const char* group : {"root", "\"0\"", "\"00\""}) {
    CAPTURE(group);
    warning(load(kMinimal + "group: " + group + "\n"), "is root's; started as root it would not serve");
    warning(load(kMinimal + "user: nobody\ngroup: " + group + "\n"), "leave group out for the user's own");
    warning(load(kMinimal + "user: \"1001\"\ngroup: " + group + "\n"), "is root's");
    CHECK(load(kMinimal + "user: root\ngroup: " + group + "\n").config);
  }
  CHECK(load(kMinimal + "user: nobody\n").diagnostics.empty());
  CHECK(load(kMinimal + "user: nobody\ngroup: \"65534\"\n").diagnostics.empty());
}

// `listen` with blocks for FastCGI: what is read, refused and printed; and the patterns of `when`.
#include <doctest/doctest.h>

#include "config/fastcgi_listener.h"

#include "config/config.h"
#include "config/path_glob.h"
#include "helpers.h"

using namespace holdfast::config;

namespace {

LoadResult load_block(const std::string& keys, const std::string& more = {}) {
  return load("listen:\n  - fastcgi: unix:/run/h/php.sock\n    " + keys + "\n" + kPools + more);
}

LoadResult load_tcp(const std::string& address, const std::string& keys = {}) {
  return load("listen: [{ fastcgi: '" + address + "', pool: php" + keys + " }]\n" + kPools);
}

}  // namespace

TEST_CASE("a block for FastCGI has its defaults, and needs no sites") {
  const LoadResult result = load_block("pool: php");
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK(result.diagnostics.empty());
  CHECK(result.config->listen.empty());
  REQUIRE(result.config->fastcgi.size() == 1);
  const FastcgiListener& listener = result.config->fastcgi[0];
  CHECK(listener.address.text() == "unix:/run/h/php.sock");
  CHECK(listener.pool == "php");
  CHECK(listener.mode == 0660);
  CHECK_FALSE(listener.multiplex);
}

TEST_CASE("HTTP and FastCGI stand in one list, and one block needs no list") {
  const LoadResult mixed =
      load("listen: [':80', { fastcgi: ':9001', pool: php, allow: 10.0.0.0/8 }, '[::1]:80']\n" + kMinimal);
  REQUIRE_MESSAGE(mixed.config, said(mixed));
  CHECK(mixed.config->listen.size() == 2);
  CHECK(mixed.config->fastcgi[0].allow.size() == 1);
  const LoadResult one = load("listen: { fastcgi: 'localhost:9001', pool: php }\n" + kPools);
  REQUIRE_MESSAGE(one.config, said(one));
  CHECK(one.config->fastcgi[0].address.port == 9001);
  const LoadResult no_sites = load("listen: [':80', { fastcgi: '127.0.0.1:9001', pool: php }]\n" + kPools);
  CHECK(says(no_sites, "sites is missing"));
}

TEST_CASE("rules choose among pools") {
  const LoadResult result = load(
      "listen:\n  - fastcgi: unix:/run/h.sock\n    pool: php\n    when:\n"
      "      - { SCRIPT_FILENAME: \"/srv/old/**\", HTTP_HOST: \"*.old\", pool: old }\n"
      "pools: { php: { address: unix:/run/a }, old: { address: unix:/run/b } }\n");
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK(result.diagnostics.empty());  // `old` is used
  REQUIRE(result.config->fastcgi[0].when.size() == 1);
  CHECK(result.config->fastcgi[0].when[0].patterns.size() == 2);
  CHECK(result.config->fastcgi[0].when[0].pool == "old");
  const LoadResult printed = load(to_yaml(*result.config));
  REQUIRE_MESSAGE(printed.config, said(printed));
  CHECK(*printed.config == *result.config);
}

TEST_CASE("every key away from its default is printed and read again") {
  const LoadResult result = load_block(
      "pool: php\n    mode: 0600\n    owner: root\n    group: www-data\n    multiplex: true\n"
      "    log_stderr: true\n    max_body: 3m\n  - { fastcgi: ':0', pool: php, allow: [10.0.0.1, 'fd00::/8'] "
      "}\n"
      "  - 127.0.0.1:0",
      kSites);
  REQUIRE_MESSAGE(result.config, said(result));
  CHECK(result.config->fastcgi[0].mode == 0600);
  const LoadResult printed = load(to_yaml(*result.config));
  REQUIRE_MESSAGE(printed.config, said(printed));
  CHECK(*printed.config == *result.config);
}

TEST_CASE("who may speak FastCGI may run any script: other than loopback needs `allow`") {
  CHECK(load_tcp("127.0.0.1:9001").diagnostics.empty());
  CHECK(load_tcp("127.8.0.1:9001").diagnostics.empty());
  CHECK(load_tcp("[::1]:9001").diagnostics.empty());
  for (const char* address : {":9001", "0.0.0.0:9001", "10.0.0.1:9001", "[::]:9001", "php.internal:9001"}) {
    CAPTURE(address);
    const LoadResult refused = load_tcp(address);
    CHECK_FALSE(refused.config);
    CHECK(says(refused, "may run any script"));
    CHECK(says(refused, "allow: ["));
    CHECK(load_tcp(address, ", allow: 10.0.0.0/8").config);
  }
  CHECK(says(load_tcp(":9001", ", allow: 0.0.0.0/0"), "lets everybody run any script"));
}

TEST_CASE("what is wrong with a block is told with its place") {
  CHECK(says(load_block("pool: phq"), "test.yaml:3:11: error: listen[0].pool: there is no pool 'phq'"));
  CHECK(says(load_block("mode: 0660"), "listen[0]: names no pool"));
  for (const char* mode : {"rw", "66", "0888", "00660", "1777", "0o9", "''"}) {
    CAPTURE(mode);
    CHECK(says(load_block(std::string("pool: php\n    mode: ") + mode), "listen[0].mode: expected the mode"));
  }
  CHECK(says(load_block("pool: php\n    mode: 0666"), "every program on this machine"));
  CHECK(says(load_block("pool: php\n    allow: 10.0.0.1"), "a Unix socket's clients have none"));
  CHECK(says(load_tcp("127.0.0.1:9001", ", mode: 0600"), "this is TCP"));
  CHECK(says(load_block("pool: php\n    when: [{ pool: php }]"), "names no parameter"));
  CHECK(says(load_block("pool: php\n    when: [{ HTTP_HOST: a }]"), "when[0]: names no pool"));
  CHECK(says(load_block("pool: php\n    when: [{ HTTP_HOST: a, pool: x }]"), "there is no pool 'x'"));
  CHECK(says(load_block("pool: php\n    when: [{ 'A B': a, pool: php }]"),
             "not the name of a FastCGI parameter"));
  CHECK(says(load("listen: [{ pool: php }]\n" + kPools), "has an address for FastCGI"));
  CHECK(says(load_block("pool: php\n    pol: php"), "unknown key 'pol'"));
  CHECK(says(load_block("pool: php", kSites), "nobody can ask for them"));
}

TEST_CASE("addresses of both kinds collide") {
  CHECK(says(load("listen: [127.0.0.1:9001, { fastcgi: '127.0.0.1:9001', pool: php }]\n" + kMinimal),
             "is given twice"));
  CHECK(says(load("listen: { fastcgi: unix:/run/php.sock, pool: php }\n" + kPools),
             "is a listen address of holdfast itself"));
  CHECK(says(load("listen: { fastcgi: '127.0.0.1:9180', pool: php }\n" + kPools), "also a listen address"));
}

TEST_CASE("patterns") {
  struct Row {
    const char* pattern;
    const char* value;
    bool matches;
  };
  for (const Row& row :
       {Row{"", "", true}, Row{"", "a", false}, Row{"a", "a", true}, Row{"a", "A", false},
        Row{"/srv/old/**", "/srv/old/a/b.php", true}, Row{"/srv/old/**", "/srv/older/x", false},
        Row{"/srv/*/x.php", "/srv/a/x.php", true}, Row{"/srv/*/x.php", "/srv/a/b/x.php", false},
        Row{"/srv/**/x.php", "/srv/a/b/x.php", true}, Row{"*", "", true}, Row{"*", "a/b", false},
        Row{"**", "a/b", true}, Row{"*a*a*", "baab", true}, Row{"*a*a*", "ba/ab", false},
        Row{"**a", "/x/ba", true}, Row{"a**b", "ab", true}, Row{"***", "/", true}}) {
    CAPTURE(row.pattern);
    CAPTURE(row.value);
    CHECK(glob_matches(row.pattern, row.value) == row.matches);
  }
}

// Caddy in front: what a Caddyfile says, and what doctor says of it.
#include "front_set_ups.h"

namespace holdfast::doctor_test {
namespace {

FrontConfig caddy(const std::string& text, const std::map<std::string, std::string>& files = {}) {
  return read_caddy_front(text, "Caddyfile", files_of(files));
}

}  // namespace

TEST_CASE("a Caddyfile's php_fastcgi, with time limits and bodies") {
  const FrontConfig found = caddy(
      "{\n\tadmin off\n}\nexample.com {\n\troot * /srv\n\trequest_body {\n\t\tmax_size 2GB\n\t}\n"
      "\tphp_fastcgi unix//run/holdfast/php.sock {\n\t\tread_timeout 1m30s  # long\n\t\tdial_timeout "
      "3s\n\t}\n}\n");
  REQUIRE(found.problems.empty());
  REQUIRE(found.passes.size() == 1);
  const FrontPass& pass = found.passes[0];
  CHECK(pass.place.line == 9);
  CHECK(addresses_of(found) == "unix:/run/holdfast/php.sock");
  CHECK(pass.read_timeout.value == std::chrono::seconds(90));
  CHECK(pass.read_timeout.place.line == 10);
  CHECK(pass.reads_whole);
  CHECK(pass.body_max.bytes == 2'000'000'000U);
  CHECK_FALSE(pass.kept);
  CHECK(said_of(behind(found)) == "front_cut info, front_body info");
}

TEST_CASE("a Caddyfile's other ways to name an address") {
  const auto to = [](const std::string& text) { return addresses_of(caddy(text)); };
  CHECK(to("localhost\nphp_fastcgi 127.0.0.1:9001\n") == "127.0.0.1:9001");
  CHECK(to(":80 {\n php_fastcgi @php :9001 php:9002\n}\n") == "localhost:9001 php:9002");
  CHECK(to(":80 {\n php_fastcgi /blog/* tcp/[::1]:9001\n}\n") == "[::1]:9001");
  CHECK(to(":80 {\n handle {\n  reverse_proxy `unix//x` {\n   transport fastcgi {\n    split .php\n   }\n  "
           "}\n }\n}\n") == "unix:/x");
  CHECK(to(":80 {\n php_fastcgi {\n  to 127.0.0.1:1 127.0.0.1:2\n }\n}\n") == "127.0.0.1:1 127.0.0.1:2");
  CHECK(to(":80 {\n reverse_proxy 127.0.0.1:8080\n}\n").empty());
  CHECK(to(":80 {\n # php_fastcgi 127.0.0.1:9001\n}\n").empty());
  for (const char* const line :
       {"php_fastcgi {$PHP}", "php_fastcgi php", "php_fastcgi {\n dynamic srv _php\n }"}) {
    CAPTURE(line);
    const FrontConfig found = caddy(":80 {\n " + std::string(line) + "\n}\n");
    CHECK(addresses_of(found).empty());
    CHECK(found.unclear.size() == 1);
  }
}

TEST_CASE("a Caddyfile's snippets and files") {
  const FrontConfig found = caddy(
      "(php) {\n php_fastcgi unix/{args.0} {\n  import times\n }\n}\n(times) {\n read_timeout 5s\n}\n"
      "a.example {\n import php /x\n}\nimport sites/*\n",
      {{"sites/*", "b.example {\n import php /y\n}\n"}});
  CHECK(addresses_of(found) == "unix:/x unix:/y");
  CHECK(found.unclear.empty());
  CHECK(found.passes[1].read_timeout.value == std::chrono::seconds(5));
  CHECK(addresses_of(caddy("import /etc/sites/a\n", {{"/etc/sites/a", "import b\n"},
                                                     {"/etc/sites/b", ":80 {\nphp_fastcgi unix//z\n}\n"}})) ==
        "unix:/z");
  CHECK(caddy("import none\n").unclear.size() == 1);
  CHECK(caddy("import none/*\n").unclear.empty());
  CHECK(caddy("import a\n", {{"a", "import a\n"}}).unclear.size() == 1);
}

TEST_CASE("doctor on Caddy") {
  const auto site = [](const std::string& inside) {
    return behind(caddy(":80 {\n php_fastcgi unix//run/holdfast/php.sock {\n  " + inside + "\n }\n}\n"));
  };
  CHECK(said_of(site("")) == "nothing");  // no limit, a connection a request
  CHECK(said_of(site("read_timeout 0")) == "nothing");
  expect(site("read_timeout 10s"), "front_timeout", FindingSeverity::warning, "read_timeout = 10s",
         "Caddyfile:3: read_timeout 75s");
  expect(site("read_timeout 10m"), "front_cut", FindingSeverity::info, "counts to the end of the answer",
         "Caddyfile:3");
  expect(site("write_timeout 1m"), "front_cut", FindingSeverity::info,
         "write_timeout = 60s counts to the end of the upload", "Caddyfile:3");
  CHECK(said_of(site("write_timeout 0")) == "nothing");
  CHECK(said_of(site("read_timeout 1.5h")) == "nothing");  // not understood
  expect(behind(caddy(":80 {\n php_fastcgi @a unix//run/php/php8.2-fpm.sock\n}\n")), "front_past",
         FindingSeverity::warning, "past holdfast",
         "Caddyfile:2: php_fastcgi @a unix//run/holdfast/php.sock");
}

TEST_CASE("what is no Caddyfile, or goes too far") {
  CHECK_FALSE(caddy(":80 {\n").problems.empty());
  CHECK_FALSE(caddy("}\n").problems.empty());
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "handle {\n";
  CHECK_FALSE(caddy(deep).problems.empty());
}

}  // namespace holdfast::doctor_test

// What an nginx configuration says about its FastCGI: inherited, included, through an upstream.
#include "config/import/nginx_passes.h"

#include <doctest/doctest.h>

#include <map>

using namespace holdfast::config;

namespace {

NginxPasses passes(const std::string& text, const std::map<std::string, std::string>& files = {}) {
  return find_passes(text, "nginx.conf", [&](const std::string& pattern) -> std::vector<NginxFile> {
    const auto found = files.find(pattern);
    if (found == files.end()) return {};
    return {{pattern, found->second}};
  });
}

std::string addresses(const NginxPass& pass) {
  std::string out;
  for (const Address& each : pass.addresses) out += each.text() + " ";
  return out;
}

}  // namespace

TEST_CASE("an address, and what holds where nothing is said") {
  const NginxPasses found = passes(
      "user www-data;\nhttp {\n server {\n  location ~ \\.php$ {\n   include snippets/fastcgi-php.conf;\n"
      "   fastcgi_pass unix:/run/php/php-fpm.sock;\n  }\n }\n}\n");
  CHECK(found.user == "www-data");
  REQUIRE(found.passes.size() == 1);
  const NginxPass& pass = found.passes[0];
  CHECK(pass.place.file == "nginx.conf");
  CHECK(pass.place.line == 6);
  CHECK(addresses(pass) == "unix:/run/php/php-fpm.sock ");
  CHECK_FALSE(pass.keep_conn);
  CHECK(pass.keepalive == 0);
  CHECK(pass.read_timeout == std::chrono::seconds(60));
  CHECK(pass.read_timeout_place.line == 0);
  CHECK(pass.body_max == 1U << 20);
  CHECK(pass.keepalive_timeout == std::chrono::seconds(60));
}

TEST_CASE("settings come down, the inner one counts, the order in a block does not") {
  const NginxPasses found = passes(
      "fastcgi_read_timeout 30s;\nserver {\n fastcgi_keep_conn on;\n"
      " location /a { fastcgi_pass 127.0.0.1:9000; fastcgi_read_timeout 5m; }\n"
      " location /b { location /b/c { fastcgi_pass [::1]:9000; } }\n"
      " location /d { fastcgi_pass localhost:9001; fastcgi_keep_conn off; client_max_body_size 2g; }\n"
      " client_max_body_size 0;\n}\n");
  REQUIRE(found.passes.size() == 3);
  CHECK(found.passes[0].read_timeout == std::chrono::minutes(5));
  CHECK(found.passes[0].read_timeout_place.line == 4);
  CHECK(found.passes[0].keep_conn);
  CHECK(addresses(found.passes[1]) == "[::1]:9000 ");
  CHECK(found.passes[1].read_timeout == std::chrono::seconds(30));
  CHECK(found.passes[1].read_timeout_place.line == 1);
  CHECK_FALSE(found.passes[2].keep_conn);
  CHECK_FALSE(found.passes[1].body_max);
  CHECK(found.passes[1].body_max_place.line == 7);
  CHECK(found.passes[2].body_max == 2ULL << 30);
}

TEST_CASE("an upstream block, wherever it stands, and files that are included") {
  const NginxPasses found = passes(
      "http {\n include sites/*;\n upstream php {\n  server unix:/run/h.sock;\n  server 10.0.0.1:9000;\n"
      "  server 10.0.0.2:9000 max_fails=1 backup;\n"
      "  keepalive 16;\n  keepalive_timeout 5m;\n }\n}\n",
      {{"sites/*", "server {\n location ~ x { fastcgi_pass php; }\n}\n"}});
  REQUIRE(found.passes.size() == 1);
  const NginxPass& pass = found.passes[0];
  CHECK(pass.place.file == "sites/*");
  CHECK(pass.place.line == 2);
  CHECK(addresses(pass) == "unix:/run/h.sock 10.0.0.1:9000 ");
  CHECK(pass.upstream.line == 3);
  CHECK(pass.keepalive == 16);
  CHECK(pass.keepalive_place.line == 7);
  CHECK(pass.keepalive_timeout == std::chrono::minutes(5));
}

TEST_CASE("what cannot be told is not guessed") {
  const NginxPasses found = passes(
      "fastcgi_read_timeout 1m30s;\nlocation / { fastcgi_pass $backend; }\n"
      "location /b { fastcgi_pass unix:/run/x.sock:; }\nlocation /c { fastcgi_pass; }\n");
  REQUIRE(found.passes.size() == 3);
  CHECK(found.passes[0].addresses.empty());
  CHECK_FALSE(found.passes[0].read_timeout);
  CHECK(addresses(found.passes[1]) == "unix:/run/x.sock ");
  CHECK(found.passes[2].addresses.empty());
  const NginxPasses broken = passes("server {\n");
  REQUIRE_FALSE(broken.problems.empty());
  CHECK(broken.passes.empty());
}

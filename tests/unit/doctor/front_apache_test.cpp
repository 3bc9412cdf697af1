// Apache in front: what its configuration says, and what doctor says of it.
#include "front_set_ups.h"

namespace holdfast::doctor_test {
namespace {

constexpr const char* kHandler = "SetHandler \"proxy:unix:/run/holdfast/php.sock|fcgi://localhost\"\n";

FrontConfig apache(const std::string& text, const std::map<std::string, std::string>& files = {}) {
  return read_apache_front(text, "apache2.conf", files_of(files));
}

std::string said(const std::string& text) {
  return said_of(behind(apache(text)));
}

}  // namespace

TEST_CASE("Apache as Debian ships it, with the line of php8.2-fpm.conf") {
  const FrontConfig found = apache(
      "Timeout 300\nUser ${APACHE_RUN_USER}\nServerRoot \"/etc/apache2\"\n"
      "IncludeOptional mods-enabled/*.load\nIncludeOptional conf-enabled/*.conf\n",
      {{"envvars", "# x\nexport APACHE_RUN_USER=www-data\nexport APACHE_RUN_DIR=/var/run/apache2$SUFFIX\n"},
       {"/etc/apache2/mods-enabled/*.load", "LoadModule proxy_fcgi_module /x.so\n"},
       {"/etc/apache2/conf-enabled/*.conf",
        "<IfModule !mod_php8.c>\n<IfModule proxy_fcgi_module>\n<FilesMatch \".+\\.ph(?:ar|p|tml)$\">\n" +
            std::string(kHandler) + "</FilesMatch>\n</IfModule>\n</IfModule>\n"}});
  REQUIRE(found.problems.empty());
  CHECK(found.unclear.empty());
  CHECK(found.user == "www-data");
  REQUIRE(found.passes.size() == 1);
  const FrontPass& pass = found.passes[0];
  CHECK(pass.place.file == "/etc/apache2/conf-enabled/*.conf");
  CHECK(pass.place.line == 4);
  CHECK(addresses_of(found) == "unix:/run/holdfast/php.sock");
  CHECK(pass.read_timeout.value == std::chrono::seconds(300));
  CHECK_FALSE(pass.kept);
  CHECK(said_of(behind(found)) == "nothing");
}

TEST_CASE("Apache's sections that do not hold are not read") {
  const std::string modules = "LoadModule proxy_fcgi_module x.so\nLoadModule php_module x.so\n";
  CHECK(apache(modules + "<IfModule !mod_php8.c>\n" + kHandler + "</IfModule>\n").passes.empty());
  CHECK(apache(modules + "<IfModule mod_proxy_fcgi.c>\n" + kHandler + "</IfModule>\n").passes.size() == 1);
  CHECK(apache(modules + "<IfModule none_module>\nInclude x\nLoadModule none_module x.so\n" + kHandler +
                   "</IfModule>\n",
               {{"x", kHandler}})
            .passes.empty());
  CHECK(apache(modules + "<IfModule mod_version.c>\n" + kHandler + "</IfModule>\n").passes.size() == 1);
  CHECK(apache(std::string("<IfDefine X>\n") + kHandler + "</IfDefine>\n").passes.empty());
  CHECK(apache(std::string("Define X\n<IfDefine X>\n") + kHandler + "</IfDefine>\n").passes.size() == 1);
  // Where httpd knows more than its files say, that is told.
  CHECK(apache(std::string("<IfDefine X>\n") + kHandler + "</IfDefine>\n").unclear.size() == 1);
  CHECK(apache(std::string("Define X\n<IfDefine X>\n") + kHandler + "</IfDefine>\n").unclear.empty());
  CHECK(apache(std::string("<IfVersion >= 2.4>\n") + kHandler + "</IfVersion>\n").unclear.size() == 1);
  CHECK(apache("<IfVersion >= 2.4>\nTimeout 9\n</IfVersion>\n").unclear.empty());
  // Without proxy_fcgi nothing comes of it.
  const FrontConfig unloaded = apache(std::string("LoadModule proxy_module x.so\n") + kHandler);
  REQUIRE(unloaded.unclear.size() == 1);
  CHECK(unloaded.unclear[0].text.find("proxy_fcgi_module is not loaded") == 0);
}

TEST_CASE("Apache's addresses") {
  const auto to = [](const std::string& line) { return addresses_of(apache(line + "\n")); };
  CHECK(to("SetHandler proxy:fcgi://127.0.0.1:9000") == "127.0.0.1:9000");
  CHECK(to("SetHandler \"proxy:fcgi://[::1]:9000/\"") == "[::1]:9000");
  CHECK(to("SetHandler \"proxy:fcgi://php\"") == "php:8000");
  CHECK(to("ProxyPassMatch \"^/(.*\\.php)$\" \"fcgi://127.0.0.1:9000/srv/$1\" timeout=9") ==
        "127.0.0.1:9000");
  CHECK(to("ProxyPass /a unix:/x|fcgi://localhost/srv/") == "unix:/x");
  CHECK(to("RewriteRule ^/(.*\\.php)$ fcgi://127.0.0.1:9001/srv/$1 [P]") == "127.0.0.1:9001");
  CHECK(to("ProxyPass / http://127.0.0.1:8080/").empty());
  CHECK(to("SetHandler server-status").empty());
  CHECK(to("SetHandler \\\n  proxy:fcgi://127.0.0.1:9000") == "127.0.0.1:9000");
  CHECK(to("# SetHandler proxy:fcgi://127.0.0.1:9000").empty());
  CHECK(to("Define SOCK /run/x\nSetHandler proxy:unix:${SOCK}|fcgi://localhost") == "unix:/run/x");
  for (const char* const line : {"SetHandler proxy:unix:${SOCK}|fcgi://localhost", "SetHandler proxy:unix:/x",
                                 "SetHandler \"proxy:unix:/run/%{reqenv:X}|fcgi://localhost\""}) {
    CAPTURE(line);
    const FrontConfig found = apache(line);
    CHECK(addresses_of(found).empty());
    CHECK(found.unclear.size() == 1);
  }
  // A balancer leads to its members.
  const FrontConfig balancer = apache(
      "<Proxy balancer://php>\nBalancerMember fcgi://127.0.0.1:9001\nBalancerMember "
      "unix:/x|fcgi://a\n</Proxy>\n"
      "ProxyPass / balancer://php/srv/\n");
  CHECK(addresses_of(balancer) == "127.0.0.1:9001 unix:/x");
}

TEST_CASE("Apache's worker is found by what stands behind the bar, and its own socket counts") {
  const std::string worker =
      "<Proxy \"fcgi://localhost/\" enablereuse=on max=10>\nProxySet timeout=20 ttl=30\n</Proxy>\n";
  FrontPass pass = apache(worker + kHandler).passes[0];
  CHECK(pass.kept);
  CHECK(pass.kept_max == 10);
  CHECK(pass.read_timeout.value == std::chrono::seconds(20));
  CHECK(pass.read_timeout.place.line == 1);
  CHECK(pass.idle.value == std::chrono::seconds(30));
  CHECK_FALSE(
      apache("<Proxy fcgi://other enablereuse=on>\n</Proxy>\n" + std::string(kHandler)).passes[0].kept);
  const FrontConfig taken =
      apache(std::string("<Proxy unix:/other|fcgi://localhost>\n</Proxy>\n") + kHandler);
  CHECK(addresses_of(taken) == "unix:/other");
  REQUIRE(taken.unclear.size() == 1);
  CHECK(taken.unclear[0].text.find("own socket, /other") != std::string::npos);
  // The longest name, and among workers of one virtual server.
  const FrontConfig hosts =
      apache("ProxyTimeout 7\n<VirtualHost *:80>\n<Proxy fcgi://localhost timeout=8>\n</Proxy>\n" +
             std::string(kHandler) + "</VirtualHost>\n<VirtualHost *:81>\nTimeout 9\n" + kHandler +
             "</VirtualHost>\n");
  REQUIRE(hosts.passes.size() == 2);
  CHECK(hosts.passes[0].read_timeout.value == std::chrono::seconds(8));
  CHECK(hosts.passes[1].read_timeout.value == std::chrono::seconds(7));  // it goes before Timeout
}

TEST_CASE("doctor on Apache") {
  expect(behind(apache(std::string("Timeout 300\n") + kHandler + "ProxyTimeout 10\n")), "front_timeout",
         FindingSeverity::warning, "ProxyTimeout = 10s is not longer than queue.timeout",
         "apache2.conf:3: ProxyTimeout 75");
  CHECK(said(kHandler) == "front_timeout info");  // 60 s, where nothing is said
  CHECK(said(std::string("Timeout 300\n") + kHandler) == "nothing");
  const DoctorFacts shared = behind(apache(std::string("Timeout 10\n") + kHandler));
  expect(shared, "front_timeout", FindingSeverity::warning, "Timeout = 10s is not",
         "apache2.conf: ProxyTimeout 75");
  const std::string kept = "Timeout 300\n<Proxy fcgi://localhost enablereuse=on ttl=";
  expect(behind(apache(kept + "180>\n</Proxy>\n" + kHandler)), "front_keep", FindingSeverity::warning,
         "ttl = 180s", "apache2.conf:2: ttl=60");
  CHECK(said(kept + "179>\n</Proxy>\n" + kHandler) == "nothing");
  expect(behind(apache("Timeout 300\n<Proxy fcgi://localhost enablereuse=on>\n</Proxy>\n" +
                       std::string(kHandler))),
         "front_keep", FindingSeverity::info, "kept without ttl", "apache2.conf:2: ttl=60");
  const Finding past =
      expect(behind(apache("<Proxy fcgi://localhost enablereuse=on max=5>\n</Proxy>\n"
                           "SetHandler \"proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost\"\n")),
             "front_past", FindingSeverity::warning, "apache2.conf:3 speaks to php-fpm of pool php",
             "apache2.conf:3: SetHandler \"proxy:unix:/run/holdfast/php.sock|fcgi://localhost\"");
  CHECK(past.why.find("Each process of Apache keeps up to 5 connections") != std::string::npos);
  DoctorFacts generic = behind(apache(std::string("Timeout 300\n") + kHandler));
  generic.pools[0].pool.application = config::Application::generic;
  CHECK(said_of(generic) == "front_script info");
  generic.fronts[0].config = apache(std::string("Timeout 300\nProxyFCGIBackendType GENERIC\n") + kHandler);
  CHECK(said_of(generic) == "nothing");
}

TEST_CASE("what is no configuration of Apache, or goes too far") {
  for (const char* const text :
       {"<Directory />\n", "</Directory>\n", "<Directory />\n</Files>\n", "<\n", "<>\n"}) {
    CAPTURE(text);
    CHECK_FALSE(apache(text).problems.empty());
  }
  CHECK_FALSE(apache("Include x\n", {{"x", "Include x\n"}}).problems.empty());
  CHECK(apache("Use Site a b\n").unclear.size() == 1);
  CHECK(apache(std::string("<Macro Site $x>\n") + kHandler + "</Macro>\n").passes.empty());
  CHECK(apache("Include none.conf\n").unclear.size() == 1);
  CHECK(apache("IncludeOptional none.conf\n").unclear.empty());
}

}  // namespace holdfast::doctor_test

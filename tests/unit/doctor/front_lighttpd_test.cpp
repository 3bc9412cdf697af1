// lighttpd in front: what its configuration says, and what doctor says of it.
#include "front_set_ups.h"

namespace holdfast::doctor_test {
namespace {

FrontConfig lighttpd(const std::string& text, const std::map<std::string, std::string>& files = {}) {
  return read_lighttpd_front("server.modules = (\"mod_fastcgi\")\n" + text, "lighttpd.conf", files_of(files));
}

std::string host(const std::string& more = "") {
  return "fastcgi.server = (\".php\" => ((\"socket\" => \"/run/holdfast/php.sock\"" + more + ")))\n";
}

}  // namespace

TEST_CASE("lighttpd as Debian ships it") {
  const FrontConfig found = read_lighttpd_front(
      "server.modules = (\n \"mod_access\",\n)\nserver.username = \"www-data\"\nserver.port = 80\n"
      "server.feature-flags += (\"server.h2proto\" => \"enable\")\n"
      "include_shell \"/usr/share/lighttpd/use-ipv6.pl \" + server.port\n"
      "include_shell \"/usr/share/lighttpd/create-mime.conf.pl\"\ninclude "
      "\"/etc/lighttpd/conf-enabled/*.conf\"\n",
      "lighttpd.conf",
      files_of({{"/etc/lighttpd/conf-enabled/*.conf",
                 "server.modules += ( \"mod_fastcgi\" )\nfastcgi.server += ( \".php\" =>\n ((\n"
                 "  \"socket\" => \"/run/holdfast/php.sock\", # x\n  \"broken-scriptfilename\" => "
                 "\"enable\"\n ))\n)\n"}}));
  REQUIRE(found.problems.empty());
  CHECK(found.unclear.empty());
  CHECK(found.user == "www-data");
  REQUIRE(found.passes.size() == 1);
  CHECK(addresses_of(found) == "unix:/run/holdfast/php.sock");
  CHECK(found.passes[0].address_place.file == "/etc/lighttpd/conf-enabled/*.conf");
  CHECK(found.passes[0].address_place.line == 4);
  CHECK_FALSE(found.passes[0].read_timeout.value);
  CHECK(said_of(behind(found)) == "nothing");
}

TEST_CASE("lighttpd's addresses, in conditions, by name and by variables") {
  const auto to = [](const std::string& text) { return addresses_of(lighttpd(text)); };
  CHECK(to("fastcgi.server = (\".php\" => ((\"host\" => \"127.0.0.1\", \"port\" => 9001), (\"port\" => "
           "\"9002\")))") == "127.0.0.1:9001 127.0.0.1:9002");
  CHECK(to("fastcgi.server = (\"/\" => (\"a\" => (\"host\" => \"::1\", \"port\" => 9001)))") == "[::1]:9001");
  CHECK(to("var.dir = \"/run\"\n$HTTP[\"host\"] =~ \"^a{2}\\.x$\" {\n fastcgi.server = (\".php\" => "
           "((\"socket\" => var.dir + "
           "\"/x\")))\n} else $HTTP[\"url\"] == \"/\" {\n fastcgi.server = (\".php\" => ((\"socket\" => dir "
           "+ \"/y\")))\n} else {\n}\n") == "unix:/run/x unix:/run/y");
  for (const char* const value : {"env.SOCK", "\"/run/\" + env.NAME"}) {
    const FrontConfig found =
        lighttpd("fastcgi.server = (\".php\" => ((\"socket\" => " + std::string(value) + ")))\n");
    CHECK(addresses_of(found).empty());
    CHECK(found.unclear.size() == 1);
  }
}

TEST_CASE("doctor on lighttpd") {
  CHECK(said_of(behind(lighttpd(host()))) == "nothing");
  expect(behind(lighttpd(host(",\n \"read-timeout\" => 10"))), "front_timeout", FindingSeverity::warning,
         "read-timeout = 10s is not longer", "lighttpd.conf:3: \"read-timeout\" => 75");
  expect(behind(lighttpd(host(",\n \"bin-path\" => \"/usr/bin/php-cgi\", \"max-procs\" => 1"))),
         "front_spawns", FindingSeverity::error, "lighttpd.conf:3 starts a program", "without bin-path");
  DoctorFacts over_tcp =
      behind(lighttpd("fastcgi.server = (\".php\" => ((\"host\" => \"127.0.0.1\", \"port\" => 9001, "
                      "\"bin-path\" => \"x\")))\n"));
  over_tcp.listeners[0].address = {config::Address::Kind::tcp, "127.0.0.1", 9001, {}};
  over_tcp.listeners[0].socket_file.reset();
  expect(over_tcp, "front_spawns", FindingSeverity::warning, "lighttpd.conf:2 starts a program",
         "without bin-path");
  expect(behind(lighttpd("server.stream-request-body = 2\n" + host())), "front_chunked",
         FindingSeverity::info, "server.stream-request-body = 2", "lighttpd.conf:2");
  CHECK(said_of(behind(lighttpd("server.stream-request-body = 1\n" + host()))) == "nothing");
  expect(behind(lighttpd("server.max-request-size = 2097152\n" + host())), "front_body",
         FindingSeverity::info, "2,147,483,648 bytes", "lighttpd.conf:2");
  CHECK(said_of(behind(lighttpd("server.max-request-size = 0\n" + host()))) == "nothing");
  expect(behind(lighttpd("fastcgi.server = (\".php\" => ((\"socket\" => \"/run/php/php8.2-fpm.sock\")))\n")),
         "front_past", FindingSeverity::warning, "past holdfast",
         "lighttpd.conf:2: \"socket\" => \"/run/holdfast/php.sock\"");
}

TEST_CASE("what is no configuration of lighttpd, is not there, or not read") {
  for (const char* const text : {"fastcgi.server = (", "fastcgi.server (", "$HTTP[\"host\"] == \"x\"",
                                 "a = \"x\" }", "= 1", "$HTTP[\"host\"] == \"x\" {", "a = (1 2)"}) {
    CAPTURE(text);
    CHECK_FALSE(lighttpd(text).problems.empty());
  }
  CHECK(lighttpd("include_shell \"cat x\"\n").unclear.size() == 1);
  CHECK(lighttpd("include \"none\"\n").unclear.size() == 1);
  CHECK_FALSE(lighttpd("include \"x\"\n", {{"x", "include \"x\"\n"}}).problems.empty());
  std::string deep = "a = ";
  deep.append(1000, '(');
  CHECK_FALSE(lighttpd(deep).problems.empty());
  const FrontConfig ignored = read_lighttpd_front(host(), "lighttpd.conf", files_of({}));
  REQUIRE(ignored.unclear.size() == 1);
  CHECK(ignored.unclear[0].text.find("mod_fastcgi is not in server.modules") == 0);
}

}  // namespace holdfast::doctor_test

// No reader falls over what is cut off, or is another's.
#include "front_set_ups.h"

namespace holdfast::doctor_test {
namespace {

constexpr std::string_view kNginx =
    "user a;\nhttp {\n upstream p {\n  server unix:/x;\n  keepalive 8;\n }\n server {\n  location ~ "
    "\"\\.php$\" {\n   fastcgi_pass p;\n  }\n }\n}\n";
constexpr std::string_view kApache =
    "Define S /x\nLoadModule proxy_fcgi_module x.so\nInclude more\n<IfModule !mod_php.c>\n<FilesMatch "
    "\"\\.php$\">\n SetHandler "
    "\"proxy:unix:${S}|fcgi://localhost\"\n</FilesMatch>\n</IfModule>\n<Proxy balancer://b \\\n timeout=3>\n "
    "BalancerMember fcgi://[::1]:9\n</Proxy>\n"
    "ProxyPassMatch ^/(.*)$ balancer://b/$1\n";
constexpr std::string_view kHaproxy =
    "global\n chroot /x\n tune.bufsize 70000\ndefaults a\n timeout server 5m\nbackend b from a\n "
    "default-server proto fcgi\n server c "
    "\"unix@/x\" maxconn 3 # d\n server-template e 2 [::1]:9\n retry-on all-retryable-errors\n use-fcgi-app "
    "f\nfcgi-app f\n option mpxs-conns\n";
constexpr std::string_view kCaddy =
    "{\n admin off\n}\n(s) {\n read_timeout {args.0}\n}\n:80 {\n php_fastcgi @m unix//x \"127.0.0.1:9\" {\n  "
    "import s 1m30s\n }\n import more\n}\n";
constexpr std::string_view kLighttpd =
    "var.d = \"/x\"\nserver.modules += ( \"mod_fastcgi\" )\n$HTTP[\"host\"] == \"a\" {\n fastcgi.server = ( "
    "\".php\" => (( \"socket\" => var.d + "
    "\"/y\", \"bin-path\" => \"z\" ),( \"port\" => 9 )) )\n} else {\n include \"more\"\n}\n";

void read_as_all(const std::string& text) {
  const FrontFiles files = files_of({{"more", text.substr(0, text.size() / 2)}});
  for (const FrontConfig& config : {read_nginx_front(text, "x", files), read_apache_front(text, "x", files),
                                    read_haproxy_front({{"x", text}}), read_caddy_front(text, "x", files),
                                    read_lighttpd_front(text, "x", files)}) {
    static_cast<void>(said_of(behind(config)));
  }
  static_cast<void>(recognise_front(text));
}

}  // namespace

TEST_CASE("configurations that are cut off anywhere, or lack one character, read as any kind") {
  for (const std::string_view each : {kNginx, kApache, kHaproxy, kCaddy, kLighttpd}) {
    const std::string text(each);
    for (std::size_t i = 0; i <= text.size(); ++i) {
      read_as_all(text.substr(0, i));
      std::string lacking = text;
      lacking.erase(i, 1);
      read_as_all(lacking);
    }
  }
}

}  // namespace holdfast::doctor_test

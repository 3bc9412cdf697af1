// Which web server a configuration is for.
#include "front_set_ups.h"

namespace holdfast::doctor_test {

TEST_CASE("a configuration is known by what stands in it") {
  const std::vector<std::pair<FrontKind, const char*>> samples = {
      {FrontKind::nginx, "user www-data;\nevents { }\nhttp {\n include sites/*;\n}\n"},
      {FrontKind::nginx,
       "server {\n listen 80;\n root /srv;\n location ~ \\.php$ {\n  fastcgi_pass php;\n }\n}\n"},
      {FrontKind::nginx, "http { include sites/*; }\n"},
      {FrontKind::nginx, "user www-data; http { server { fastcgi_pass $there; } }\n"},
      {FrontKind::nginx, "upstream backend {\n server 127.0.0.1:9000;\n}\n"},
      {FrontKind::apache,
       "# comment {\nDefaultRuntimeDir x\nTimeout 300\n<Directory />\n Require all denied\n</Directory>\n"},
      {FrontKind::apache, "ServerName x\nDocumentRoot /srv\n"},
      {FrontKind::apache, "<FilesMatch \\.php$>\n SetHandler proxy:fcgi://127.0.0.1:9000\n</FilesMatch>\n"},
      {FrontKind::haproxy,
       "global\n daemon\ndefaults\n mode http\nfrontend a\n bind :80\n default_backend b\n"},
      {FrontKind::haproxy, "listen a\n bind :80\n server b 127.0.0.1:9000 proto fcgi\n"},
      {FrontKind::caddy, ":80 {\n\troot * /srv\n\tfile_server\n\tphp_fastcgi localhost:9000\n}\n"},
      {FrontKind::caddy, "localhost\nphp_fastcgi localhost:9000\n"},
      {FrontKind::caddy, "{\n\tadmin off\n}\nhttp://a.example {\n\trespond \"x\"\n}\n"},
      {FrontKind::lighttpd,
       "server.port = 80\nserver.modules = ( \"mod_access\" )\n$HTTP[\"host\"] == \"x\" {\n}\n"},
      {FrontKind::lighttpd, "fastcgi.server += ( \".php\" => (( \"socket\" => \"/x\" )) )\n"},
  };
  for (const auto& sample : samples) {  // no structured binding: clang 14 cannot capture one
    const char* const text = sample.second;
    CAPTURE(text);
    const auto found = recognise_front(text);
    REQUIRE(found);
    CHECK(front_kind_name(*found) == front_kind_name(sample.first));
  }
  for (const char* const other :
       {"", "\n\n", "# nginx\n", "listen: :80\npools: {}\n", "hello world\n", "{\"apps\": {}}\n"}) {
    CAPTURE(other);
    CHECK_FALSE(recognise_front(other));
  }
}

}  // namespace holdfast::doctor_test

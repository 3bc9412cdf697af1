// Words of other servers: what is said of them, and that it is true.
#include "config/foreign_words.h"

#include <doctest/doctest.h>

#include <set>

#include "config/schema.h"
#include "helpers.h"

using namespace holdfast::config;

TEST_CASE("a word of another server is answered by ours") {
  const std::pair<const char*, const char*> words[] = {{"server_name", "'sites[].hosts'"},
                                                       {"try_files", "'sites[].fallback'"},
                                                       {"location", "'sites[].routes'"},
                                                       {"rewrite", "'sites[].routes[].to'"},
                                                       {"add_header", "'sites[].headers'"},
                                                       {"auth_basic", "'sites[].auth'"},
                                                       {"error_page", "'sites[].errors'"},
                                                       {"alias", "'sites[].path'"},
                                                       {"fastcgi_pass", "'pools.NAME.address'"},
                                                       {"client_max_body_size", "'sites[].max_body'"},
                                                       {"server", "'sites'"},
                                                       {"upstream", "'pools'"},
                                                       {"DocumentRoot", "'sites[].root'"},
                                                       {"php_fastcgi", "'pools.NAME.address'"},
                                                       {"pm.max_children", "'pools.NAME.max_connections'"},
                                                       {"ssl_certificate", "TLS is not spoken here"},
                                                       {"worker_connections", "'client.max_connections'"}};
  for (const auto& each : words) {
    const std::string word = each.first;
    const std::string meant = each.second;
    CAPTURE(word);
    const auto top = load(kMinimal + word + ": x\n");
    CHECK(errors(top) == 1);
    CHECK(says(top, std::string("unknown key '") + word + "' at the top level; "));
    CHECK(says(top, meant));
    const auto in_site = load_site(std::string(word) + ": x");
    CHECK(errors(in_site) == 1);
    CHECK(says(in_site, meant));
  }
}

TEST_CASE("every key in a hint exists") {
  std::set<std::string> known;
  for (const WrittenKey& key : schema_keys()) {
    for (std::size_t end = 0; end != std::string::npos;) {
      end = key.path.find_first_of(".[", end + 1);
      known.insert(key.path.substr(0, end));
    }
  }
  int seen = 0;
  for (const std::string& hint : foreign_hints()) {
    for (std::size_t at = 0; (at = hint.find('\'', at)) != std::string::npos;) {
      const std::size_t end = hint.find('\'', at + 1);
      REQUIRE(end != std::string::npos);
      const std::string key = hint.substr(at + 1, end - at - 1);
      CAPTURE(hint);
      CHECK_MESSAGE(known.contains(key), key);
      at = end + 1;
      ++seen;
    }
  }
  CHECK(seen > 30);
}

TEST_CASE("a configuration of another server as a whole") {
  const auto language = [](const std::string& text) {
    const auto result = load(text);
    CHECK(errors(result) == 1);
    return said(result);
  };
  CHECK(language("server {\n  listen 80;\n}\n").find("it looks like a configuration of nginx") !=
        std::string::npos);
  CHECK(language("# mine\n\nuser www-data;\nevents { }\n").find("of nginx") != std::string::npos);
  CHECK(language("<VirtualHost *:80>\n</VirtualHost>\n").find("of Apache") != std::string::npos);
  CHECK(language("; pool\n[www]\nuser = www-data\n").find("of php-fpm") != std::string::npos);
  CHECK(load("[1, 2]\n").diagnostics[0].message.find("looks like") == std::string::npos);
}

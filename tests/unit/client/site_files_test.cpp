// Which names behind links are sent as files.
#include "proxy/client/site_files.h"

#include <doctest/doctest.h>

#include "config/site.h"

using namespace holdfast;

TEST_CASE("behind a link each name counts") {
  config::Site site;
  const auto sends = [&site](const char* path) { return sends_linked(site, path); };
  for (const char* path : {"/", "/file", "/dir/file.txt", "/.well-known/x", "/..data/file", "/..data",
                           "/a/..2024_11_27/b/file", "/a.b/file", "/dump.sql/file", "/x.module/file"}) {
    CAPTURE(path);
    CHECK(sends(path));
  }
  for (const char* path :
       {"/.git", "/.git/config", "/a/.git/b/c", "/.env", "/a/.well-known/x", "/..data/.git/x", "/dump.sql",
        "/a/x.php", "/wp-config.php.bak", "/a.inc", "/..data/x.php", "/..x.php"}) {
    CAPTURE(path);
    CHECK_FALSE(sends(path));
  }
  site.publish = {".git", "*.sql"};
  CHECK(sends("/.git/config"));
  CHECK(sends("/.git/dump.SQL"));
  CHECK_FALSE(sends("/.git/.env"));
  CHECK_FALSE(sends("/.git/x.php"));
}

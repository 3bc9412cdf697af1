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

TEST_CASE("a folder behind a link opens whatever its ending, as by its own name") {
  config::Site site;
  const auto status_of = [&site](const char* linked_path) {
    net::FolderEntries folder;
    folder.linked_path = linked_path;
    return judge_folder(site, folder).status;
  };
  for (const char* path : {"", "/", "/x.bak", "/z.module", "/a/ext.old", "/dump.sql", "/node~",
                           "/x.bak/y.orig", "/..data/x.bak", "/conf.php", "/a.inc/b"}) {
    CAPTURE(path);
    CHECK(status_of(path) == 0);
    CHECK(lists_entry(site, {.name = "l", .folder = true, .linked_path = path}));
  }
  for (const char* path : {"/.git", "/.git/x.bak", "/x.bak/.svn", "/.x.bak", "/a/.well-known"}) {
    CAPTURE(path);
    CHECK(status_of(path) == 404);
    CHECK_FALSE(lists_entry(site, {.name = "l", .folder = true, .linked_path = path}));
  }
  CHECK_FALSE(lists_entry(site, {.name = "l", .folder = false, .linked_path = "/x.bak"}));
  CHECK_FALSE(lists_entry(site, {.name = "l", .folder = false, .linked_path = "/x.bak/a.php"}));
  CHECK(lists_entry(site, {.name = "l", .folder = false, .linked_path = "/x.bak/a.txt"}));
  CHECK(lists_entry(
      site, {.name = "x.bak", .folder = false, .linked_path = ""}));  // its name is the router's to judge
}

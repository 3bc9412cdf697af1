// Names that are never sent as files.
#include "proxy/core/withheld.h"

#include <doctest/doctest.h>

using holdfast::core::is_published;
using holdfast::core::is_withheld;

TEST_CASE("source and its copies, whatever was put behind the ending") {
  for (const char* name :
       {"a.php",     "A.pHp",         "a.phar",    "a.phtml",      "a.phps",      "a.pht",
        "a.php3",    "a.PHP8",        ".php",      "a.php~",       "a.php.",      "a.php ",
        "a.php\t",   "a.php..",       "a.php.bak", "a.php.jpg",    "a.php.txt",   "a.PHP.Old",
        "a.php_",    "a.php-old",     "a.php old", "a.php,v",      "a.php;x",     "a.php#",
        "a.php (1)", "a.php\xc2\xa0", "a.php.gz",  "a.phtml.orig", "b.a.php.x.y", "a.phpold",
        "a.phpbak",  "a.PHP1bak",     "a.php_bak", "a.phtmlsave2", "a.phpswp",    "a.phpold.js",
        "a.incbak",  "a.inc",         "a.INC",     "a.inc~",       "a.inc.bak",   "a.inc.",
        "a.inc.txt", "node.module",   "a.install", "a.theme",      "a.engine",    "x.ctp",
        "a.phpt",    "a.php0"}) {
    CAPTURE(name);
    CHECK(is_withheld(name));
  }
}

TEST_CASE("dumps, copies, lock files") {
  for (const char* name : {"dump.sql",
                           "DUMP.SQL",
                           "dump.sql.gz",
                           "dump.sql.tar.gz",
                           "dump.sql.2024-11-27.gz",
                           "dump.sql.1",
                           "dump.sql~",
                           "dump.sql.",
                           "dump.sql (1)",
                           "a.sqlite",
                           "a.sqlite3",
                           "prod.env",
                           "style.css~",
                           "~",
                           "config.bak",
                           "config.old",
                           "config.orig",
                           "config.save",
                           "x.swp",
                           "x.swo",
                           "x.bak.zip",
                           "x~.gz",
                           "#x#",
                           "composer.json",
                           "Composer.LOCK",
                           "composer.json.txt",
                           "composer.lock.1",
                           "auth.json",
                           "symfony.lock",
                           "package-lock.json",
                           "pnpm-lock.yaml",
                           "yarn.lock",
                           "web.config",
                           "error_log",
                           "error_log.gz",
                           "dump.sql.br",
                           "dump.sql.zstd",
                           "dump.sql.tbz2",
                           "dump.sql.gz.gpg",
                           "dump.sql.part",
                           "dump.sqlbak",
                           "dump.sqlite3old2",
                           "a.bak1",
                           "a.old1",
                           "a.OLD12.gz",
                           "a.save1",
                           "a.swl",
                           "a.swx",
                           "a.SWA",
                           "a.css.copy",
                           "composer.json~"}) {
    CAPTURE(name);
    CHECK(is_withheld(name));
  }
}

TEST_CASE("what only looks like one of them is sent") {
  for (const char* name : {"",
                           "php",
                           "php.js",
                           "sql.min.js",
                           "inc.css",
                           "a.phpx",
                           "a.ph",
                           "a.php33",
                           "a.phpinfo",
                           "a.",
                           "...",
                           "style.css",
                           "jquery-1.12.4.min.js",
                           "notes.txt",
                           "site.tar.gz",
                           "sitemap.xml.gz",
                           "photo (1).jpg",
                           "film.swf",
                           "lib.swc",
                           "a.swift",
                           "a.sw",
                           "bold.woff",
                           "a.phold",
                           "a.golden",
                           "a.saves",
                           "a.phpoldest",
                           "a.sql5",
                           "key.asc",
                           "app.js.br",
                           "app.tmp",
                           "site.new",
                           "1bak",
                           "a.incl",
                           "a.sql.js",
                           "my.bakery",
                           "x.old.png",
                           "composer.html",
                           "mycomposer.json",
                           "package.json",
                           "INSTALL.txt",
                           "2024-11-27.zip",
                           "a.txt",
                           "theme.css",
                           "install.html",
                           "#x",
                           "a~b",
                           "old",
                           "bak",
                           "\xc3\xa9.jpg",
                           "v1.2.3",
                           "archive.7z",
                           "README"}) {
    CAPTURE(name);
    CHECK_FALSE(is_withheld(name));
  }
}

TEST_CASE("patterns of names") {
  const auto published = [](const char* pattern, const char* name) { return is_published(name, {pattern}); };
  CHECK(published("*.sql", "dump.SQL"));
  CHECK(published("*", ""));
  CHECK(published("a*b*c", "aXbYbZc"));
  CHECK(published("composer.json", "Composer.json"));
  CHECK(published("**.sql", ".sql"));
  CHECK_FALSE(published("*.sql", "dump.sql.gz"));
  CHECK_FALSE(published("a*b*c", "aXbYbZ"));
  CHECK_FALSE(published("", "x"));
  CHECK_FALSE(published("a?", "ab"));
  CHECK_FALSE(is_published("x.sql", {}));
  CHECK(is_published("x.sql", {"a", "*.sql"}));
}

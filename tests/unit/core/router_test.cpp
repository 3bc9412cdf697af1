// Sites by host and paths to targets, with a fake file system that counts its probes.
#include "proxy/core/router.h"

#include <doctest/doctest.h>

#include "config/config.h"
#include "config/site.h"
#include "fake_files.h"

using namespace holdfast;
using core::FileKind;
using core::Router;
using core::Target;

namespace {

struct RouterFixture {
  RouterFixture() {
    config.sites.resize(1);
    config.sites[0].root = config.sites[0].php_root = "/r";
    config.sites[0].pool = "php";
    files.kinds["/r"] = FileKind::directory;
    for (const char* directory : {"/r/dir", "/r/empty", "/r/html", "/r/x.php", "/r/.git", "/r/.well-known"}) {
      files.kinds[directory] = FileKind::directory;
    }
    for (const char* file : {"/r/index.php", "/r/a.php", "/r/style.css", "/r/dir/index.php",
                             "/r/html/index.html", "/r/x.php/y.php", "/r/.env", "/r/.git/config",
                             "/r/.hidden.php", "/r/.well-known/acme", "/r/OLD.PHP", "/r/lib.phar",
                             "/r/.git/a.php", "/r/x.phtml", "/r/not.php.txt", "/r/dir/.well-known"}) {
      files.kinds[file] = FileKind::file;
    }
    files.kinds["/r/pipe"] = FileKind::other;
    files.kinds["/r/pipe.php"] = FileKind::other;
    files.kinds["/r/secret"] = FileKind::forbidden;
    files.kinds["/r/secret.php"] = FileKind::forbidden;
    head.method = http::Method::get;
  }

  config::Config config;
  FakeFiles files;
  http::RequestHead head;
  std::string raw_path;
  bool look = false;

  config::Site& site() { return config.sites[0]; }

  Target last;  // what it was before counts for nothing
  Target resolve(const std::string& path, std::string raw = {}) {
    raw_path = raw.empty() ? path : std::move(raw);
    head.path = path;
    head.raw_path = raw_path;
    Router router(config.sites);
    if (look) router.look_at_roots(files);
    files.probes = 0;
    router.resolve(site(), head, files, {}, last);
    return last;
  }

  // The decision as a line of text.
  std::string to(const std::string& path, std::string raw = {}) {
    const Target target = resolve(path, std::move(raw));
    switch (target.kind) {
      case Target::Kind::php:
        return "php " + target.script_name + (target.path_info.empty() ? "" : " + " + target.path_info);
      case Target::Kind::file:
        return "file " + (target.root.empty() ? site().root : target.root) + target.path;
      case Target::Kind::list: return "list " + target.path;
      case Target::Kind::redirect: return std::to_string(target.status) + " " + target.location;
      case Target::Kind::options: return "options " + std::string(target.allow);
      case Target::Kind::error: CHECK_FALSE(target.why.empty()); return std::to_string(target.status);
    }
    return {};
  }
};

}  // namespace

TEST_CASE("sites: exact, then the longest wildcard, then any host") {
  config::Config config;
  config.sites.resize(5);
  config.sites[0].hosts = {"*.example.com"};
  config.sites[1].hosts = {"*.b.example.com", "example.org"};
  config.sites[2].hosts = {"www.example.com", "[::1]"};
  config.sites[3].hosts = {};
  config.sites[4].hosts = {};
  {
    const Router router(config.sites);
    const auto site = [&](std::string_view host) {
      return router.find_site(host, "/").site - config.sites.data();
    };
    CHECK(site("www.example.com") == 2);
    CHECK(site("www.example.com.") == 2);
    CHECK(site("a.example.com") == 0);
    CHECK(site("x.y.example.com") == 0);
    CHECK(site("a.b.example.com") == 1);
    CHECK(site("b.example.com") == 0);
    CHECK(site("example.org") == 1);
    CHECK(site("[::1]") == 2);
    for (const char* other :
         {"example.com", ".example.com", "wwwexample.com", "a.example.com.evil", "", ".", "com"}) {
      CAPTURE(other);
      CHECK(site(other) == 3);
    }
  }
  config.sites.resize(3);
  CHECK(Router(config.sites).find_site("example.com", "/").site == nullptr);
  CHECK(Router(config.sites).find_site("", "/").site == nullptr);
}

TEST_CASE_FIXTURE(RouterFixture, "scripts: the first .php that ends a segment and is a file; one probe") {
  CHECK(to("/a.php") == "php /a.php");
  CHECK(files.probes == 1);
  CHECK(to("/a.php/") == "php /a.php + /");
  CHECK(to("/a.php/b/c.php/d") == "php /a.php + /b/c.php/d");
  CHECK(files.probes == 1);
  CHECK(to("/x.php/y.php/z") == "php /x.php/y.php + /z");
  CHECK(to("/dir/index.php") == "php /dir/index.php");
}

TEST_CASE_FIXTURE(RouterFixture, "what only looks like a script is none") {
  CHECK(to("/none.php") == "404");
  CHECK(files.probes == 1);
  CHECK(to("/style.css/x.php") == "404");
  CHECK(to("/a.phpx") == "404");
  CHECK(to("/a.php.") == "404");
  CHECK(to("/a.PHP") == "404");
  CHECK(to("/a.\xc5\xbfphp") == "404");
  CHECK(to("/not.php.txt") == "404");  // a copy of source
  CHECK(to("/secret.php") == "403");
  CHECK(to("/pipe.php") == "404");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "/n.php";
  CHECK(to(many) == "404");
  CHECK(files.probes == 1);
}

TEST_CASE_FIXTURE(RouterFixture, "PHP source is never a file") {
  for (const char* path : {"/OLD.PHP", "/lib.phar", "/x.phtml"}) {
    CAPTURE(path);
    CHECK(to(path) == "404");
  }
  site().pool.clear();  // a site without php must not give its source away either
  for (const char* path : {"/a.php", "/a.php/x", "/dir/"}) {
    CAPTURE(path);
    CHECK(to(path) == "404");
  }
}

TEST_CASE_FIXTURE(RouterFixture,
                  "names of the list go to the front controller if they are files, and nothing else does") {
  for (const char* file : {"/r/a.php~", "/r/dump.sql", "/r/dir/composer.json", "/r/x.php.d/style.css"}) {
    files.kinds[file] = FileKind::file;
  }
  files.kinds["/r/x.php.d"] = FileKind::directory;
  for (const char* path : {"/a.php~", "/dump.sql", "/dir/composer.json"}) {
    CAPTURE(path);
    for (const auto method : {http::Method::get, http::Method::post, http::Method::options}) {
      head.method = method;
      CHECK(to(path) == "404");
    }
    head.method = http::Method::get;
    site().fallback = "/index.php";
    CHECK(to(path) == "php /index.php");
    site().fallback = "";
  }
  CHECK(to("/x.php.d") == "301 /x.php.d/");
  CHECK(to("/x.php.d/style.css") == "file /r/x.php.d/style.css");  // a folder's name is no file's
  site().index = {"dump.sql"};
  CHECK(to("/") == "404");
  site().publish = {"*.SQL", "composer.json", "a.*~"};
  CHECK(to("/") == "file /r/dump.sql");
  for (const char* path : {"/a.php~", "/dump.sql", "/dir/composer.json"}) {
    CHECK(to(path) == "file /r" + std::string(path));
  }
}

TEST_CASE_FIXTURE(RouterFixture, "published dot names, one by one") {
  files.kinds["/r/.git/.env"] = FileKind::file;
  site().publish = {".git"};
  CHECK(to("/.git/config") == "file /r/.git/config");
  CHECK(to("/.git/.env") == "404");
  CHECK(to("/.env") == "404");
  site().publish = {".git", ".env"};
  CHECK(to("/.git/.env") == "file /r/.git/.env");
}

TEST_CASE_FIXTURE(RouterFixture,
                  "resolve_root: files and scripts are looked for where the root's links lead") {
  site().resolve_root = true;
  files.real_paths["/r"] = "/releases/7";
  files.kinds["/releases/7/new.php"] = files.kinds["/releases/7/new.css"] = FileKind::file;
  CHECK(to("/new.css") == "file /releases/7/new.css");
  CHECK(to("/new.php") == "php /new.php");
  CHECK(resolve("/new.php").root == "/releases/7");
  CHECK(to("/style.css") == "404");
  files.real_paths.clear();  // the link leads nowhere at the moment
  CHECK(to("/style.css") == "file /r/style.css");
  CHECK(resolve("/a.php").root.empty());
}

TEST_CASE_FIXTURE(RouterFixture,
                  "hidden names do not exist, but for /.well-known at the top and in PATH_INFO") {
  site().fallback = "/index.php";
  for (const char* path :
       {"/.env", "/.git/config", "/.git/", "/.git", "/.git/none", "/.git/a.php", "/dir/.well-known"}) {
    CAPTURE(path);
    CHECK(to(path) == "404");
    CHECK(files.probes == 1);
  }
  for (const char* path : {"/.hidden.php", "/.hidden.php/x"}) CHECK(to(path) == "404");
  // What is not there is a page of the application, if it has any.
  for (const char* path :
       {"/dir/.htaccess", "/.well-knownx", "/.well-known/.x", "/...", "/wiki/.NET_Framework", "/wiki/.NET/",
        "/.none/.git/config", "/none.php/.x", "/.none.php"}) {
    CAPTURE(path);
    CHECK(to(path) == "php /index.php");
    CHECK(files.probes == 1);
  }
  site().fallback = "";
  for (const char* path : {"/.env", "/.none", "/.git/config"}) {
    CHECK(to(path) == "404");
    CHECK(files.probes == 0);
  }
  CHECK(to("/.well-known/acme") == "file /r/.well-known/acme");
  CHECK(to("/.well-known") == "301 /.well-known/");
  CHECK(to("/a.php/files/.htaccess") == "php /a.php + /files/.htaccess");
}

TEST_CASE_FIXTURE(RouterFixture, "directories: index files in order, redirect without the slash") {
  CHECK(to("/") == "php /index.php");
  CHECK(files.probes == 1);
  CHECK(to("/dir/") == "php /dir/index.php");
  CHECK(to("/html/") == "file /r/html/index.html");
  CHECK(to("/empty/") == "404");
  CHECK(to("/none/") == "404");
  CHECK(files.probes == 1);
  CHECK(to("/style.css/") == "404");
  CHECK(to("/dir") == "301 /dir/");
  head.query = "a=b&c=%20";
  CHECK(to("/dir", "/d%69r") == "301 /d%69r/?a=b&c=%20");
  head.query = "";
  head.method = http::Method::post;
  CHECK(to("/dir") == "308 /dir/");
  site().index = {"index.phar", "index.html", "index.php"};
  files.kinds["/r/dir/index.phar"] = FileKind::file;
  CHECK(to("/dir/") == "php /dir/index.php");
}

TEST_CASE_FIXTURE(RouterFixture, "without index files a folder is nothing of its own") {
  site().index.clear();
  CHECK(to("/empty").starts_with("301"));
  CHECK(to("/empty/") == "404");
  site().fallback = "/index.php";
  CHECK(to("/empty").starts_with("php /index.php"));  // its page, which may be led from /empty/ to /empty
  CHECK(to("/empty/").starts_with("php /index.php"));
  site().list = true;
  CHECK(to("/empty").starts_with("301"));
}

TEST_CASE_FIXTURE(RouterFixture, "a redirect stays on this host") {
  files.kinds["/r/evil.example"] = FileKind::directory;
  CHECK(to("/evil.example", "//evil.example") == "301 /evil.example/");
  CHECK(to("/evil.example", "///evil.example") == "301 /evil.example/");
  files.kinds["/r/\\evil.example"] = FileKind::directory;
  CHECK(to("/\\evil.example", "/\\evil.example") == "301 /%5Cevil.example/");
  files.kinds["/r/a b%?\xc3\xa9"] = FileKind::directory;
  CHECK(to("/a b%?\xc3\xa9", "//a b%25%3f\xc3\xa9") == "301 /a%20b%25%3F%C3%A9/");
  files.kinds["/r/\xc3\xa9"] = FileKind::directory;
  head.query = "q=\xfc&%20[x]";
  CHECK(to("/\xc3\xa9") == "301 /%C3%A9/?q=%FC&%20[x]");
}

TEST_CASE_FIXTURE(RouterFixture, "front controller for all that is no file, after one probe") {
  site().fallback = "/index.php";
  CHECK(to("/blog/post") == "php /index.php");
  CHECK(files.probes == 1);
  CHECK(to("/blog/post/") == "php /index.php");
  CHECK(files.probes == 1);
  CHECK(to("/none.php") == "php /index.php");
  CHECK(to("/none.php/x") == "php /index.php");
  CHECK(files.probes == 1);
  CHECK(to("/empty/") == "php /index.php");
  CHECK(to("/style.css") == "file /r/style.css");
  CHECK(to("/OLD.PHP") == "php /index.php");
  CHECK(to("/secret") == "403");
  CHECK(to("/pipe") == "404");
  site().pool.clear();
  CHECK(to("/blog/post") == "404");
}

TEST_CASE_FIXTURE(RouterFixture, "methods on files") {
  using http::Method;
  for (const auto method : {Method::get, Method::head}) {
    head.method = method;
    CHECK(to("/style.css") == "file /r/style.css");
  }
  for (const auto method : {Method::post, Method::put, Method::delete_, Method::patch, Method::other}) {
    head.method = method;
    CHECK(to("/style.css") == "405");
    CHECK(resolve("/style.css").allow == "GET, HEAD, OPTIONS");
    CHECK(to("/a.php") == "php /a.php");
  }
  head.method = Method::options;
  CHECK(to("/style.css") == "options GET, HEAD, OPTIONS");
  CHECK(to("/a.php") == "php /a.php");
  CHECK(to("*") == "options GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  CHECK(files.probes == 0);
  CHECK(resolve("*").status == 204);
}

TEST_CASE_FIXTURE(RouterFixture, "a root that is not on our side: split by text, no probe, nothing but php") {
  look = true;
  CHECK(to("/style.css") == "file /r/style.css");
  files.kinds.clear();
  CHECK(to("/any/thing.php/x.php/y") == "php /any/thing.php + /x.php/y");
  CHECK(to("/style.css") == "404");
  CHECK(to("/x.PHP") == "404");
  CHECK(to("/") == "php /index.php");
  CHECK(to("/dir/") == "php /dir/index.php");
  CHECK(to("/.git/a.php") == "404");
  CHECK(to("/a.php/.x") == "php /a.php + /.x");
  CHECK(to("/.env") == "404");
  CHECK(files.probes == 1);  // is it there by now?
  site().fallback = "/app.php";
  CHECK(to("/.git/a.php") == "php /app.php");
  CHECK(to("/wiki/.NET") == "php /app.php");
  CHECK(to("/") == "php /app.php");
  CHECK(to("/blog") == "php /app.php");
  CHECK(to("/blog/") == "php /app.php");
  CHECK(to("/other.php") == "php /other.php");
  site().pool.clear();
  CHECK(to("/a.php") == "404");
  site().root = "";  // the whole file system
  files.kinds = {{"/", FileKind::directory}, {"/style.css", FileKind::file}};
  CHECK(to("/style.css") == "file /style.css");
}

TEST_CASE_FIXTURE(RouterFixture, "a root that comes after the start is seen with the next request") {
  FakeFiles later = files;
  files.kinds.clear();
  Router router(config.sites);
  router.look_at_roots(files);
  head.path = head.raw_path = "/style.css";
  Target target;
  router.resolve(site(), head, files, {}, target);
  CHECK(target.kind == Target::Kind::error);
  router.resolve(site(), head, later, {}, target);
  CHECK(target.kind == Target::Kind::file);
}

// What the routes of a site make of a path, together with what lies there.
#include <doctest/doctest.h>

#include <algorithm>

#include "config/addresses.h"
#include "config/config.h"
#include "config/pool.h"
#include "config/site.h"
#include "fake_files.h"
#include "proxy/core/router.h"

using namespace holdfast;
using core::FileKind;
using core::Router;
using core::Target;

namespace {

struct RoutesFixture {
  RoutesFixture() {
    config.sites.resize(1);
    site().root = site().php_root = "/r";
    site().pool = "php";
    for (const char* directory : {"/r", "/r/dir", "/r/up", "/r/html", "/r/.git"})
      files.kinds[directory] = FileKind::directory;
    for (const char* file :
         {"/r/index.php", "/r/a.php", "/r/b.css", "/r/dir/index.php", "/r/dir/x.txt", "/r/up/evil.php",
          "/r/up/ok.png", "/r/html/index.php", "/r/html/index.html", "/r/spa.html", "/r/.git/x.php"})
      files.kinds[file] = FileKind::file;
    head.method = http::Method::get;
  }
  config::Site& site() { return config.sites[0]; }
  config::Route& route(std::vector<std::string> path) {
    site().routes.emplace_back().path = std::move(path);
    return site().routes.back();
  }
  Target last;  // what it was before counts for nothing
  Target resolve(const std::string& path) {
    head.path = path;
    head.raw_path = head.path;
    Router router(config.sites);
    if (unseen) {
      FakeFiles none;
      router.look_at_roots(none);
      router.resolve(site(), head, none, asker, last);
    } else {
      router.resolve(site(), head, files, asker, last);
    }
    return last;
  }
  std::string to(const std::string& path) {
    const Target target = resolve(path);
    switch (target.kind) {
      case Target::Kind::php:
        return "php " + target.script_name + (target.path_info.empty() ? "" : " + " + target.path_info) +
               (target.query ? " ? " + *target.query : "");
      case Target::Kind::file: return "file " + target.path;
      case Target::Kind::list: return "list " + target.path;
      case Target::Kind::redirect: return std::to_string(target.status) + " " + target.location;
      case Target::Kind::options: return "options";
      case Target::Kind::error: CHECK_FALSE(target.why.empty()); return std::to_string(target.status);
    }
    return {};
  }
  config::Config config;
  FakeFiles files;
  http::RequestHead head;
  core::Asker asker{.host = "a.example"};
  bool unseen = false;  // the root is not on our side
};

}  // namespace

TEST_CASE_FIXTURE(RoutesFixture, "actions: deny, redirect, to") {
  route({"/dir/"}).deny = 403;
  route({"/gone"}).deny = 410;
  route({"/old/**"}).redirect = "/new/$1";
  site().routes.back().status = 302;
  route({"/m/*"}).to = "/a.php?v=$1";
  route({"/css"}).to = "/b.css";
  route({"/folder"}).to = "/html";
  route({"/sneak/**"}).to = "/$1";
  head.query = "q=1";
  CHECK(to("/dir/x.txt") == "403");
  CHECK(to("/dir/none") == "403");
  CHECK(to("/gone") == "410");
  CHECK(to("/old/x/y") == "302 /new/x/y?q=1");
  CHECK(to("/m/7") == "php /a.php ? v=7&q=1");
  CHECK(to("/css") == "file /b.css");
  CHECK(to("/folder") == "php /html/index.php ? q=1");
  CHECK(to("/sneak/dir/x.txt") == "403");
  CHECK(to("/sneak/a.php/info") == "php /a.php + /info ? q=1");
  CHECK(to("/sneak/.git/x.php") == "404");
  CHECK(to("/sneak/none") == "404");
  CHECK(to("/a.php") == "php /a.php");
}

TEST_CASE_FIXTURE(RoutesFixture,
                  "what is refused by its own name is refused by PATH_INFO, as an index and by `to`") {
  route({"/up/**.php"}).deny = 404;
  route({"/dir/index.php"}).deny = 403;
  route({"/by/**"}).to = "/$1";
  CHECK(to("/up/evil.php") == "404");
  CHECK(to("/up/evil.php/x.png") == "404");
  CHECK(to("/by/up/evil.php/x.png") == "404");
  CHECK(to("/up/ok.png") == "file /up/ok.png");
  CHECK(to("/dir/") == "403");
  CHECK(to("/by/dir/") == "403");
}

TEST_CASE_FIXTURE(RoutesFixture, "fallback: with PATH_INFO, with a query, to a file, and of a route") {
  site().fallback = "/index.php$path";
  head.query = "q=\xc3\xa9";
  CHECK(to("/page/1") == "php /index.php + /page/1");
  CHECK(to("/x.php/y") == "php /index.php + /x.php/y");  // the client's query as it is
  site().fallback = "/a.php?id=$path";
  head.query = "";
  CHECK(to("/page/1") == "php /a.php ? id=/page/1");
  site().fallback = "/spa.html";
  CHECK(to("/page/1") == "file /spa.html");
  site().pool = "";
  CHECK(to("/page/1") == "file /spa.html");
  site().fallback = "/none.html";
  CHECK(to("/page/1") == "404");
  site().fallback = "/index.php";
  CHECK(to("/page/1") == "404");  // nothing runs it
  site().pool = "php";
  route({"/up/"}).fallback = "404";
  route({"/thumb/*"}).fallback = "/up/$1";
  route({"/get/*"}).fallback = "/$1.php";
  CHECK(to("/up/none.png") == "404");
  CHECK(to("/up/ok.png") == "file /up/ok.png");
  CHECK(to("/thumb/ok.png") == "file /up/ok.png");
  CHECK(to("/thumb/none.png") == "404");
  CHECK(to("/get/a") == "php /a.php");
  CHECK(to("/page") == "php /index.php");
  route({"/a.php"}).deny = 403;
  CHECK(to("/get/a") == "403");
}

TEST_CASE_FIXTURE(RoutesFixture, "run: only these scripts; others go to the fallback, and are never sent") {
  site().run = {"/index.php", "/html/**.php"};
  CHECK(to("/index.php") == "php /index.php");
  CHECK(to("/index.php/x") == "php /index.php + /x");
  for (const char* path : {"/a.php", "/a.php/x", "/up/evil.php", "/dir/", "/dir/index.php"}) {
    CAPTURE(path);
    CHECK(to(path) == "404");
    site().fallback = "/index.php";
    CHECK(to(path) == "php /index.php");
    site().publish = {"*.php"};
    CHECK(to(path) == "php /index.php");
    site().fallback = "";
    CHECK(to(path) == "404");
    site().publish = {};
  }
  CHECK(to("/html/") == "php /html/index.php");
  site().run = {"/index.php"};
  site().index = {"index.php", "index.html"};
  CHECK(to("/html/") == "file /html/index.html");
  unseen = true;
  CHECK(to("/a.php") == "404");
  CHECK(to("/index.php/x") == "php /index.php + /x");
}

TEST_CASE_FIXTURE(RoutesFixture, "php: false") {
  route({"/up/"}).php = false;
  site().fallback = "/index.php";
  for (const char* path : {"/up/evil.php", "/up/evil.php/x", "/up/evil.php/x.png"}) CHECK(to(path) == "404");
  CHECK(to("/up/none.png") == "php /index.php");
  CHECK(to("/up/ok.png") == "file /up/ok.png");
  route({"/html/**.php"}).php = false;
  CHECK(to("/html/") == "file /html/index.html");
  route({"/a.php"}).php = false;  // the path asked for is another
  CHECK(to("/a.php/x") == "404");
  unseen = true;
  CHECK(to("/up/evil.php/x") == "404");
}

TEST_CASE_FIXTURE(RoutesFixture, "a site below a path: patterns, scripts and fallback are relative to it") {
  site().path = "/wiki";
  site().fallback = "/index.php$path";
  route({"/dir/"}).deny = 403;
  route({"/go"}).redirect = "https://b.example$uri";
  CHECK(to("/wiki/a.php/x") == "php /a.php + /x");
  CHECK(to("/wiki/b.css") == "file /b.css");
  CHECK(to("/wiki/none") == "php /index.php + /none");
  CHECK(to("/wiki/dir/x.txt") == "403");
  CHECK(to("/wiki/go") == "301 https://b.example/wiki/go");
  CHECK(to("/wiki") == "301 /wiki/");
  CHECK(to("/wiki/html") == "301 /wiki/html/");
  CHECK(to("/wiki/") == "php /index.php");
  site().allow = config::parse_networks("10.0.0.0/8").value;
  CHECK(to("/wiki") == "403");
}

TEST_CASE_FIXTURE(RoutesFixture, "who may come to the script of a fallback is said by its own routes, too") {
  for (const char* fallback : {"/index.php", "/index.php$path"}) {
    CAPTURE(std::string(fallback));
    site().routes.clear();
    site().fallback = fallback;
    route({"/index.php"}).allow = config::parse_networks("10.0.0.0/8").value;
    route({"/index.php"}).expires = config::Expires{};
    CHECK(to("/index.php") == "403");
    CHECK(to("/none") == "403");
    CHECK(to("/none/") == "403");
    CHECK(to("/b.css").starts_with("file"));  // not what it says of others
    CHECK(resolve("/none").plan.matched.none());
    site().routes[0].allow.reset();
    site().routes[0].deny = 403;  // reached by its own name it is refused, as a front controller may be
    CHECK(to("/none").starts_with("php /index.php"));
    // Files are opened where their path is; the application, where that route names it.
    site().routes.clear();
    site().allow = config::parse_networks("10.0.0.0/8").value;
    route({"/api/"}).allow = config::parse_networks("::/0").value;
    files.kinds["/r/api/a.txt"] = FileKind::file;
    CHECK(to("/api/a.txt") == "file /api/a.txt");
    CHECK(to("/api/x") == "403");
    site().routes[0].fallback = fallback;
    CHECK(to("/api/x").starts_with("php /index.php"));
    CHECK(to("/x") == "403");
    CHECK(to("/index.php") == "403");
    // Not past what the script's own routes say.
    route({"/index.php"}).allow = config::parse_networks("192.0.2.0/24").value;
    CHECK(to("/api/x") == "403");
    site().allow.reset();
  }
}

TEST_CASE_FIXTURE(RoutesFixture, "who opens an ending opens files, not what answers for missing ones") {
  config::Auth asked;
  asked.users = "/users";
  config::Auth off;
  off.off = true;
  const auto open = [this](const std::string& path) {
    const std::string what = to(path);
    const auto& auth = last.plan.auth;
    return std::all_of(auth.begin(), auth.end(), [](const auto* each) { return each == nullptr; }) ? what
                                                                                                   : "401";
  };
  site().auth = asked;
  site().fallback = "/index.php";
  route({"*.css"}).auth = off;
  CHECK(open("/b.css") == "file /b.css");
  CHECK(open("/admin/x.css") == "401");
  CHECK(open("/a.php/x.css") == "401");
  CHECK(open("/x") == "401");
  files.kinds["/r/y.css"] = FileKind::directory;  // its index is a script of another name
  files.kinds["/r/y.css/index.php"] = FileKind::file;
  CHECK(open("/y.css/") == "401");
  for (const char* fallback : {"/index.php$path", "/spa.html", "/dir/", "/a.php?p=$path"}) {
    CAPTURE(std::string(fallback));
    site().fallback = fallback;
    CHECK(open("/admin/x.css") == "401");
  }
  // The route that opens a folder with all that answers there says so.
  config::Route& api = route({"/api/"});
  api.auth = off;
  for (const char* fallback : {"/index.php", "/spa.html", "/dir/", "/a.php?p=$path"}) {
    CAPTURE(std::string(fallback));
    site().routes[1].fallback = fallback;
    CHECK(open("/api/x") != "401");
    CHECK(open("/api/x") != "404");
    CHECK(open("/api") != "401");
    CHECK(open("/x.css") == "401");
  }
  // A later route that names another is no part of it.
  route({"/api/v2/"}).fallback = "/a.php";
  CHECK(open("/api/v2/x") == "401");
  CHECK(open("/api/v3/x") != "401");
  unseen = true;
  CHECK(open("/admin/x.css") == "401");
  unseen = false;
  // The same where a folder asks, not the site: the application is told the path that was asked for.
  site().auth.reset();
  site().routes.clear();
  site().fallback = "/index.php";
  route({"/admin/"}).auth = asked;
  route({"*.css", "/admin/open/"}).auth = off;
  CHECK(open("/x.css").starts_with("php /index.php"));
  CHECK(open("/admin/x.css") == "401");
  CHECK(open("/admin/open/x") == "401");
  site().routes[1].fallback = "/index.php";
  CHECK(open("/admin/open/x").starts_with("php /index.php"));
  site().routes.clear();
  route({"/admin/"}).allow = config::parse_networks("10.0.0.0/8").value;
  for (const char* all : {"0.0.0.0/0", "::/0"}) {
    CAPTURE(std::string(all));
    route({"*.css"}).allow = config::parse_networks(all).value;
    asker.client = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    CHECK(to("/admin/x.css") == "403");
    CHECK(to("/x.css").starts_with("php /index.php"));
    files.kinds["/r/admin/y.css"] = FileKind::file;
    CHECK(to("/admin/y.css") == "file /admin/y.css");
    site().routes.pop_back();
  }
}

TEST_CASE_FIXTURE(RoutesFixture,
                  "php: false of the site, or of the script's own routes, holds for a fallback, too") {
  for (const char* fallback : {"/index.php", "/index.php$path"}) {
    CAPTURE(std::string(fallback));
    site().routes.clear();
    site().fallback = fallback;
    site().php = false;
    CHECK(to("/none") == "404");
    CHECK(to("/index.php") == "404");
    route({"/index.php"}).php = true;
    CHECK(to("/none").starts_with("php /index.php"));
    site().routes.clear();
    route({"/app/"}).php = true;
    CHECK(to("/app/none") == "404");
    site().routes[0].fallback = fallback;
    CHECK(to("/app/none").starts_with("php /index.php"));
    CHECK(to("/none") == "404");
    site().php.reset();
    site().routes.clear();
    route({"*.php"}).php = false;
    CHECK(to("/none") == "404");
    site().routes.clear();
    route({"/up/"}).php = false;  // what lies there is not run; a name that is not there is a page
    CHECK(to("/up/none").starts_with("php /index.php"));
    site().routes[0].fallback = fallback;
    CHECK(to("/up/none").starts_with("php /index.php"));
    CHECK(to("/up/evil.php") == "404");
  }
}

TEST_CASE_FIXTURE(RoutesFixture, "a folder that a fallback leads to is listed by its own routes") {
  route({"/y/"}).fallback = "/dir/";
  site().index.clear();
  site().routes[0].list = true;
  route({"/dir/"}).allow = config::parse_networks("10.0.0.0/8").value;
  CHECK(to("/dir/") == "403");
  CHECK(to("/y/none") == "403");
}

TEST_CASE_FIXTURE(RoutesFixture,
                  "settings of the path asked for and of what was found; the pool of a route") {
  site().pool = "";
  route({"*.php"}).pool = "other";
  route({"/dir/"}).max_body = 5;
  const Target target = resolve("/a.php");
  CHECK(target.kind == Target::Kind::php);
  REQUIRE(target.plan.pool != nullptr);
  CHECK(*target.plan.pool == "other");
  site().pool = "php";
  const Target index = resolve("/dir/");
  CHECK(index.script_name == "/dir/index.php");
  REQUIRE(index.plan.pool != nullptr);
  CHECK(index.plan.max_body == 5);
  site().run = {"/index.php"};
  const Target missing = resolve("/dir/");  // what was found does not count
  CHECK(missing.kind == Target::Kind::error);
  CHECK(missing.plan.pool == nullptr);
  CHECK(missing.plan.max_body == 5);
}

TEST_CASE_FIXTURE(RoutesFixture, "allow, and https: required") {
  route({"/dir/"}).allow = config::parse_networks("10.0.0.0/8").value;
  asker.client = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
  CHECK(to("/dir/x.txt") == "file /dir/x.txt");
  asker.client[12] = 11;
  CHECK(to("/dir/x.txt") == "403");
  site().https = config::Https::required;
  head.query = "q";
  CHECK(to("/dir/x.txt") == "308 https://a.example/dir/x.txt?q");
  asker.secure = true;
  CHECK(to("/dir/x.txt") == "403");
}

TEST_CASE_FIXTURE(RoutesFixture, "list: names of a folder without an index, but for what is not served") {
  route({"/up/"}).list = true;
  route({"/up/*.bin", "/up/no/"}).deny = 403;
  site().fallback = "/index.php";
  CHECK(to("/up/") == "list /up/");
  CHECK(to("/up") == "301 /up/");
  CHECK(to("/dir/") == "php /dir/index.php");
  head.method = http::Method::post;
  CHECK(to("/up/") == "405");
  head.method = http::Method::get;
  files.kinds["/r/up/index.html"] = FileKind::file;
  CHECK(to("/up/") == "file /up/index.html");
  const Router router(config.sites);
  const auto shows = [&](std::string_view path) { return router.shows(site(), head, asker, path); };
  for (const char* path : {"/up/ok.png", "/up/folder/", "/up/a.php/"}) CHECK(shows(path));
  for (const char* path : {"/up/.env", "/up/.git/", "/up/a.sql", "/up/x.phtml", "/up/x.bin", "/up/no/"})
    CHECK_FALSE(shows(path));
}

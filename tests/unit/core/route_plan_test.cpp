// Routes: settings add up, the first action decides, and no second path leads around what one of them
// demands.
#include "proxy/core/route_plan.h"
#include "config/site.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "config/addresses.h"

using namespace holdfast::core;
namespace config = holdfast::config;
namespace http = holdfast::http;
using Action = RoutePlan::Action;

namespace {

config::Route route(std::vector<std::string> path) {
  config::Route out;
  out.path = std::move(path);
  return out;
}
config::Route denied(std::string path, int status = 404) {
  config::Route out = route({std::move(path)});
  out.deny = status;
  return out;
}
config::Route redirected(std::string path, std::string target, int status = 301) {
  config::Route out = route({std::move(path)});
  out.redirect = std::move(target);
  out.status = status;
  return out;
}
config::Route rewritten(std::string path, std::string target) {
  config::Route out = route({std::move(path)});
  out.to = std::move(target);
  return out;
}
config::Route with_auth(std::string path, bool off = false) {
  config::Route out = route({std::move(path)});
  out.auth = config::Auth{off, "R", "/users"};
  return out;
}
config::Route allowed(std::string path, const char* networks) {
  config::Route out = route({std::move(path)});
  out.allow = *config::parse_networks(networks).value;
  return out;
}

constexpr ClientAddress v4(std::uint8_t a, std::uint8_t d) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, 0, 0, d};
}

// A site, and one request after the other.
struct PlanScene {
  config::Site site;
  http::RequestHead head;
  ClientAddress client = v4(10, 1);
  std::string resolved;
  bool secure = false;
  std::optional<SiteRoutes> routes;

  explicit PlanScene(std::vector<config::Route> list) { site.routes = std::move(list); }

  RoutePlan last;  // what it was before counts for nothing
  RoutePlan plan(const std::string& path) {
    if (!routes) routes.emplace(site);
    head.path = path;
    routes->plan({head, head.path, "example.com", client, secure, resolved}, last);
    return last;
  }
  std::string headers(const std::string& path) {
    const RoutePlan of = plan(path);
    std::string out;
    routes->each_header(of, [&out](std::string_view name, std::string_view value) {
      out += std::string(name) + "=" + std::string(value) + ";";
    });
    return out;
  }
};

int asked_for(const RoutePlan& plan) {
  return static_cast<int>(
      std::count_if(plan.auth.begin(), plan.auth.end(), [](const auto* auth) { return auth != nullptr; }));
}

}  // namespace

TEST_CASE("a site without routes plans nothing") {
  PlanScene scene({});
  const RoutePlan plan = scene.plan("/x");
  CHECK(scene.routes->empty());
  CHECK(plan.action == Action::none);
  CHECK(plan.matched.none());
  CHECK(plan.log);
  CHECK(plan.fallback == nullptr);
  CHECK(scene.routes->may_run("/x.php"));
}

TEST_CASE("the first action decides, settings of all that match add up") {
  config::Route first = route({"*.css"});
  first.expires = config::Expires{config::Expires::Kind::after, std::chrono::seconds(60)};
  first.log = false;
  config::Route last = route({"/a/"});
  last.expires = config::Expires{config::Expires::Kind::max, {}};
  last.max_body = 5;
  PlanScene scene({first, denied("/a/secret.css", 403), redirected("/a/", "/b"), denied("/a/", 410), last});

  const RoutePlan secret = scene.plan("/a/secret.css");
  CHECK(secret.action == Action::deny);
  CHECK(secret.status == 403);
  CHECK(secret.decided_by == 1);
  CHECK_FALSE(secret.log);
  CHECK(secret.expires->kind == config::Expires::Kind::max);
  CHECK(secret.max_body == 5);

  const RoutePlan other = scene.plan("/a/x.css");
  CHECK(other.action == Action::redirect);
  CHECK(other.location == "/b");
  CHECK(other.status == 301);
  CHECK(other.matched.count() == 4);

  const RoutePlan free = scene.plan("/x.css");
  CHECK(free.action == Action::none);
  CHECK(free.expires->after == std::chrono::seconds(60));
  CHECK_FALSE(free.max_body);
}

TEST_CASE("headers merge by name, whatever its case; nothing drops the others") {
  config::Route css = route({"*.css"});
  css.headers = {{"x-frame-options", "DENY"}, {"X-New", "1"}};
  config::Route none = route({"/a/"});
  none.headers = {{"X-Frame-Options", ""}};
  PlanScene scene({css, none});
  scene.site.headers = {{"X-Frame-Options", "SAMEORIGIN"}, {"X-Powered-By", ""}};
  CHECK(scene.headers("/") == "X-Frame-Options=SAMEORIGIN;X-Powered-By=;");
  CHECK(scene.headers("/x.css") == "X-Frame-Options=DENY;X-Powered-By=;X-New=1;");
  CHECK(scene.headers("/a/x.css") == "X-Frame-Options=;X-Powered-By=;X-New=1;");
  CHECK_FALSE(scene.routes->empty());
}

TEST_CASE("captures are those of the pattern that matched") {
  config::Route both = route({"/old/*", "/older/*/*"});
  both.redirect = "/new/$1";
  PlanScene scene({both});
  scene.head.query = "q=1";
  CHECK(scene.plan("/old/x").location == "/new/x?q=1");
  CHECK(scene.plan("/older/y/z").location == "/new/y?q=1");
}

TEST_CASE("conditions: all kinds must hold, one of each list is enough") {
  config::Route agent = redirected("/", "/dav/", 302);
  agent.when.user_agent = {"DavClnt*", "cadaver*"};
  agent.when.method = {"GET", "PROPFIND"};
  agent.when.from = *config::parse_networks("10.0.0.0/8").value;
  PlanScene scene({agent});
  scene.head.method_text = "GET";
  std::vector<http::Field> fields = {{"User-Agent", "davclnt/6"}};
  scene.head.fields = fields;
  CHECK(scene.plan("/").status == 302);
  scene.head.method_text = "POST";
  CHECK(scene.plan("/").action == Action::none);
  scene.head.method_text = "PROPFIND";
  CHECK(scene.plan("/").status == 302);
  scene.client = v4(11, 1);
  CHECK(scene.plan("/").action == Action::none);
  scene.client = v4(10, 9);
  scene.head.fields = {};
  CHECK(scene.plan("/").action == Action::none);
}

TEST_CASE("a query is seen as php sees it") {
  config::Route author = denied("/**", 403);
  author.when.query = {"author=*", "rest_route"};
  PlanScene scene({author});
  for (const char* query : {"author=1", "x=1&author=", "%61uthor=1", "x&author=1", "+author=1", "%20author=1",
                            "author%00x=1", "author[]=1", "author[x]=1", "author%5B%5D=1", "rest[route=1",
                            "rest_route", "rest.route=1", "rest+route", "rest_route=x"}) {
    CAPTURE(query);
    scene.head.query = query;
    CHECK(scene.plan("/x").status == 403);
  }
  for (const char* query : {"", "author", "authors=1", "[author]=1", "author[=1", "Author=1", "x=author=1",
                            "%", "%zz=1", "&&", "=author"}) {
    CAPTURE(query);
    scene.head.query = query;
    CHECK(scene.plan("/x").action == (std::string_view(query) == "author" ? Action::deny : Action::none));
  }
}

TEST_CASE("the name of a cookie: as sent to open, as any php reads it to refuse") {
  struct Row {
    const char* sent;
    bool refuses;
    bool opens;
  };
  // php 8.2 on the right; before 7.4.11 it decoded names, and some took a plus of a value for a blank.
  const Row rows[] = {
      {"__Host-s=a+b", true, true},       {"__%48ost-s=a+b", true, false},  {"__%48ost%2Ds=a+b", true, false},
      {"_%5fHost-s=a%2Bb", true, false},  {"..Host-s=a+b", true, false},    {"_ Host-s=a+b", true, false},
      {"__Host-s=a%2bb", true, true},     {"__Host-s=a%20b", false, false}, {"\t__Host-s=a+b", true, true},
      {" %09__Host-s=a+b", false, false}, {"__Host-s", false, false},       {"__host-s=a+b", false, false},
      {"x=__Host-s=a+b", false, false},   {"__Host-s=a+b=c", false, false}};
  for (const Row& row : rows) {
    CAPTURE(std::string(row.sent));
    config::Route refuses = denied("/**", 403);
    refuses.when.cookie = {"__Host-s=a+b"};
    PlanScene refused({refuses});
    refused.head.fields = {{"Cookie", row.sent}};
    CHECK((refused.plan("/x").status == 403) == row.refuses);

    config::Route opens = denied("/**", 0);
    opens.when.cookie = refuses.when.cookie;
    PlanScene opened({opens, denied("/**", 403)});
    opened.head.fields = refused.head.fields;
    CHECK((opened.plan("/x").status != 403) == row.opens);
  }
  config::Route blank = denied("/**", 403);
  blank.when.cookie = {"a=b c"};
  PlanScene scene({blank});
  scene.head.fields = {{"Cookie", "%61=b+c"}};
  CHECK(scene.plan("/x").status == 403);
}

TEST_CASE("cookies, of each field") {
  config::Route cookie = denied("/**", 403);
  cookie.when.cookie = {"session=*", "wordpress_logged_in_*"};
  PlanScene scene({cookie});
  scene.head.fields = {{"Cookie", "a=b"}, {"cookie", "c=d; session=1"}};
  CHECK(scene.plan("/").status == 403);
  scene.head.fields = {{"Cookie", "wordpress_logged_in_abc=1"}};
  CHECK(scene.plan("/").status == 403);
  scene.head.fields = {{"Cookie", "xsession=1; a=session"}};
  CHECK(scene.plan("/").action == Action::none);
}

TEST_CASE("PATH_INFO and an index file lead around no deny and no setting") {
  config::Route limited = allowed("/xmlrpc.php", "192.0.2.0/24");
  limited.log = false;
  PlanScene scene({denied("/secret.php", 403), denied("/dir/index.html"), limited});
  CHECK(scene.plan("/secret.php/x").action == Action::none);
  scene.resolved = "/secret.php";
  CHECK(scene.plan("/secret.php/x").status == 403);
  scene.resolved = "/dir/index.html";
  CHECK(scene.plan("/dir/").status == 404);
  scene.resolved = "/xmlrpc.php";
  CHECK(scene.plan("/xmlrpc.php/x").status == 403);
  CHECK_FALSE(scene.plan("/xmlrpc.php/x").log);
  scene.client = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7};
  CHECK(scene.plan("/xmlrpc.php/x").action == Action::none);
}

TEST_CASE("redirect and to go by the path asked for alone") {
  PlanScene scene({redirected("/index.php", "/")});
  scene.resolved = "/index.php";
  CHECK(scene.plan("/").action == Action::none);  // else it would go round for ever
  CHECK(scene.plan("/index.php").action == Action::redirect);
}

TEST_CASE("what to leads to is not routed again, but held against deny, allow and auth") {
  PlanScene scene({denied("/wp-content/uploads/**.php", 403), rewritten("/*/wp-content/**", "/wp-content/$2"),
                   rewritten("/wp-content/x", "/y"), with_auth("/wp-content/private/"),
                   allowed("/wp-content/office/", "192.0.2.0/24"), denied("/*/wp-content/late/**"),
                   denied("/wp-content/later/**", 410)});
  const RoutePlan plain = scene.plan("/blog/wp-content/a.css");
  CHECK(plain.action == Action::rewrite);
  CHECK(plain.rewrite.path == "/wp-content/a.css");
  CHECK(scene.plan("/blog/wp-content/x").rewrite.path == "/wp-content/x");
  CHECK(scene.plan("/blog/wp-content/uploads/a.php").status == 403);
  CHECK(asked_for(scene.plan("/blog/wp-content/private/a")) == 1);
  CHECK(scene.plan("/blog/wp-content/office/a").status == 403);
  CHECK(scene.plan("/blog/wp-content/late/a").action == Action::rewrite);  // the first action counts
  CHECK(scene.plan("/blog/wp-content/later/a").status == 410);
  scene.resolved = "/wp-content/uploads/a.php";
  CHECK(scene.plan("/blog/wp-content/uploads/a.php/b").status == 403);
}

TEST_CASE("deny: off lets through what a later route denies, on each path by itself") {
  PlanScene scene({denied("/plugins/secret/"), denied("/plugins/**.css", 0), denied("/plugins/", 403),
                   rewritten("/old/**", "/plugins/$1"), denied("/old/**", 0)});
  CHECK(scene.plan("/plugins/a.css").action == Action::none);
  CHECK(scene.plan("/plugins/a.css").decided_by == 1);
  CHECK(scene.plan("/plugins/a.txt").status == 403);
  CHECK(scene.plan("/plugins/secret/a.css").status == 404);
  CHECK(scene.plan("/old/a.css").action == Action::rewrite);
  CHECK(scene.plan("/old/a.txt").status == 403);
  scene.resolved = "/plugins/a.php";
  CHECK(scene.plan("/plugins/a.php/b.css").status == 403);
}

TEST_CASE("a target that would leave the root is no target") {
  PlanScene scene({rewritten("/x*", "/data/$1")});
  CHECK(scene.plan("/x..").status == 404);
  CHECK(scene.plan("/x..").action == Action::deny);
  CHECK(scene.plan("/xa").rewrite.path == "/data/a");
}

TEST_CASE("no second path loosens what one of them demands") {
  // status.php is for all, wherever it is; the folder is not.
  PlanScene scene({with_auth("/private/"), with_auth("status.php", true), allowed("/office/", "192.0.2.0/24"),
                   allowed("status.php", "::/0")});
  CHECK(asked_for(scene.plan("/status.php")) == 0);
  CHECK(asked_for(scene.plan("/private/a.php")) == 1);
  CHECK(asked_for(scene.plan("/private/status.php")) == 0);  // as the later route says
  scene.resolved = "/private/a.php";
  CHECK(asked_for(scene.plan("/private/a.php/status.php")) == 1);
  scene.resolved = "/office/a.php";
  CHECK(scene.plan("/office/a.php/status.php").status == 403);
}

TEST_CASE("the site's own allow and auth count everywhere, a later route replaces them") {
  PlanScene scene({with_auth("/open/", true), allowed("/open/", "::/0")});
  scene.site.auth = config::Auth{false, "S", "/users"};
  scene.site.allow = *config::parse_networks("192.0.2.0/24").value;
  CHECK(scene.plan("/x").status == 403);
  const RoutePlan open = scene.plan("/open/x");
  CHECK(open.action == Action::none);
  CHECK(asked_for(open) == 0);
  scene.client = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7};
  CHECK(asked_for(scene.plan("/x")) == 1);
}

TEST_CASE("fallback: the site's, and that of a path with what its stars took") {
  config::Route none = route({"*.png"});
  none.fallback = "404";
  config::Route blog = route({"/*/blog/**"});
  blog.fallback = "/blog.php?of=$1&at=$2";
  PlanScene scene({none, blog});
  scene.site.fallback = "/index.php";
  CHECK(scene.plan("/x").fallback->target.parts[0].text == "/index.php");
  CHECK(scene.plan("/x.png").fallback->not_found);
  const RoutePlan plan = scene.plan("/me/blog/a/b");
  CHECK(plan.fallback_captures.count == 2);
  const TargetFacts facts{scene.head.path, scene.head.path, "", "", &plan.fallback_captures};
  CHECK(internal_target(plan.fallback->target, facts)->query == "of=me&at=a/b");
}

TEST_CASE("run names the scripts that may run") {
  PlanScene scene({});
  scene.site.run = {"/index.php", "/updater/**.php"};
  (void)scene.plan("/");
  CHECK(scene.routes->may_run("/index.php"));
  CHECK(scene.routes->may_run("/updater/a/b.php"));
  CHECK_FALSE(scene.routes->may_run("/a/index.php"));
  CHECK_FALSE(scene.routes->may_run("/console.php"));
}

TEST_CASE("a site that is elsewhere, and one that is https") {
  PlanScene scene({denied("/x")});
  scene.site.redirect = "https://example.com$uri";
  scene.head.query = "a=b";
  CHECK(scene.plan("/p q").location == "https://example.com/p%20q?a=b");
  CHECK(scene.plan("/x").status == 404);

  PlanScene plain({denied("/x")});
  plain.site.https = config::Https::required;
  CHECK(plain.plan("/x").location == "https://example.com/x");
  CHECK(plain.plan("/x").status == 308);
  plain.secure = true;
  CHECK(plain.plan("/x").status == 404);
  CHECK(plain.plan("/y").action == Action::none);
}

TEST_CASE("as many routes as a site may have") {
  std::vector<config::Route> many(config::kRoutesMax, route({"/a/**"}));
  many.back().deny = 410;
  PlanScene scene(many);
  const RoutePlan plan = scene.plan("/a/b");
  CHECK(plan.status == 410);
  CHECK(plan.matched.all());
}

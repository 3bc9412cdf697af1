// Presets of applications, path by path: what is served, run, hidden, led on. The paths are those that each
// application's own published configuration decides about.
#include "config/presets.h"
#include "config/site.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "proxy/core/route_plan.h"
#include "proxy/core/withheld.h"

using namespace holdfast::core;
namespace config = holdfast::config;
namespace http = holdfast::http;

namespace {

struct PresetRow {
  const char* path;
  const char* outcome;  // of `outcome`
  const char* agent = "";
};

std::string script_of(const std::string& path) {
  const std::size_t end = path.find(".php/");
  return end == std::string::npos ? path : path.substr(0, end + 4);
}

// Where the path would lead if every file were there: a status, "run", "file", "fallback" (in place of a
// script that does not run), "hidden" (by name, as on every site), "to TARGET", "301 TARGET".
std::string outcome(const config::Site& site, const SiteRoutes& routes, const PresetRow& row) {
  http::RequestHead head;
  std::string path = row.path;
  std::string query;
  if (const std::size_t mark = path.find('?'); mark != std::string::npos) {
    query = path.substr(mark + 1);
    path.resize(mark);
  }
  head.path = path;
  head.query = query;
  head.fields = {{"User-Agent", row.agent}};
  const std::string script = script_of(path);
  RoutePlan plan;
  routes.plan({head, head.path, "example.com", {}, false, script == path ? "" : script}, plan);
  switch (plan.action) {
    case RoutePlan::Action::deny: return std::to_string(plan.status);
    case RoutePlan::Action::redirect: return std::to_string(plan.status) + " " + plan.location;
    case RoutePlan::Action::rewrite:
      return "to " + plan.rewrite.path + (plan.rewrite.query.empty() ? "" : "?" + plan.rewrite.query);
    case RoutePlan::Action::none: break;
  }
  if (script.ends_with(".php")) return plan.php.value_or(true) && routes.may_run(script) ? "run" : "fallback";
  const bool dotted = path.find("/.") != std::string::npos && !path.starts_with("/.well-known/");
  const std::string name = path.substr(path.rfind('/') + 1);
  if (dotted || (!name.empty() && is_withheld(name) && !is_published(name, site.publish))) return "hidden";
  if (plan.expires && plan.expires->kind == config::Expires::Kind::max) return "file max";
  if (plan.expires && plan.expires->kind == config::Expires::Kind::after)
    return "file " +
           std::to_string(std::chrono::duration_cast<std::chrono::hours>(plan.expires->after).count()) + "h";
  return "file";
}

void check(const char* app, std::initializer_list<PresetRow> rows) {
  const auto all = config::presets();
  const auto preset =
      std::find_if(all.begin(), all.end(), [app](const config::Preset& each) { return each.name == app; });
  REQUIRE(preset != all.end());
  const config::Site site = config::preset_site(*preset);
  const SiteRoutes routes(site);
  for (const PresetRow& row : rows) {
    CAPTURE(std::string(app));
    CAPTURE(std::string(row.path));
    CHECK(outcome(site, routes, row) == row.outcome);
  }
}

}  // namespace

TEST_CASE("WordPress") {
  check("wordpress", {{"/", "file"},
                      {"/index.php", "run"},
                      {"/wp-login.php", "run"},
                      {"/wp-admin/admin-ajax.php", "run"},
                      {"/wp-cron.php", "run"},
                      {"/xmlrpc.php", "run"},
                      {"/wp-content/uploads/2024/11/a.jpg", "file max"},
                      {"/wp-content/uploads/2024/11/shell.php", "403"},
                      {"/wp-content/uploads/shell.php/a.jpg", "403"},
                      {"/wp-content/files/x.php", "403"},
                      {"/blog/uploads/x.php", "403"},
                      {"/wp-content/uploads/wc-logs/fatal.log", "403"},
                      {"/wp-content/debug.log", "404"},
                      {"/wp-config.php.bak", "404"},
                      {"/wp-config.php~", "404"},
                      {"/.htaccess", "404"},
                      {"/.git/config", "404"},
                      {"/readme.html", "404"},
                      {"/README.HTML", "404"},
                      {"/Dump.SQL", "404"},
                      {"/wp-content/uploads/X.PHP", "403"},
                      {"/wp-content/uploads/A.JPG", "file max"},
                      {"/favicon.ico", "file"},
                      {"/.env", "404"},
                      {"/.well-known/acme-challenge/x", "file"},
                      {"/wp-content/plugins/akismet/readme.txt", "404"},
                      {"/wp-includes/theme-compat/header.php", "fallback"},
                      {"/wp-includes/ms-files.php", "run"},
                      {"/wp-includes/css/dist/a.css", "file max"},
                      {"/dump.sql", "404"},
                      {"/a-page/", "file"}});
  check("wordpress-multisite",
        {{"/wp-admin/index.php", "run"},
         {"/wp-login.php", "run"},
         {"/blog/wp-admin", "301 /blog/wp-admin/"},
         {"/blog/wp-admin/index.php", "run"},
         {"/blog/wp-content/a.css", "file max"},
         {"/files/2012/a.jpg", "to /wp-includes/ms-files.php?file=2012/a.jpg"},
         {"/blog/files/2012/a.b.jpg", "to /wp-includes/ms-files.php?file=2012/a.b.jpg"},
         {"/blog/files/2012/x.php", "403"},
         {"/blog/files/manual/", "file"},
         {"/blog/wp-login.php", "run"},
         {"/blog/wp-content/uploads/x.php", "403"},
         {"/wp-content/uploads/sites/2/x.php", "403"},
         {"/wp-content/plugins/a/b.php", "run"},
         {"/blog/2024/", "file"}});
}

TEST_CASE("Nextcloud") {
  check("nextcloud", {{"/", "file"},
                      {"/", "302 /remote.php/webdav/", "DavClnt 6.1"},
                      {"/index.php/apps/files", "run"},
                      {"/remote.php/dav/files/a/b.php", "run"},
                      {"/status.php", "run"},
                      {"/ocs/v2.php/cloud", "run"},
                      {"/updater/index.php", "run"},
                      {"/apps/richdocumentscode_arm64/proxy.php", "run"},
                      {"/apps/files/appinfo/x.php", "fallback"},
                      {"/config/config.php", "404"},
                      {"/data/admin/files/a.txt", "404"},
                      {"/data", "404"},
                      {"/lib/base.php", "404"},
                      {"/3rdparty/composer.json", "404"},
                      {"/templates/x", "404"},
                      {"/occ", "404"},
                      {"/console.php", "404"},
                      {"/db_structure.xml", "404"},
                      {"/autotest.sh", "404"},
                      {"/.htaccess", "404"},
                      {"/.well-known/caldav", "301 /remote.php/dav/"},
                      {"/.well-known/carddav", "301 /remote.php/dav/"},
                      {"/.well-known/acme-challenge/x", "file"},
                      {"/.well-known/webfinger?a=b", "301 /index.php/.well-known/webfinger?a=b"},
                      {"/remote/x", "301 /remote.php/remote/x"},
                      {"/core/js/a.mjs", "file 4382h"},
                      {"/core/js/a.js?v=1", "file max"},
                      {"/core/fonts/a.woff2", "file 168h"},
                      {"/databar.css", "file 4382h"}});
}

TEST_CASE("Drupal") {
  check("drupal", {{"/index.php", "run"},
                   {"/update.php/selection", "run"},
                   {"/core/install.php", "run"},
                   {"/core/modules/statistics/statistics.php", "run"},
                   {"/core/lib/Drupal.php", "fallback"},
                   {"/blog.example/x.php", "403"},
                   {"/sites/default/files/x.php", "403"},
                   {"/sites/default/settings.php", "403"},
                   {"/sites/default/private/a", "403"},
                   {"/sites/default/files/private/a.png", "403"},
                   {"/sites/default/files/styles/large/a.png", "file"},
                   {"/vendor/autoload.php", "404"},
                   {"/modules/a/a.module", "404"},
                   {"/core/core.services.yml", "404"},
                   {"/composer.lock", "404"},
                   {"/core/CHANGELOG.txt", "403"},
                   {"/core/INSTALL.TXT", "403"},
                   {"/modules/a/A.INC", "404"},
                   {"/robots.txt", "file"},
                   {"/.git/HEAD", "404"},
                   {"/index.php/node/1?a=b", "307 /node/1?a=b"},
                   {"/favicon.ico", "file"},
                   {"/core/misc/drupal.js", "file max"},
                   {"/node/1", "file"}});
}

TEST_CASE("Laravel and Symfony") {
  check("laravel", {{"/index.php", "run"},
                    {"/index.php/x", "run"},
                    {"/phpinfo.php", "fallback"},
                    {"/storage/x.php", "403"},
                    {"/storage/a.jpg", "file"},
                    {"/build/assets/app-123.js", "file max"},
                    {"/.env", "404"},
                    {"/a/.git/HEAD", "404"},
                    {"/robots.txt", "file"},
                    {"/users/1", "file"}});
  check("symfony", {{"/", "file"},
                    {"/index.php", "404"},
                    {"/index.php/x", "404"},
                    {"/app_dev.php", "404"},
                    {"/bundles/a/b.php", "404"},
                    {"/assets/app-1a2b.css", "file max"},
                    {"/.env", "hidden"},
                    {"/users/1", "file"}});
}

TEST_CASE("MediaWiki") {
  check("mediawiki", {{"/", "file"},
                      {"/wiki/Main_Page", "to /index.php"},
                      {"/wiki/Foo.php", "to /index.php"},
                      {"/index.php?title=A", "run"},
                      {"/load.php", "run"},
                      {"/api.php", "run"},
                      {"/rest.php/v1/page", "run"},
                      {"/index.php/Main_Page", "404"},
                      {"/LocalSettings.php", "404"},
                      {"/maintenance/run.php", "404"},
                      {"/mw-config/index.php", "404"},
                      {"/includes/Setup.php", "404"},
                      {"/vendor/autoload.php", "404"},
                      {"/images/a/ab/X.png", "file"},
                      {"/images/deleted/a", "403"},
                      {"/images/x.php", "403"},
                      {"/images/x.php/y.png", "403"},
                      {"/resources/assets/wiki.png", "file 168h"},
                      {"/skins/Vector/a.css", "file 168h"},
                      {"/skins/Vector/skin.json", "404"},
                      {"/extensions/A/a.php", "404"},
                      {"/COPYING", "file"},
                      {"/cache/x", "404"}});
}

TEST_CASE("DokuWiki") {
  check("dokuwiki", {{"/doku.php", "run"},
                     {"/lib/exe/fetch.php?media=a", "run"},
                     {"/data/pages/a.txt", "403"},
                     {"/conf/users.auth.php", "403"},
                     {"/bin/wantedpages.php", "403"},
                     {"/inc/init.php", "403"},
                     {"/vendor/autoload.php", "403"},
                     {"/lib/plugins/acl/conf/default.php", "403"},
                     {"/install.php", "403"},
                     {"/_media/a/b.png", "to /lib/exe/fetch.php?media=a/b.png"},
                     {"/_detail/a.png?id=x", "to /lib/exe/detail.php?media=a.png&id=x"},
                     {"/_export/pdf/a/b", "to /doku.php?do=export_pdf&id=a/b"},
                     {"/lib/images/a.png", "file 8760h"},
                     {"/README", "404"},
                     {"/start", "file"}});
}

TEST_CASE("Matomo") {
  check("matomo", {{"/index.php", "run"},
                   {"/matomo.php", "run"},
                   {"/piwik.php", "run"},
                   {"/js/index.php", "run"},
                   {"/index.php/x", "404"},
                   {"/X.PHP", "403"},
                   {"/config/config.ini.php", "403"},
                   {"/config/global.ini.php", "403"},
                   {"/core/Version.php", "403"},
                   {"/console", "403"},
                   {"/tmp/logs/a", "403"},
                   {"/lang/en.json", "403"},
                   {"/vendor/autoload.php", "403"},
                   {"/vendor/a/b.txt", "403"},
                   {"/plugins/A/a.css", "file 1h"},
                   {"/plugins/A/plugin.json", "403"},
                   {"/plugins/A/templates/a.twig", "403"},
                   {"/matomo.js", "file 1h"},
                   {"/js/container_x_preview.js", "file"},
                   {"/.htaccess", "hidden"},
                   {"/LICENSE", "file"}});
}

TEST_CASE("Magento") {
  check("magento", {{"/index.php", "run"},
                    {"/get.php", "run"},
                    {"/health_check.php", "run"},
                    {"/errors/404.php", "run"},
                    {"/errors/design.xml", "403"},
                    {"/errors/DESIGN.XML", "403"},
                    {"/cron.php", "403"},
                    {"/a.phtml", "403"},
                    {"/setup/index.php", "403"},
                    {"/media/customer/a.jpg", "403"},
                    {"/media/downloadable/a.zip", "403"},
                    {"/media/import/a.csv", "403"},
                    {"/media/custom_options/a", "403"},
                    {"/pub/media/import/a.csv", "403"},
                    {"/media/theme_customization/a/b.xml", "403"},
                    {"/media/catalog/a.jpg", "file 8760h"},
                    {"/static/version123/frontend/a.css", "to /static/frontend/a.css"},
                    {"/static/frontend/a.css", "file 8760h"},
                    {"/media/a.zip", "file"},
                    {"/.user.ini", "hidden"},
                    {"/women.html", "file"}});
}

TEST_CASE("the others") {
  check("phpmyadmin", {{"/index.php", "run"},
                       {"/url.php", "run"},
                       {"/config.inc.php", "404"},
                       {"/libraries/a.php", "403"},
                       {"/setup/index.php", "403"},
                       {"/templates/a.twig", "403"},
                       {"/sql/create_tables.sql", "403"},
                       {"/themes/a/b.css", "file 24h"},
                       {"/other.php", "fallback"},
                       {"/composer.json", "404"}});
  check("joomla", {{"/index.php", "run"},
                   {"/administrator/index.php", "run"},
                   {"/images/x.php", "403"},
                   {"/tmp/x.php", "403"},
                   {"/administrator/logs/everything.php", "403"},
                   {"/configuration.php", "404"},
                   {"/htaccess.txt", "404"},
                   {"/media/a.css", "file 336h"},
                   {"/a.pdf", "file 8760h"}});
  check("moodle", {{"/index.php", "run"},
                   {"/pluginfile.php/1/a/b.pdf", "run"},
                   {"/theme/styles.php/boost/1/all", "run"},
                   {"/admin/tool/behat/index.php", "run"},
                   {"/vendor/autoload.php", "404"},
                   {"/lib/upgrade.txt", "404"},
                   {"/lib/db/install.xml", "404"},
                   {"/mod/forum/tests/behat/a.feature", "404"},
                   {"/composer.json", "404"},
                   {"/config.php", "404"},
                   {"/admin/environment.xml", "404"},
                   {"/README.md", "404"}});
  check("shaarli", {{"/", "to /index.php"},
                    {"/index.php", "to /index.php"},
                    {"/shaare/abc", "to /index.php"},
                    {"/data/config.json.php", "403"},
                    {"/data/datastore.php", "403"},
                    {"/vendor/autoload.php", "to /index.php"},
                    {"/tpl/default/css/shaarli.min.css", "file max"},
                    {"/favicon.ico", "to /images/favicon.ico"},
                    {"/doc/html/index.html", "file"},
                    {"/cache/thumb/a.jpg", "file max"}});
  check("typo3", {{"/index.php", "run"},
                  {"/typo3/index.php", "run"},
                  {"/fileadmin/_temp_/a", "403"},
                  {"/fileadmin/user_upload/_recycler_/a", "403"},
                  {"/fileadmin/a.php", "403"},
                  {"/fileadmin/templates/a.ts", "403"},
                  {"/vendor/autoload.php", "403"},
                  {"/typo3temp/var/log", "403"},
                  {"/typo3conf/ext/a/Configuration/x", "403"},
                  {"/typo3/sysext/core/Resources/Private/a", "403"},
                  {"/typo3/sysext/core/Resources/Public/a.css", "file"},
                  {"/composer.json", "403"},
                  {"/a/locallang.xlf", "403"},
                  {"/config/", "file"},
                  {"/vendors/", "file"},
                  {"/a.yaml", "403"}});
}

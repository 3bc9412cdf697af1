// Warnings about the folder of a site, with folders made for it.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "helpers.h"

using namespace holdfast::config;
namespace fs = std::filesystem;

namespace {

// A folder below /tmp, gone at the end.
class Folder {
 public:
  Folder() {
    std::array<char, 32> name{"/tmp/holdfast-roots-XXXXXX"};
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  Folder& file(const std::string& name) {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << "x";
    return *this;
  }
  Folder& folder(const std::string& name) {
    fs::create_directories(path_ / name);
    return *this;
  }
  // With rules of its own, so that nobody wonders which application it is.
  LoadResult check(const std::string& below = "", const std::string& rules = "run: [/index.php]") const {
    return load(kPools + "sites: [{ root: " + (path_ / below).string() + ", pool: php" +
                (rules.empty() ? "" : ", " + rules) + " }]\n");
  }
  std::string text(const std::string& below) const { return (path_ / below).string(); }

 private:
  fs::path path_;
};

void warns(const LoadResult& result, const std::string& text) {
  CAPTURE(said(result));
  CHECK(result.config);
  CHECK(warnings(result) == 1);
  CHECK(says(result, text));
}

}  // namespace

TEST_CASE("folders of the system are no root of a site") {
  for (const char* root : {"/etc", "/etc/", "/usr", "/var", "/home", "/root", "/tmp", "/proc", "/dev", "/sys",
                           "/var/lib", "/var/log", "/etc/ssl", "/opt/../etc", "/run", "/usr/bin"}) {
    CAPTURE(root);
    if (!fs::is_directory(root)) continue;
    const auto result = load(kPools + "sites: [{ root: " + root + ", pool: php }]\n");
    CHECK(result.config);
    CHECK(says(result, "is a folder of the system, not of a site"));
  }
  Folder made;
  fs::create_directory_symlink("/etc", made.text("site"));
  warns(made.check("site"), "(/etc) is a folder of the system");
  clean(Folder().check());
}

TEST_CASE("the folder of a project is not its public one") {
  for (const char* marker :
       {"composer.json", "artisan", "package.json", "vendor/autoload.php", ".env", ".git/HEAD"}) {
    for (const char* better : {"public", "web", "public_html", "htdocs", "webroot", "pub"}) {
      CAPTURE(marker);
      CAPTURE(better);
      Folder made;
      made.file(marker).file(std::string(better) + "/index.php");
      warns(made.check(), "did you mean root: " + made.text(better) + "?");
      clean(made.check(better));
    }
  }
  for (const char* better : {"public", "web"}) {
    Folder made;
    made.file("bin/console").file("config/bundles.php").file(std::string(better) + "/index.php");
    warns(made.check(), "looks like a project (bin/console)");
  }
  warns(Folder().file("artisan").file("app/A.php").check(), "looks like a project (artisan and app/)");
  warns(Folder().file("bin/console").file("config/x.yaml").check(), "(bin/console and config/)");
  warns(Folder().file("symfony.lock").file("src/A.php").check(), "(symfony.lock and src/)");
  clean(Folder().file("composer.json").file("src/a.php").check());
  clean(Folder().file("src/app.js").file("app/a.php").file("config/x.php").file("bin/x").check());
  Folder plain;  // a site of files may well have a folder "web", and a WordPress no public folder at all
  clean(plain.file("web/index.html").file("index.php").check());
}

TEST_CASE("an application whose root is its public folder") {
  struct Row {
    std::string name;
    std::string app;  // of its preset; empty: none
    std::string root;
    std::vector<std::string> files;
  };
  const Row rows[] = {
      {"Nextcloud", "nextcloud", "", {"occ", "remote.php", "composer.json", "config/config.php"}},
      {"Matomo", "matomo", "", {"matomo.php", "piwik.php", "console", "composer.json", "config/global.php"}},
      {"MediaWiki", "mediawiki", "", {"includes/WebStart.php", "load.php", "composer.json", "config/README"}},
      {"WordPress", "wordpress", "", {"wp-login.php", "composer.json", "package.json", "src/a.php"}},
      {"Drupal, flat", "drupal", "", {"core/lib/Drupal.php", "composer.json", "composer.lock"}},
      {"Drupal", "drupal", "web", {"composer.json", "web/index.php", "web/core/lib/Drupal.php"}},
      {"Joomla", "joomla", "", {"administrator/manifests/files/joomla.xml", "includes/app.php"}},
      {"Moodle", "moodle", "", {"lib/moodlelib.php", "composer.json", "package.json", "config/x.php"}},
      {"Shaarli", "shaarli", "", {"shaarli_version.php", "composer.json", "application/config/a.php"}},
      {"phpBB", "", "", {"composer.json", "config/parameters.yml", "bin/phpbbcli.php", "app.php"}},
      {"PrestaShop", "", "", {"composer.json", "bin/console", "app/A.php", "config/a.php", "src/A.php"}},
      {"Roundcube", "", "", {"composer.json", "config/a.php", "public_html/index.php", "program/a.php"}},
      {"October CMS", "", "", {"composer.json", "artisan", "config/app.php", "modules/a.php"}},
      {"GLPI", "", "", {"bin/console", "config/a.php", "src/A.php", "public/index.php"}},
      {"a page with assets", "", "", {"index.html", "package.json", "public/a.css"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const std::string below = row.root.empty() ? "" : row.root + "/";
    Folder made;
    for (const std::string& file : row.files) made.file(file);
    if (row.files.front() != "index.html") made.file(below + "index.php");
    clean(made.check(row.root));
    if (!row.app.empty()) clean(made.check(row.root, "app: " + row.app));
    made.file(below + "vendor/autoload.php").file(below + "dump.sql");
    warns(made.check(row.root), " holds dump.sql, vendor/: not for visitors");
  }
}

TEST_CASE("a project's folder hides nothing else, and a public folder is named where it is") {
  Folder project;
  project.file("artisan").file(".env").file("vendor/autoload.php").file("public/index.php").file(".git/HEAD");
  warns(project.check(),
        "looks like a project (artisan), not like its public folder, and holds .env, .git, vendor/: ");
  warns(project.check(), "did you mean root: " + project.text("public") + "?");
  Folder handed_on;  // CakePHP: an index.php that leads to the public one
  handed_on.file("index.php").file("composer.json").file("webroot/index.php").file("vendor/autoload.php");
  warns(handed_on.check(), "holds vendor/: not for visitors; move it out of the root, or serve " +
                               handed_on.text("webroot") + " alone");
}

TEST_CASE("what is not for visitors, in the root or one folder below") {
  warns(Folder().file(".git/HEAD").check(), "holds .git: not for visitors");
  warns(Folder().file("vendor/autoload.php").check(), "holds vendor/: not");
  warns(Folder().file("vendor/acme/thing/src/A.php").check(), "holds vendor/");
  warns(Folder().folder("vendor").check(), "holds vendor/");
  warns(Folder().file("dump.sql").check(), "holds dump.sql");
  warns(Folder().file("dump.sql.gz").check(), "holds dump.sql.gz");
  warns(Folder().file("data/app.sqlite").check(), "holds data/app.sqlite");
  warns(Folder().file("sub/.git/HEAD").check(), "holds sub/.git");
  for (const char* name :
       {"dump.SQL", "a/b/dump.sql", "a/dump.sql.br", ".env", "sub/.env", "prod.env", "a.php.bak", "a.php~",
        "a/b/a.phpold", "wp-config.php.save", "index.php.swp", "site.old.zip", "#a.php#", "a/B.Sqlite3.1"}) {
    CAPTURE(name);
    warns(Folder().file(name).check(), std::string("holds ") + name + ": not for visitors");
  }
  warns(Folder().file("sub/vendor/autoload.php").check(), "holds sub/vendor/");
  warns(Folder().file("a.sql").file("b.sql").file("c.sql").file("d.sql").check(),
        "holds a.sql, b.sql, c.sql and 1 more");
}

TEST_CASE("what only looks like it") {
  clean(Folder().file("vendor/telescope/app.js").file("vendor/telescope/app.css").check());
  clean(Folder().file("sql").file(".sql").file("sql.php").file("mysql/index.php").check());
  clean(Folder().file("a/b/c/dump.sql").check());  // a bounded look
  // What applications come with is never sent, and no mistake of the operator's.
  clean(Folder()
            .file("a.inc")
            .file("b/b.module")
            .file("web.config")
            .file("a.php.sample")
            .file(".env.example")
            .check());
  clean(Folder().file("config.php").file("a.old.js").file("dump.sql/index.html").check());
}

TEST_CASE("a large folder is not read to its end") {
  Folder made;
  for (int i = 0; i < 3000; ++i) made.file("files/" + std::to_string(i));
  clean(made.check());
  clean(made.check("files"));
}

TEST_CASE("an application without its rules is named, with the line to add") {
  struct Row {
    const char* app;
    const char* root;
    std::vector<std::string> files;
  };
  const Row rows[] = {
      {"wordpress", "", {"wp-includes/version.php", "wp-login.php"}},
      {"nextcloud", "", {"occ", "remote.php"}},
      {"drupal", "web", {"web/core/lib/Drupal.php", "web/index.php"}},
      {"laravel", "public", {"artisan", "public/index.php"}},
      {"symfony", "public", {"config/bundles.php", "public/index.php"}},
      {"mediawiki", "", {"includes/WebStart.php", "load.php"}},
      {"dokuwiki", "", {"doku.php", "inc/init.php"}},
      {"matomo", "", {"matomo.php", "piwik.php"}},
      {"magento", "pub", {"bin/magento", "pub/static.php"}},
      {"joomla", "", {"administrator/manifests/files/joomla.xml"}},
      {"moodle", "", {"lib/moodlelib.php"}},
      {"shaarli", "", {"shaarli_version.php"}},
      {"typo3", "public", {"vendor/typo3/cms-core/x", "public/index.php"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.app);
    Folder folder;
    for (const std::string& file : row.files) folder.file(file);
    warns(folder.check(row.root, ""), "add app: " + std::string(row.app));
    CHECK_FALSE(says(folder.check(row.root, "app: " + std::string(row.app)), "add app"));
    CHECK_FALSE(says(folder.check(row.root, "routes: [{ path: /x, deny: 404 }]"), "add app"));
  }
  clean(Folder().file("index.php").check("", ""));
}

TEST_CASE("folders of the system are none to send files from") {
  const Folder folder;
  for (const char* from : {"/", "/etc", "/etc/ssl", "/var"}) {
    CAPTURE(from);
    warns(folder.check("", std::string("run: [/index.php], internal: { /i/: ") + from + " }"),
          "a folder of the system: a script that is tricked");
  }
  CHECK(warnings(folder.check("", "run: [/index.php], internal: { /i/: " + folder.text("") + " }")) == 0);
}

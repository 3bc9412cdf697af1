// Doctor about files that must not be readable: what is found below a root, and what the answers come to.
#include "proxy/doctor/doctor_hidden.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "config/config.h"
#include "config/site.h"
#include "tests/unit/doctor/doctor_set_ups.h"

using namespace holdfast;
using namespace holdfast::doctor_test;
namespace fs = std::filesystem;
using Decision = HiddenFile::Decision;

namespace {

DoctorFacts with_hidden(std::vector<HiddenFile> files) {
  DoctorFacts facts = good();
  HiddenFacts hidden;
  hidden.site = "example.com";
  hidden.app = "nextcloud";
  hidden.address = "127.0.0.1:8080";
  hidden.files = std::move(files);
  facts.hidden.push_back(hidden);
  return facts;
}

class Disk final : public core::FileProbe {
 public:
  core::FileKind kind(std::string_view root, std::string_view below) override {
    const std::string path = std::string(root).append(below);
    if (fs::is_directory(path)) return core::FileKind::directory;
    return fs::is_regular_file(path) ? core::FileKind::file : core::FileKind::missing;
  }
  std::string real_path(const std::string& path) override { return path; }
};

class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "holdfast-hidden-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~Tree() { fs::remove_all(root_); }
  void add(const std::string& path, const std::string& text = "x") const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::string root() const { return root_.string(); }

 private:
  fs::path root_;
};

HiddenFacts found_in(const Tree& tree, const std::function<void(config::Site&)>& change = {}) {
  config::Config config;
  config::Site& site = config.sites.emplace_back();
  site.root = site.php_root = tree.root();
  site.pool = "php";
  if (change) change(site);
  Disk disk;
  return find_hidden_files(config, disk).at(0);
}

std::string told(const HiddenFacts& facts, const std::string& path) {
  for (const HiddenFile& file : facts.files) {
    if (file.path != path) continue;
    return file.why + ": " + std::to_string(static_cast<int>(file.decision));
  }
  return "";
}

}  // namespace

TEST_CASE("hidden files that the server refuses") {
  const DoctorFacts facts =
      with_hidden({{"/.env", "its name begins with a dot", Decision::refused, 404, false},
                   {"/occ", "nextcloud hides it", Decision::refused, 404, false}});
  const std::vector<Finding> findings = diagnose(facts);
  const Finding& fine = finding(findings, "hidden");
  CHECK(fine.severity == FindingSeverity::ok);
  CHECK(fine.what == "2 of 2 hidden files were refused by 127.0.0.1:8080: /.env, /occ");
  CHECK(exit_status_of(findings) == 0);
}

TEST_CASE("a hidden file that was read, because no rule hides it") {
  DoctorFacts facts = with_hidden({{"/data/a.txt", "nextcloud hides it", Decision::sent, 200, true},
                                   {"/data/b.txt", "nextcloud hides it", Decision::sent, 206, true},
                                   {"/.env", "its name begins with a dot", Decision::refused, 404, false}});
  const Finding found = expect(
      facts, "readable", FindingSeverity::error,
      "GET /data/a.txt was answered with the file (200); so were 1 of 2 other hidden files: /data/b.txt",
      "holdfast.yaml: sites[0].app: nextcloud");
  CHECK(found.why.find("Whoever knows the name reads it") != std::string::npos);
  facts.hidden[0].app.clear();
  facts.hidden[0].files[0].why = "its name begins with a dot";
  expect(facts, "readable", FindingSeverity::error, "/data/a.txt", "path: \"/data/a.txt\", deny: 404");
}

TEST_CASE("the server runs with another configuration") {
  const DoctorFacts facts =
      with_hidden({{"/.env", "its name begins with a dot", Decision::refused, 200, true}});
  const Finding found = expect(facts, "readable", FindingSeverity::error,
                               "GET /.env was answered with the file (200)", "reload");
  CHECK(found.why.find("The configuration refuses it") != std::string::npos);
}

TEST_CASE("no server to ask: the configuration is judged alone") {
  DoctorFacts facts = with_hidden({{"/data/a.txt", "nextcloud hides it", Decision::sent, 0, false}});
  facts.hidden[0].address.clear();
  facts.hidden[0].no_answer = "127.0.0.1:8080: connection refused";
  expect(facts, "readable", FindingSeverity::error, "by the configuration these are sent: /data/a.txt",
         "app: nextcloud");
  CHECK(finding(diagnose(facts), "hidden").severity == FindingSeverity::info);
  facts.hidden[0].files[0].decision = Decision::refused;
  CHECK(exit_status_of(diagnose(facts)) == 0);
}

TEST_CASE("a script that the application does not let run") {
  const DoctorFacts facts = with_hidden({{"/lib/base.php", "nextcloud hides it", Decision::runs, 0, false}});
  expect(facts, "hidden_scripts", FindingSeverity::warning,
         "nextcloud does not let run do run: /lib/base.php", "app: nextcloud");
}

TEST_CASE("what is looked for below a root") {
  const Tree tree;
  for (const char* path : {"index.html", "style.css", ".env", "a/.git/HEAD", ".well-known/x.txt", "dump.sql",
                           "a.php.bak", "data/x.txt", "lib/tool.php"})
    tree.add(path);
  tree.add("empty.sql", "");
  const HiddenFacts facts = found_in(tree);
  CHECK(facts.app.empty());
  CHECK(facts.files.size() == 4);
  for (const char* path : {"/.env", "/a/.git/HEAD"})
    CHECK(told(facts, path) == "its name begins with a dot: 0");
  for (const char* path : {"/dump.sql", "/a.php.bak"})
    CHECK(told(facts, path) == "a name like this is never sent: 0");

  const HiddenFacts open = found_in(tree, [](config::Site& site) { site.publish = {"*.sql", ".env"}; });
  CHECK(told(open, "/dump.sql").empty());
  CHECK(told(open, "/.env").empty());
  const HiddenFacts led = found_in(tree, [](config::Site& site) { site.fallback = "/index.php"; });
  CHECK(told(led, "/dump.sql") == "a name like this is never sent: 3");  // the application would be asked
}

TEST_CASE("what the application's own rules hide, where no rule of the site does") {
  const Tree tree;
  for (const char* path : {"occ", "remote.php", "index.php", "data/u/a.txt", "data/u/b.txt", "data/u/c.txt",
                           "lib/base.php", "core/a.css"})
    tree.add(path);
  const HiddenFacts facts = found_in(tree);
  CHECK(facts.app == "nextcloud");
  CHECK(told(facts, "/occ") == "nextcloud hides it: 1");
  CHECK(told(facts, "/lib/base.php") == "nextcloud hides it: 2");
  CHECK(told(facts, "/core/a.css").empty());
  CHECK(told(facts, "/index.php").empty());
  std::size_t of_data = 0;
  for (const HiddenFile& file : facts.files) of_data += file.path.starts_with("/data/") ? 1 : 0;
  CHECK(of_data == 2);  // no more of one kind

  const HiddenFacts denied = found_in(tree, [](config::Site& site) {
    site.path = "/cloud";
    config::Route route;
    route.path = {"/data/", "/occ", "/lib/"};
    route.deny = 404;
    site.routes.push_back(route);
  });
  CHECK(denied.url_path == "/cloud");
  for (const HiddenFile& file : denied.files) CHECK_MESSAGE(file.decision == Decision::refused, file.path);
}

// What a request's paths lead to, and how long that is remembered.
#include "proxy/client/system_probe.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

using holdfast::FoundFile;
using holdfast::SystemProbe;
using holdfast::core::FileKind;

namespace {
namespace fs = std::filesystem;

struct Folder {
  std::string root;

  Folder() {
    std::string name = (fs::temp_directory_path() / "holdfast-probe-XXXXXX").string();
    root = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(root); }

  void make(const std::string& path) const { std::ofstream(root + path) << "x"; }
  void remove(const std::string& path) const { fs::remove(root + path); }
};
}  // namespace

TEST_CASE("a file that was found holds until it is forgotten") {
  const Folder folder;
  std::map<std::string, std::string> real_paths;
  FoundFile found;
  SystemProbe probe(real_paths, &found);

  folder.make("/index.php");
  CHECK(probe.kind(folder.root, "/index.php") == FileKind::file);
  folder.remove("/index.php");
  CHECK(probe.kind(folder.root, "/index.php") == FileKind::file);
  CHECK(SystemProbe(real_paths, &found).kind(folder.root, "/index.php") == FileKind::file);
  CHECK(SystemProbe(real_paths).kind(folder.root, "/index.php") == FileKind::missing);

  found.forget();
  CHECK(probe.kind(folder.root, "/index.php") == FileKind::missing);
}

TEST_CASE("what was not a file is looked at each time") {
  const Folder folder;
  std::map<std::string, std::string> real_paths;
  FoundFile found;
  SystemProbe probe(real_paths, &found);

  CHECK(probe.kind(folder.root, "/a") == FileKind::missing);
  fs::create_directory(folder.root + "/a");
  CHECK(probe.kind(folder.root, "/a") == FileKind::directory);
  fs::remove(folder.root + "/a");
  folder.make("/a");
  CHECK(probe.kind(folder.root, "/a") == FileKind::file);
}

TEST_CASE("only the same root and path are the same file") {
  FoundFile found;
  CHECK(found.find("", "") == nullptr);
  found.keep("/srv/a", "/index.php", {.kind = holdfast::net::FileKind::regular, .error = {}});
  CHECK(found.find("/srv/a", "/index.php") != nullptr);
  CHECK(found.find("/srv", "/a/index.php") == nullptr);  // what a path may be is judged without its root
  CHECK(found.find("/srv/b", "/index.php") == nullptr);
  CHECK(found.find("/srv/a", "/index.phq") == nullptr);
  CHECK(found.find("/srv/a", "/index.php5") == nullptr);
  CHECK(found.find("/srv/a", "/x/index.php") == nullptr);
  CHECK(found.find("/srv/aa", "index.php") == nullptr);
}

// The names in a folder, and what links in it and on the way to it may show.
#include "proxy/net/folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "net_fixture.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

namespace {

struct Tree : TempFolder {
  std::string root = path + "/public";
  bool is_root = ::geteuid() == 0;

  Tree() {
    ::chmod(path.c_str(), 0755);
    std::filesystem::create_directories(root + "/sub");
    std::ofstream(path + "/outside") << "outside";
    std::ofstream(root + "/file") << "four";
  }
  void link(const std::string& text, const std::string& name, uid_t owner) const {
    std::filesystem::create_symlink(text, root + name);
    if (is_root) REQUIRE(::lchown((root + name).c_str(), owner, owner) == 0);
  }
  // "name size linked_path", a folder's with a slash in place of the size; or why not.
  std::string list(const char* below, LinkRule rule = LinkRule::owner, std::size_t most = 100) const {
    const FolderEntries folder = list_folder(root, below, most, rule);
    if (folder.kind == FileKind::link_refused) return "refused";
    if (folder.kind == FileKind::forbidden) return "forbidden";
    if (folder.kind != FileKind::directory) return std::string(folder.error.name());
    std::vector<std::string> lines;
    for (const FolderEntry& each : folder.entries)
      lines.push_back(each.name + (each.folder ? "/" : " " + std::to_string(each.size)) +
                      (each.linked_path.empty() ? "" : " " + each.linked_path));
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& line : lines) out += line + ";";
    return out + (folder.more ? "more" : "");
  }
};

}  // namespace

TEST_CASE("list_folder: files and folders, links told by where they lead") {
  Tree tree;
  CHECK(tree.list("/") == "file 4;sub/;");
  tree.link("file", "/alias", 0);
  tree.link("sub", "/folder", 0);
  tree.link("../outside", "/out", 0);
  tree.link("nowhere", "/dangling", 0);
  REQUIRE(::mkfifo((tree.root + "/pipe").c_str(), 0644) == 0);
  CHECK(tree.list("/") == "alias 4 /file;file 4;folder/ /sub;out 7 /outside;sub/;");
  CHECK(tree.list("/folder/").empty());
  CHECK(tree.list("/sub/").empty());
  CHECK(tree.list("/none/") == "ENOENT");
  CHECK(tree.list("/file/") == "ENOTDIR");
  CHECK(tree.list("/", LinkRule::owner, 0) == "more");
}

TEST_CASE("list_folder: neither through nor of a link that is not followed") {
  Tree tree;
  if (!tree.is_root) return;
  tree.link("../outside", "/stolen", kPhp);
  tree.link("/etc", "/etc", kPhp);
  tree.link("..", "/up", kPhp);
  tree.link("/proc/self/root", "/proc", kPhp);
  CHECK(tree.list("/") == "file 4;sub/;");
  for (const char* path : {"/etc/", "/etc/ssl/", "/up/", "/proc/"}) {
    CAPTURE(path);
    CHECK(tree.list(path) == "refused");
  }
  CHECK(tree.list("/up/", LinkRule::all) == "outside 7;public/;");
  CHECK(tree.list("/", LinkRule::all).find("stolen 7 /outside;") != std::string::npos);
}

TEST_CASE("list_folder: root lists only what everybody may") {
  Tree tree;
  if (!tree.is_root) return;
  ::chmod((tree.root + "/sub").c_str(), 0700);
  tree.link("sub", "/folder", 0);
  CHECK(tree.list("/sub/") == "forbidden");
  CHECK(tree.list("/folder/") == "forbidden");
}

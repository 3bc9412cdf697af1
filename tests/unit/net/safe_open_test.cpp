// Symbolic links: followed only where their owner could go himself. Owners are given by root; run as somebody
// else, only what one owner can show is tested.
#include "proxy/net/safe_open.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <thread>

#include "net_fixture.h"
#include "proxy/net/static_file.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

namespace {

constexpr uid_t kOther = 34;

struct LinkedSite : TempFolder {
  std::string root = path + "/public";
  bool is_root = ::geteuid() == 0;

  LinkedSite() {
    ::chmod(path.c_str(), 0755);
    std::filesystem::create_directories(root + "/dir");
    std::filesystem::create_directories(path + "/storage/sub");
    write(root + "/file", "file");
    write(root + "/dir/inner", "inner");
    write(path + "/secret", "secret");
    write(path + "/storage/photo", "photo");
    write(path + "/storage/sub/deep", "deep");
  }
  static void write(const std::string& name, const std::string& text) {
    std::ofstream(name, std::ios::binary) << text;
    ::chmod(name.c_str(), 0644);
  }
  void link(const std::string& text, const std::string& name, uid_t owner) const {
    std::filesystem::create_symlink(text, root + name);
    own(root + name, owner);
  }
  void own(const std::string& name, uid_t owner) const {
    if (is_root) REQUIRE(::lchown(name.c_str(), owner, owner) == 0);
  }

  // What is read, or why not.
  std::string get(const std::string& name, LinkRule rule = LinkRule::owner) const {
    const SafeOpen opened = open_below(root, name, rule);
    if (opened.fd < 0) return opened.link_refused ? "refused" : std::string(Error{opened.error}.name());
    char text[64];
    const ssize_t size = ::read(opened.fd, text, sizeof text);
    ::close(opened.fd);
    return std::string(text, size < 0 ? 0 : static_cast<std::size_t>(size));
  }
};

}  // namespace

TEST_CASE("links of the owner of what they lead to, and root's, are followed; others are not") {
  LinkedSite site;
  if (!site.is_root) return;
  site.own(site.path + "/storage", kPhp);
  site.own(site.path + "/storage/photo", kPhp);
  site.link("../storage/photo", "/own", kPhp);
  site.link(site.path + "/storage/photo", "/absolute", kPhp);
  site.link("../storage", "/storage", kPhp);
  site.link("../secret", "/stolen", kPhp);
  site.link("/etc/shadow", "/shadow", kPhp);
  site.link("../secret", "/given", 0);
  site.link("file", "/inside", kOther);
  CHECK(site.get("/file") == "file");
  CHECK(site.get("/own") == "photo");
  CHECK(site.get("/absolute") == "photo");
  CHECK(site.get("/storage/photo") == "photo");
  CHECK(site.get("/given") == "secret");
  for (const char* name : {"/stolen", "/shadow", "/inside"}) {
    CAPTURE(name);
    CHECK(site.get(name) == "refused");
  }
  CHECK(site.get("/stolen", LinkRule::all) == "secret");
  CHECK(site.get("/inside", LinkRule::all) == "file");
  // Below a folder that may be entered by a link, the files are whose they are.
  CHECK(site.get("/storage/sub/deep") == "deep");
}

TEST_CASE("every link on the way is judged, however deep it lies") {
  LinkedSite site;
  if (!site.is_root) return;
  site.own(site.path + "/storage", kPhp);
  // A link of root's leads into php's folder, and from there a link of php's out again.
  site.link("../storage", "/storage", 0);
  std::filesystem::create_symlink("../secret", site.path + "/storage/out");
  site.own(site.path + "/storage/out", kPhp);
  CHECK(site.get("/storage/photo") == "photo");
  CHECK(site.get("/storage/out") == "refused");
  // By name: a link of php's that ends in a link of root's to root's file.
  site.link("../secret", "/roots", 0);
  site.link("roots", "/detour", kPhp);
  CHECK(site.get("/roots") == "secret");
  CHECK(site.get("/detour") == "refused");
  // In the middle of a link's text.
  site.link("storage/out", "/through", 0);
  CHECK(site.get("/through") == "refused");
  // Folders too.
  site.link("../storage/sub", "/sub", kPhp);
  CHECK(site.get("/sub/deep") == "refused");
  site.own(site.path + "/storage/sub", kPhp);
  CHECK(site.get("/sub/deep") == "deep");
  site.link("..", "/up", kPhp);
  CHECK(site.get("/up/secret") == "refused");
  site.link("/", "/all", kPhp);
  CHECK(site.get("/all/etc/passwd") == "refused");
}

TEST_CASE("the links of the root's own path are not judged") {
  LinkedSite site;
  std::filesystem::create_directories(site.path + "/releases/1");
  LinkedSite::write(site.path + "/releases/1/page", "one");
  std::filesystem::create_symlink("releases/1", site.path + "/current");
  site.own(site.path + "/current", kPhp);
  site.root = site.path + "/current";
  CHECK(site.get("/page") == "one");
  std::filesystem::create_symlink("page", site.path + "/releases/1/link");
  CHECK(site.get("/link") == "one");
  CHECK(site.get("/link/x") == "ENOTDIR");
  CHECK(site.get("/none") == "ENOENT");
}

TEST_CASE("what is no file is none behind a link either, and loops end") {
  LinkedSite site;
  site.link("loop", "/loop", 0);
  site.link("dir", "/folder", 0);
  site.link("none", "/dangling", 0);
  site.link("file", "/link", 0);
  REQUIRE(::mkfifo((site.root + "/pipe").c_str(), 0644) == 0);
  site.link("pipe", "/to_pipe", 0);
  CHECK(site.get("/loop") == "ELOOP");
  CHECK(site.get("/folder") == "EISDIR");
  CHECK(site.get("/folder/inner") == "inner");
  CHECK(site.get("/folder//./inner") == "inner");
  CHECK(site.get("/dangling") == "ENOENT");
  CHECK(site.get("/to_pipe") == "ENXIO");
  CHECK(site.get("/link/more") == "ENOTDIR");
  CHECK(site.get("/link/") == "file");  // a router's path has no slash there
  std::string chain = "file";
  for (int i = 1; i <= 41; ++i) {
    site.link(chain, "/chain" + std::to_string(i), 0);
    chain = "chain" + std::to_string(i);
  }
  CHECK(site.get("/chain40") == "file");
  CHECK(site.get("/chain41") == "ELOOP");
  CHECK(open_below("", site.root.substr(1) + "/link", LinkRule::owner).linked_path == site.root + "/file");
}

TEST_CASE(
    "what links led to tells its own names: below the root all, else from what the last link leads to") {
  LinkedSite site;
  std::filesystem::create_directories(site.root + "/.git/refs");
  LinkedSite::write(site.root + "/.git/config", "config");
  LinkedSite::write(site.root + "/.git/refs/head", "head");
  std::filesystem::create_directories(site.path + "/.data/.git");
  LinkedSite::write(site.path + "/.data/.git/config", "config");
  std::filesystem::create_symlink(".git", site.path + "/.data/git");
  site.link("../storage", "/storage", 0);
  site.link("file", "/alias.txt", 0);
  site.link("../alias.txt", "/dir/alias", 0);
  site.link(".git", "/git", 0);
  site.link("dir/../git/refs/../config", "/winding", 0);
  site.link(site.root + "/.git/config", "/absolute", 0);
  site.link("../public/.git", "/out_and_in", 0);
  site.link("/", "/all", 0);
  site.link(".", "/self", 0);
  site.link("../.data/.git", "/outer", 0);
  site.link(site.path + "/.data", "/data", 0);
  site.link("../../.data/git", "/dir/twice", 0);
  site.link("../dir/../../.data/../storage/sub", "/dir/sub", 0);
  site.link("dir/twice/../git", "/chain", 0);
  std::filesystem::create_symlink("../.git/../.git", site.path + "/.data/.git/loop");
  for (const LinkRule rule : {LinkRule::owner, LinkRule::all}) {
    const auto path = [&](const char* name) { return StaticFile(site.root, name, rule).linked_path(); };
    CHECK(path("/file").empty());
    CHECK(path("/.git/config").empty());
    CHECK(path("/alias.txt") == "/file");
    CHECK(path("/dir/alias") == "/file");
    CHECK(path("/storage/photo") == "/storage/photo");
    CHECK(path("/storage/sub/deep") == "/storage/sub/deep");
    CHECK(path("/git/config") == "/.git/config");
    CHECK(path("/git/refs/head") == "/.git/refs/head");
    CHECK(path("/git") == "/.git");  // a folder
    CHECK(path("/winding") == "/.git/config");
    CHECK(path("/absolute") == "/.git/config");
    CHECK(path("/out_and_in/config") == "/.git/config");
    CHECK(path(("/all" + site.root + "/.git/config").c_str()) == "/.git/config");
    CHECK(path("/all/etc/passwd") == "/etc/passwd");
    CHECK(path("/self/self/file") == "/file");
    CHECK(path("/self") == "/");
    CHECK(path("/outer/config") == "/.git/config");
    CHECK(path("/data/.git/config") == "/.data/.git/config");
    CHECK(path("/data/git/config") == "/.data/.git/config");
    CHECK(path("/dir/twice/config") == "/.git/config");
    CHECK(path("/dir/sub/deep") == "/sub/deep");
    CHECK(path("/chain/config") == "/.git/config");
    CHECK(path("/chain/loop/config") == "/.git/config");
    // By a root that is reached through a link.
    std::filesystem::remove(site.path + "/current");
    std::filesystem::create_symlink("public", site.path + "/current");
    const std::string current = site.path + "/current";
    CHECK(StaticFile(current, "/file", rule).linked_path().empty());
    CHECK(StaticFile(current, "/git/config", rule).linked_path() == "/.git/config");
    CHECK(StaticFile(current, "/absolute", rule).linked_path() == "/.git/config");
  }
}

TEST_CASE("a folder is opened by the same rules as a file") {
  LinkedSite site;
  const auto open = [&](const char* path, LinkRule rule = LinkRule::owner) {
    const SafeOpen opened = open_folder_below(site.root, path, rule);
    if (opened.fd < 0) return opened.link_refused ? "refused" : std::string(Error{opened.error}.name());
    ::close(opened.fd);
    return "open " + opened.linked_path;
  };
  site.link("../storage", "/storage", 0);
  CHECK(open("/") == "open ");
  CHECK(open("/dir/") == "open ");
  CHECK(open("/storage/") == "open /storage");
  CHECK(open("/storage/sub/") == "open /storage/sub");
  CHECK(open("/file") == "ENOTDIR");
  CHECK(open("/storage/photo") == "ENOTDIR");
  CHECK(open("/none/") == "ENOENT");
  if (!site.is_root) return;
  site.link("..", "/up", kPhp);
  site.link("/proc/self/root", "/proc", kPhp);
  site.link("/etc", "/etc", kPhp);
  for (const char* path : {"/up/", "/proc/", "/etc/", "/etc/ssl/"}) {
    CAPTURE(path);
    CHECK(open(path) == "refused");
    CHECK(open(path, LinkRule::all).starts_with("open /"));
  }
}

TEST_CASE("a name that turns from a file into a link again and again never gives what the link must not") {
  LinkedSite site;
  if (!site.is_root) return;
  const std::string name = site.root + "/flips";
  const std::string ours = site.root + "/flips.file";
  const std::string link = site.root + "/flips.link";
  std::atomic<bool> stop = false;
  std::thread flipper([&] {
    while (!stop) {
      LinkedSite::write(ours, "harmless");
      ::rename(ours.c_str(), name.c_str());
      (void)!::symlink("../secret", link.c_str());
      (void)!::lchown(link.c_str(), kPhp, kPhp);
      ::rename(link.c_str(), name.c_str());
    }
  });
  int files = 0;
  int refused = 0;
  for (int i = 0; i < 200000 && (i < 2000 || files < 20 || refused < 20); ++i) {
    const std::string got = site.get("/flips");
    files += got == "harmless" ? 1 : 0;
    refused += got == "refused" ? 1 : 0;
    if (got == "secret") {
      FAIL("the secret was read");
      break;
    }
  }
  stop = true;
  flipper.join();
  CHECK(files > 0);
  CHECK(refused > 0);
}

TEST_CASE("root serves only what everybody may read") {
  LinkedSite site;
  if (!site.is_root) return;
  for (const auto& each : {std::pair{0000, FileKind::forbidden}, std::pair{0600, FileKind::forbidden},
                           std::pair{0640, FileKind::forbidden}, std::pair{0644, FileKind::regular},
                           std::pair{0604, FileKind::regular}}) {
    const int mode = each.first;
    const FileKind kind = each.second;
    CAPTURE(mode);
    ::chmod((site.root + "/file").c_str(), static_cast<mode_t>(mode));
    const StaticFile file(site.root, "/file");
    CHECK(file.info().kind == kind);
    CHECK(file.is_open() == (kind == FileKind::regular));
  }
}

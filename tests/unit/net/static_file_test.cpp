// Static files: what a path is, and its bytes.
#include "proxy/net/static_file.h"

#include <sys/stat.h>

#include <fstream>

#include "net_fixture.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

namespace {

struct Site : TempFolder {
  std::string root = path + "/public";
  std::string bytes = pattern(100000);
  Site() {
    std::filesystem::create_directories(root + "/css");
    std::filesystem::create_directories(path + "/storage");
    write(root + "/css/app.css", bytes);
    write(root + "/empty", "");
    write(path + "/storage/photo", "a photo");
    std::filesystem::create_symlink("../storage", root + "/storage");
    std::filesystem::create_symlink("loop", root + "/loop");
    REQUIRE(::mkfifo((root + "/pipe").c_str(), 0600) == 0);
    ::close(raw_listen_unix(root + "/sock"));
  }
  static void write(const std::string& name, const std::string& text) {
    std::ofstream(name, std::ios::binary) << text;
  }
};

}  // namespace

TEST_CASE("what a path is, opened or only looked at") {
  Site site;
  const auto kind = [&](std::string_view path) {
    const StaticFile file(site.root, path);
    const FileKind opened = file.info().kind;
    CHECK(opened == file_info(site.root, path).kind);
    CHECK(file.is_open() == (opened == FileKind::regular));
    return opened;
  };
  CHECK(kind("/css/app.css") == FileKind::regular);
  CHECK(kind("/empty") == FileKind::regular);
  CHECK(kind("/") == FileKind::directory);
  CHECK(kind("/css") == FileKind::directory);
  CHECK(kind("/css/") == FileKind::directory);
  CHECK(kind("/storage/photo") == FileKind::regular);  // through a link that leads out of the root
  CHECK(kind("/pipe") == FileKind::other);             // and does not wait for a writer
  CHECK(kind("/sock") == FileKind::other);
  CHECK(kind("/nothing") == FileKind::missing);
  CHECK(kind("/css/app.css/more") == FileKind::missing);
  CHECK(kind("/loop") == FileKind::missing);
  CHECK(kind("/" + std::string(300, 'x')) == FileKind::missing);
  CHECK(kind("/" + std::string(5000, 'x')) == FileKind::missing);
  CHECK(kind(std::string_view("/css/app.css\0.php", 17)) == FileKind::missing);
}

TEST_CASE("dot-dot components are refused, dots in names are not") {
  Site site;
  Site::write(site.root + "/..name", "1");
  Site::write(site.root + "/name..", "2");
  Site::write(site.root + "/a..b", "3");
  for (const char* path : {"/../storage/photo", "/css/../empty", "/css/..", "..", "/.."}) {
    CHECK(file_info(site.root, path).kind == FileKind::missing);
    CHECK_FALSE(StaticFile(site.root, path).is_open());
  }
  for (const char* path : {"/..name", "/name..", "/a..b"}) {
    CHECK(file_info(site.root, path).kind == FileKind::regular);
  }
}

TEST_CASE("no permission") {
  Site site;
  std::filesystem::permissions(site.path, std::filesystem::perms(0755));
  ::chmod((site.root + "/empty").c_str(), 0);
  const bool is_root = ::geteuid() == 0;  // who may read everything: be nobody for a moment
  if (is_root) REQUIRE(::seteuid(65534) == 0);
  const StaticFile file(site.root, "/empty");
  if (is_root) REQUIRE(::seteuid(0) == 0);
  CHECK(file.info().kind == FileKind::forbidden);
  CHECK(file.info().error.name() == "EACCES");
  CHECK_FALSE(file.is_open());
}

TEST_CASE("size, time and identity") {
  Site site;
  struct stat status {};
  REQUIRE(::stat((site.root + "/css/app.css").c_str(), &status) == 0);
  const StaticFile file(site.root + "/", "/css/app.css");  // a root with a slash at its end is the same root
  for (const FileInfo& info : {file.info(), file_info(site.root, "css/app.css")}) {
    CHECK(info.size == site.bytes.size());
    CHECK(info.inode == status.st_ino);
    CHECK(info.device == status.st_dev);
    CHECK(info.modified_seconds == status.st_mtim.tv_sec);
    CHECK(info.modified_nanoseconds == static_cast<std::uint32_t>(status.st_mtim.tv_nsec));
  }
}

TEST_CASE("reading by piece, past the end, and of a file that shrank") {
  Site site;
  StaticFile file(site.root, "/css/app.css");
  std::string out = "+";
  REQUIRE(file.read(10, 20, out));
  CHECK(out == "+" + site.bytes.substr(10, 20));
  out.clear();
  while (out.size() < site.bytes.size()) REQUIRE(file.read(out.size(), 4099, out));
  CHECK(out == site.bytes);
  out.clear();
  REQUIRE(file.read(site.bytes.size() - 3, 10, out));
  CHECK(out == site.bytes.substr(site.bytes.size() - 3));
  REQUIRE(file.read(site.bytes.size(), 10, out));
  CHECK(out.size() == 3);
  std::filesystem::resize_file(site.root + "/css/app.css", 5);
  out.clear();
  REQUIRE(file.read(0, 10, out));
  CHECK(out.size() == 5);

  StaticFile moved = std::move(file);
  CHECK(moved.is_open());
  CHECK_FALSE(file.is_open());  // NOLINT: what is left of it is defined
  CHECK_FALSE(file.read(0, 1, out));
  file = std::move(moved);
  CHECK(file.is_open());
  CHECK_FALSE(StaticFile(site.root, "/nothing").read(0, 1, out));
}

// The private folder: gone at its owner's end, and found by the next where that end was sudden; nothing else
// is touched.
#include "proxy/fpm/private_folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

struct Base {
  std::string path = "/tmp/private-folder-test-XXXXXX";
  Base() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Base() { fs::remove_all(path); }
};

// As a killed process leaves it.
std::string leftover(const Base& base, const std::string& name = "holdfast-php-abc123") {
  const std::string folder = base.path + "/" + name;
  REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
  for (const char* file : {"/lock", "/php-fpm.conf", "/php-fpm.sock", "/php-fpm.log"}) {
    std::ofstream(folder + file) << "x";
  }
  return folder;
}

}  // namespace

TEST_CASE("made for its owner, removed with its files") {
  Base base;
  std::string error, path;
  {
    PrivateFolder folder;
    REQUIRE_MESSAGE(folder.make(base.path, error), error);
    path = folder.path();
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    std::ofstream(path + "/php-fpm.conf") << "x";
    // Its owner lives: another one leaves it alone.
    CHECK(remove_left_folders(base.path) == 0);
    CHECK(fs::exists(path + "/php-fpm.conf"));
  }
  CHECK(fs::is_empty(base.path));
}

TEST_CASE("no folder can be made") {
  PrivateFolder folder;
  std::string error;
  CHECK_FALSE(folder.make("/nowhere/at/all", error));
  CHECK(error == "cannot make a folder for php-fpm in /nowhere/at/all: No such file or directory");
  CHECK(folder.path().empty());
  CHECK(remove_left_folders("/nowhere/at/all") == 0);
}

TEST_CASE("leftovers are removed, whatever their number") {
  Base base;
  leftover(base);
  leftover(base, "holdfast-php-XyZ789");
  CHECK(remove_left_folders(base.path) == 2);
  CHECK(fs::is_empty(base.path));
}

TEST_CASE("what is not a leftover stays") {
  Base base;
  std::string folder;
  SUBCASE("another name") {
    folder = leftover(base, "holdfast-php-abc1234");
  }
  SUBCASE("another prefix") {
    folder = leftover(base, "holdfast-web-abc123");
  }
  SUBCASE("no lock") {
    folder = leftover(base);
    fs::remove(folder + "/lock");
  }
  SUBCASE("a folder that others may look into") {
    folder = leftover(base);
    ::chmod(folder.c_str(), 0755);
  }
  SUBCASE("another user's") {
    folder = leftover(base);
    if (::geteuid() != 0) return;
    REQUIRE(::chown(folder.c_str(), 65534, 65534) == 0);
  }
  SUBCASE("a lock that is a symbolic link") {
    folder = leftover(base);
    fs::remove(folder + "/lock");
    fs::create_symlink(folder + "/php-fpm.conf", folder + "/lock");
  }
  SUBCASE("a lock that is held") {
    folder = leftover(base);
    const int held = ::open((folder + "/lock").c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::flock(held, LOCK_EX | LOCK_NB) == 0);
    CHECK(remove_left_folders(base.path) == 0);
    CHECK(fs::exists(folder + "/php-fpm.conf"));
    ::close(held);
    CHECK(remove_left_folders(base.path) == 1);
    return;
  }
  CHECK(remove_left_folders(base.path) == 0);
  CHECK(fs::exists(folder + "/php-fpm.conf"));
}

TEST_CASE("a symbolic link to a leftover is not followed") {
  Base base, other;
  const std::string folder = leftover(other);
  fs::create_directory_symlink(folder, base.path + "/holdfast-php-abc123");
  CHECK(remove_left_folders(base.path) == 0);
  CHECK(fs::exists(folder + "/php-fpm.conf"));
}

TEST_CASE("a file of another kind in it stays, and so does the folder") {
  Base base;
  const std::string folder = leftover(base);
  std::ofstream(folder + "/notes.txt") << "mine";
  CHECK(remove_left_folders(base.path) == 0);
  CHECK(fs::exists(folder + "/notes.txt"));
}

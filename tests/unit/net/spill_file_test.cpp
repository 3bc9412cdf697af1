// Spill files: bytes come back whole, the budget holds at its edges, nothing is left behind.
#include "proxy/net/spill_file.h"

#include <sys/resource.h>

#include <csignal>

#include "net_fixture.h"

using namespace holdfast::net;
using namespace holdfast::net::test;

namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

std::string read(holdfast::core::SpillFile& file, std::uint64_t offset, std::size_t bytes_max) {
  std::string out = "+";  // read() appends
  CHECK(file.read(offset, bytes_max, out));
  return out.substr(1);
}

}  // namespace

TEST_CASE("bytes come back from anywhere, in any piece") {
  TempFolder folder;
  DiskSpillStore store(folder.path, 100 * kMiB);
  std::string error;
  auto file = store.create(error);
  REQUIRE(file != nullptr);
  CHECK(std::filesystem::is_empty(folder.path));  // it has no name
  const std::string bytes = pattern(300000);
  for (std::size_t at = 0; at < bytes.size(); at += 777) {
    REQUIRE(file->append(std::string_view(bytes).substr(at, 777)));
  }
  CHECK(file->append(""));
  CHECK(store.bytes_in_use() == bytes.size());
  CHECK(read(*file, 0, bytes.size()) == bytes);
  CHECK(read(*file, 0, bytes.size() + 1) == bytes);
  CHECK(read(*file, 12345, 678) == bytes.substr(12345, 678));
  CHECK(read(*file, bytes.size() - 1, 10) == bytes.substr(bytes.size() - 1));
  CHECK(read(*file, bytes.size(), 10).empty());
  CHECK(read(*file, bytes.size() + 5, 10).empty());
  CHECK(read(*file, 5, 0).empty());
  std::string whole;
  while (whole.size() < bytes.size()) CHECK(file->read(whole.size(), 4097, whole));
  CHECK(whole == bytes);
  CHECK(store.open_files() == 1);
  file.reset();
  CHECK(store.bytes_in_use() == 0);
  CHECK(store.open_files() == 0);
}

TEST_CASE("the budget is one for all files: at it, one below, one above") {
  TempFolder folder;
  DiskSpillStore store(folder.path, 1000);
  std::string error;
  auto first = store.create(error);
  auto second = store.create(error);
  REQUIRE(first != nullptr);
  REQUIRE(second != nullptr);
  CHECK(first->append(std::string(600, 'a')));
  CHECK(second->append(std::string(399, 'b')));
  SUBCASE("at") {
    CHECK(second->append("b"));
  }
  SUBCASE("above") {
    CHECK_FALSE(second->append("bb"));
  }
  SUBCASE("a refused append ends that file, not the other") {
    CHECK_FALSE(second->append(std::string(2, 'b')));
    CHECK_FALSE(second->append("b"));
    CHECK(store.bytes_in_use() == 999);
    CHECK(read(*second, 0, 1000) == std::string(399, 'b'));
    CHECK(first->append("a"));
  }
  SUBCASE("destroying one gives its share back") {
    first.reset();
    CHECK(store.bytes_in_use() == 399);
    CHECK(second->append(std::string(601, 'b')));
    CHECK_FALSE(second->append("b"));
  }
}

TEST_CASE("other limits hold for what comes; what is stored stays") {
  TempFolder folder, other;
  DiskSpillStore store(folder.path, 1000);
  std::string error;
  auto file = store.create(error);
  REQUIRE(file != nullptr);
  CHECK(file->append(std::string(900, 'a')));
  SUBCASE("less than is in use") {
    store.set_limits(folder.path, 500);
    CHECK_FALSE(file->append("a"));
    CHECK(read(*file, 0, 1000) == std::string(900, 'a'));
    file.reset();
    auto next = store.create(error);
    CHECK(next->append(std::string(500, 'b')));
    CHECK_FALSE(next->append("b"));
  }
  SUBCASE("more") {
    store.set_limits(folder.path, 2000);
    CHECK(file->append(std::string(1100, 'a')));
    CHECK_FALSE(file->append("a"));
  }
  SUBCASE("another folder") {
    store.set_limits("/nowhere/at/all", 1000);
    CHECK(store.create(error) == nullptr);
    CHECK(error.starts_with("/nowhere/at/all: "));
    store.set_limits(other.path, 1000);
    auto next = store.create(error);
    REQUIRE(next != nullptr);
    CHECK(next->append("b"));
    CHECK(file->append("a"));
  }
}

TEST_CASE("no budget at all") {
  TempFolder folder;
  DiskSpillStore store(folder.path, 0);
  std::string error;
  auto file = store.create(error);
  REQUIRE(file != nullptr);
  CHECK(file->append(""));
  CHECK_FALSE(file->append("x"));
}

TEST_CASE("discarding gives whole mebibytes back and keeps the rest readable") {
  TempFolder folder;
  DiskSpillStore store(folder.path, 3 * kMiB);
  std::string error;
  auto file = store.create(error);
  REQUIRE(file != nullptr);
  const std::string bytes = pattern(3 * kMiB);
  REQUIRE(file->append(bytes));
  file->discard_before(kMiB - 1);
  CHECK(store.bytes_in_use() == 3 * kMiB);
  file->discard_before(kMiB);
  if (store.bytes_in_use() == 3 * kMiB) {
    MESSAGE("this file system cannot punch holes");
    return;
  }
  CHECK(store.bytes_in_use() == 2 * kMiB);
  file->discard_before(2 * kMiB + 17);
  CHECK(store.bytes_in_use() == kMiB);
  file->discard_before(5);  // backwards: nothing
  CHECK(read(*file, 2 * kMiB, kMiB) == bytes.substr(2 * kMiB));
  std::string out = "kept";
  CHECK_FALSE(file->read(2 * kMiB - 1, 10, out));  // given away
  CHECK(out == "kept");
  // The room can be used again, by the same file too.
  CHECK(file->append(std::string(2 * kMiB, 'z')));
  CHECK(store.bytes_in_use() == 3 * kMiB);
  CHECK(read(*file, 5 * kMiB - 3, 10) == "zzz");
  file->discard_before(100 * kMiB);  // past the end
  CHECK(store.bytes_in_use() == 0);
}

TEST_CASE("a full disk is a failure, not an end") {
  TempFolder folder;
  DiskSpillStore store(folder.path, 100 * kMiB);
  std::string error;
  auto file = store.create(error);
  REQUIRE(file != nullptr);
  // RLIMIT_FSIZE stands in for the disk: write(2) takes what fits, then fails (EFBIG).
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 10000;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0);
  CHECK(file->append(std::string(9999, 'x')));
  CHECK_FALSE(file->append("yy"));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  CHECK_FALSE(file->append("y"));  // a hole in a body would be worse than none
  CHECK(store.bytes_in_use() == 10000);
  CHECK(read(*file, 9998, 5).substr(0, 1) == "x");
  file.reset();
  CHECK(store.bytes_in_use() == 0);
}

TEST_CASE("a folder that is not there") {
  DiskSpillStore store("/nowhere/at/all", kMiB);
  std::string error;
  CHECK(store.create(error) == nullptr);
  CHECK(error == "/nowhere/at/all: no spill file can be made here: ENOENT: no such file or directory");
}

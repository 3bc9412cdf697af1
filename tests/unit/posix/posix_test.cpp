// Unix addresses at their limits, and connections that are there, refused, full and unknown.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "proxy/posix/blocking_connect.h"
#include "proxy/posix/unix_address.h"

using namespace holdfast;
using namespace holdfast::posix;
using namespace std::chrono_literals;

TEST_CASE("a path at the limit, one below, one above") {
  const std::string longest(kUnixPathMost, 'x');
  for (const std::string& path : {longest, longest.substr(1), std::string("/run/a.sock")}) {
    const auto address = unix_address(path);
    REQUIRE(address);
    CHECK(address->address.sun_family == AF_UNIX);
    CHECK(std::string(address->address.sun_path) == path);
  }
  CHECK_FALSE(unix_address(longest + "x"));
  CHECK_FALSE(unix_address(""));
  CHECK_FALSE(unix_address(std::string("/run/a\0b", 8)));
}

TEST_CASE("an abstract name ends with the length") {
  const auto address = abstract_unix_address("org/notify");
  REQUIRE(address);
  CHECK(address->length == offsetof(sockaddr_un, sun_path) + 1 + 10);
  CHECK(address->address.sun_path[0] == '\0');
  CHECK(std::string(address->address.sun_path + 1) == "org/notify");
  CHECK(abstract_unix_address(std::string(kUnixPathMost, 'x')));
  CHECK_FALSE(abstract_unix_address(std::string(kUnixPathMost + 1, 'x')));
  CHECK_FALSE(abstract_unix_address(""));
}

TEST_CASE("connections to a Unix socket") {
  std::string folder = (std::filesystem::temp_directory_path() / "holdfast-posix-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const config::Address address{config::Address::Kind::unix_socket, {}, 0, folder + "/s"};
  ConnectFailure failure;
  CHECK(connect_within(address, 1s, failure) == -1);
  CHECK(failure.number == ENOENT);

  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto target = unix_address(address.path);
  REQUIRE(::bind(listener, target->get(), target->length) == 0);
  CHECK(connect_within(address, 1s, failure) == -1);
  CHECK(failure.number == ECONNREFUSED);

  REQUIRE(::listen(listener, 0) == 0);
  const int first = connect_within(address, 1s, failure);
  CHECK(first >= 0);
  CHECK(connect_within(address, 1s, failure) == -1);  // its backlog is full
  CHECK(failure.number == EAGAIN);
  CHECK(wait_for(first, POLLIN, std::chrono::steady_clock::now()) == Waited::timeout);
  ::close(first);
  ::close(listener);
  std::filesystem::remove_all(folder);
}

TEST_CASE("what cannot be connected to") {
  ConnectFailure failure;
  CHECK(connect_within({config::Address::Kind::unix_socket, {}, 0, std::string(200, 'x')}, 1s, failure) ==
        -1);
  CHECK(failure.number == ENAMETOOLONG);
  CHECK(connect_within({config::Address::Kind::tcp, "no such name", 1, {}}, 1s, failure) == -1);
  CHECK(failure.name_unknown);
  CHECK(failure.number == EHOSTUNREACH);
}

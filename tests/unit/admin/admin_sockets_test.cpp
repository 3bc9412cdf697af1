// How often the kernel's table of sockets is read for the admin endpoint.
#include "proxy/admin/admin_sockets.h"

#include <chrono>

#include <doctest/doctest.h>

namespace holdfast {

using namespace std::chrono_literals;

TEST_CASE("a reading costs at most one part in a hundred, and is never older than ten seconds") {
  CHECK(SocketCensus::rest_after(0ms) == 900ms);
  CHECK(SocketCensus::rest_after(9ms) == 900ms);
  CHECK(SocketCensus::rest_after(10ms) == 1s);
  CHECK(SocketCensus::rest_after(99ms) == 9900ms);
  CHECK(SocketCensus::rest_after(101ms) == 10s);
  CHECK(SocketCensus::rest_after(1min) == 10s);
}

}  // namespace holdfast

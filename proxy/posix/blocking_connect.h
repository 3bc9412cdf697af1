// A connection for commands, which have nothing else to do meanwhile. Never for the server's loop.
#pragma once

#include <poll.h>

#include <chrono>
#include <string>

#include "config/address.h"

namespace holdfast::posix {

struct ConnectFailure {
  int number = 0;  // errno; EHOSTUNREACH where the name is not known
  bool name_unknown = false;
  std::string text;
};

// A connected stream socket (non-blocking, close-on-exec), the caller's to close; or -1 with `failure`.
// Waits at most `limit` in all, the look-up of a name not counted, and tries each address that the name means.
[[nodiscard]] int connect_within(const config::Address& address, std::chrono::milliseconds limit,
                                 ConnectFailure& failure);

enum class Waited { ready, timeout, failed };
// Until one of `events` (poll(2)) is there for `fd`, or an error or the end of the connection.
Waited wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline);

}  // namespace holdfast::posix

// The limit of open files: each client and each upstream connection is one.
#pragma once

#include <cstdint>

namespace holdfast::net {

// Raises the soft RLIMIT_NOFILE to the hard one, which needs no privilege. Returns the limit that holds
// afterwards, also where it could not be raised.
std::uint64_t raise_fd_limit();

}  // namespace holdfast::net

// The soft limit is 1024 by tradition, for select(2)'s sake only; epoll does not need it.
#include "proxy/net/rlimit.h"

#include <sys/resource.h>

namespace holdfast::net {

std::uint64_t raise_fd_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return UINT64_MAX;  // not to be known: no reason to allow less
  rlimit raised = limit;
  raised.rlim_cur = limit.rlim_max;
  if (limit.rlim_cur != limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
  return limit.rlim_cur;
}

}  // namespace holdfast::net

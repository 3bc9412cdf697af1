// See standard_descriptors.h.
#include "proxy/posix/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace holdfast::posix {

void open_closed_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // Those below are open by now, so this one is the lowest that is free. Children inherit it: no O_CLOEXEC.
    if (::open("/dev/null", O_RDWR) < 0) return;
  }
}

}  // namespace holdfast::posix

// Where log lines go, without ever waiting for whoever reads them: stdout and stderr, whatever they are, or a
// file or FIFO named in the configuration. Never sets O_NONBLOCK on what others share with us: the shell that
// started us would find its own terminal changed.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast {

class LogOutput {
 public:
  virtual ~LogOutput() = default;
  // Takes what can be had without waiting: how many bytes that was, from the front. Fewer than all: the
  // reader is behind, or has gone.
  virtual std::size_t write(std::string_view lines) = 0;
  // The errno by which a file refused the last write (ENOSPC, EDQUOT, EFBIG, EIO); 0: it did not. Not that a
  // reader is behind.
  virtual int error() const { return 0; }
};

// STDOUT_FILENO or STDERR_FILENO. To be opened before privileges are dropped: a pipe or terminal gets a
// description of our own where we may open it.
std::unique_ptr<LogOutput> standard_output(int fd);

// Stdout and stderr of a server, replaced by descriptions of their own where that goes (pipes, terminals), so
// that not even the last words of an assertion wait for a reader.
void own_standard_streams();

// Lines are written to the descriptor, which is O_NONBLOCK, and closed with the object.
std::unique_ptr<LogOutput> owned_output(int fd);

}  // namespace holdfast

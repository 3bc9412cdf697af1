// Lines on their way to a log: held while the reader is behind, up to a limit; beyond it dropped and counted.
// Once a line was dropped all are, until the reader has caught up: one gap, that can be told of once. Both
// logs write through one of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/observe/log_output.h"

namespace holdfast {

class LogWriter {
 public:
  explicit LogWriter(std::size_t bytes_most) : bytes_most_(bytes_most) {}

  void use(std::shared_ptr<LogOutput> output) { output_ = std::move(output); }
  bool has_output() const { return output_ != nullptr; }

  // Is there room for a line? Then its maker appends it, whole, to lines(). Else it is counted.
  [[nodiscard]] bool admit();
  std::string& lines() { return lines_; }
  // Writes what was collected, as far as the reader takes it now. How many bytes it took.
  std::size_t flush();
  // Before another output is used: a line that was written in part is written whole there.
  void start_line_over() { begun_ = 0; }
  // The errno by which the output's file refused the last write; 0: it did not, or nothing waits.
  int error() const { return output_ == nullptr || lines_.empty() ? 0 : output_->error(); }
  // Forgets what was collected: it counts as dropped.
  void drop_all();

  bool pending() const { return !lines_.empty(); }
  std::uint64_t dropped() const { return dropped_; }
  // How many were dropped in a gap that is over and was not told of. 0: nothing to tell.
  std::uint64_t take_untold();

 private:
  std::size_t bytes_most_;
  std::shared_ptr<LogOutput> output_;
  std::string lines_;
  std::size_t begun_ = 0;  // bytes of the first line that were written already
  std::uint64_t dropped_ = 0;
  std::uint64_t untold_ = 0;
  bool in_gap_ = false;
};

}  // namespace holdfast

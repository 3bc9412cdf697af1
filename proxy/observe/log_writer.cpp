// See log_writer.h.
#include "proxy/observe/log_writer.h"

#include <algorithm>
#include <utility>

namespace holdfast {

bool LogWriter::admit() {
  in_gap_ = in_gap_ || lines_.size() >= bytes_most_;
  if (!in_gap_) return true;
  ++dropped_;
  ++untold_;
  return false;
}

std::size_t LogWriter::flush() {
  const std::size_t taken = lines_.empty() || output_ == nullptr ? 0 : output_->write(lines_);
  lines_.erase(0, taken);
  if (lines_.empty()) in_gap_ = false;
  return taken;
}

void LogWriter::drop_all() {
  const auto count = static_cast<std::uint64_t>(std::count(lines_.begin(), lines_.end(), '\n'));
  dropped_ += count;
  untold_ += count;
  lines_.clear();
  in_gap_ = false;
}

std::uint64_t LogWriter::take_untold() {
  return in_gap_ ? 0 : std::exchange(untold_, 0);
}

}  // namespace holdfast

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
  if (lines_.empty() || output_ == nullptr) return 0;
  const std::size_t taken = output_->write(std::string_view(lines_).substr(begun_));
  const std::size_t written = begun_ + taken;
  // A line stays until all of it is written.
  const std::size_t end = written == 0 ? std::string::npos : lines_.rfind('\n', written - 1);
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;
  lines_.erase(0, whole);
  begun_ = written - whole;
  if (lines_.empty()) in_gap_ = false;
  return taken;
}

void LogWriter::drop_all() {
  const auto count = static_cast<std::uint64_t>(std::count(lines_.begin(), lines_.end(), '\n'));
  dropped_ += count;
  untold_ += count;
  lines_.clear();
  begun_ = 0;
  in_gap_ = false;
}

std::uint64_t LogWriter::take_untold() {
  return in_gap_ ? 0 : std::exchange(untold_, 0);
}

}  // namespace holdfast

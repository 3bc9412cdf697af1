// A client's bytes that wait for their turn, taken from the front. Taking is O(1): a pipeline of a thousand
// requests is not copied a thousand times. The limit is its owner's: who holds enough does not read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::core {

class InputQueue {
 public:
  // Valid until the next append() or clear().
  std::string_view front() const { return std::string_view(bytes_).substr(taken_); }
  bool empty() const { return taken_ == bytes_.size(); }
  std::size_t size() const { return bytes_.size() - taken_; }

  void append(std::string_view bytes) {
    // Moved to the start once at least as much was taken: each byte at most once on average.
    if (taken_ > 0 && taken_ >= size()) {
      bytes_.erase(0, taken_);
      taken_ = 0;
    }
    bytes_.append(bytes);
  }
  // Forgets up to `bytes` bytes at the front; views of what is behind them stay valid.
  void drop(std::size_t bytes) { taken_ += std::min(bytes, size()); }
  // Gives its memory back, too.
  void clear() {
    std::string().swap(bytes_);
    taken_ = 0;
  }

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

}  // namespace holdfast::core

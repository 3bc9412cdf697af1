// What a fuzzer decides by: its input, piece by piece.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

// The rest of the fuzzer's input; zeros when it is used up.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ == size_; }
  std::size_t byte() { return empty() ? 0 : data_[at_++]; }
  std::string text(std::size_t length) {
    length = std::min(length, size_ - at_);
    std::string out(reinterpret_cast<const char*>(data_ + at_), length);
    at_ += length;
    return out;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

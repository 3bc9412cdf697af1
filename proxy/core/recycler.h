// Objects that come and go with each request, kept for the next one: a request on a kept connection allocates
// nothing. Nothing is freed before trim(), so that an object may be given back in a frame of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace holdfast::core {

template <class T>
class Recycler {
 public:
  explicit Recycler(std::size_t kept_most) : kept_most_(kept_most) { kept_.reserve(kept_most); }

  // One that was given back, or nullptr.
  std::unique_ptr<T> take() {
    if (kept_.empty()) return nullptr;
    std::unique_ptr<T> object = std::move(kept_.back());
    kept_.pop_back();
    return object;
  }
  void give_back(std::unique_ptr<T> object) { kept_.push_back(std::move(object)); }
  // Frees what is above `kept_most`.
  void trim() {
    while (kept_.size() > kept_most_) kept_.pop_back();
  }

 private:
  std::size_t kept_most_;
  std::vector<std::unique_ptr<T>> kept_;
};

}  // namespace holdfast::core

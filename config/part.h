// A part of the configuration that is held by its name alone: who hands the whole on, or looks into another
// part, is not built again with this one's keys.
#pragma once

#include <memory>
#include <utility>

namespace holdfast::config {

// A T of its own, as a member of this type would be: copied with its holder, const with it, equal by what it
// holds (std::indirect of C++26). Never empty, but for one that was moved from: that may only be destroyed or
// assigned to. T has to be a whole type only where a Part is made, copied, compared, destroyed or looked into.
template <class T>
class Part {
 public:
  Part() : value_(std::make_unique<T>()) {}
  explicit Part(const T& value) : value_(std::make_unique<T>(value)) {}
  Part(const Part& other) : value_(std::make_unique<T>(*other.value_)) {}
  Part(Part&& other) noexcept = default;
  Part& operator=(const Part& other) {
    value_ = std::make_unique<T>(*other.value_);  // a copy first: it may be this one's own
    return *this;
  }
  Part& operator=(Part&& other) noexcept = default;
  ~Part() = default;

  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }

  bool operator==(const Part& other) const { return *value_ == *other.value_; }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace holdfast::config

// See recent_texts.h.
#include "proxy/core/recent_texts.h"

#include <functional>
#include <utility>

namespace holdfast::core {

bool RecentTexts::is_new(std::string_view text, Time now) {
  if (now - window_start_ >= kWindow) {
    window_start_ = now;
    seen_.clear();
  }
  const bool has_room = seen_.size() < kTextsMost;
  if (has_room && seen_.insert(std::hash<std::string_view>()(text)).second) return true;
  ++held_back_;
  return false;
}

std::uint64_t RecentTexts::take_held_back() {
  return std::exchange(held_back_, 0);
}

}  // namespace holdfast::core

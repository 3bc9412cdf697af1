// Which routes of a site may match a path at all, by its last two bytes and the one behind its first slash:
// of the thirty routes of an application most are told by these, and are not looked at. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/core/path_pattern.h"

namespace holdfast::core {

class RouteFilter {
 public:
  static constexpr std::size_t kRoutesOfWord = 64;

  // For routes 0 to `routes` - 1.
  explicit RouteFilter(std::size_t routes)
      : words_((routes + kRoutesOfWord - 1) / kRoutesOfWord), bits_(3 * kKinds * words_) {}

  // One of the patterns of a route.
  void add(std::size_t route, const PathPattern& pattern) {
    const std::uint64_t bit = std::uint64_t{1} << (route % kRoutesOfWord);
    const std::size_t word = route / kRoutesOfWord;
    const auto first = pattern.first_bytes();
    const auto second_last = pattern.second_last_bytes();
    for (std::size_t byte = 0; byte < first.size(); ++byte) {
      if (first[byte]) bits_[at(kFirst, byte, word)] |= bit;
      if (second_last[byte]) bits_[at(kSecondLast, byte, word)] |= bit;
      if (pattern.last_bytes()[byte]) bits_[at(kLast, byte, word)] |= bit;
    }
  }

  std::size_t words() const { return words_; }

  // A bit for each of the routes from `word` * kRoutesOfWord on: 0 for one that does not match. `path`: as
  // PathPattern::matches() has it, not empty.
  std::uint64_t may_match(std::string_view path, std::size_t word) const {
    const bool has_name = path.size() > 1;
    return bits_[at(kFirst, has_name ? byte_of(path[1]) : 0, word)] &
           bits_[at(kLast, byte_of(path.back()), word)] &
           bits_[at(kSecondLast, has_name ? byte_of(path[path.size() - 2]) : 0, word)];
  }

 private:
  static constexpr std::size_t kKinds = 64;  // bytes with the same low bits are as one
  static constexpr std::size_t kFirst = 0;   // tables in bits_, as the next two
  static constexpr std::size_t kSecondLast = 1;
  static constexpr std::size_t kLast = 2;

  static std::size_t byte_of(char c) { return static_cast<unsigned char>(c); }
  std::size_t at(std::size_t table, std::size_t byte, std::size_t word) const {
    return (table * kKinds + byte % kKinds) * words_ + word;
  }

  std::size_t words_;
  std::vector<std::uint64_t> bits_;  // of each table words_ of each kind of byte
};

}  // namespace holdfast::core

// Descriptors that could not be had (EMFILE, ENFILE): counted by place, and told in the log, now and then.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/core/rare_line.h"
#include "proxy/net/stream.h"
#include "proxy/observe/log.h"

namespace holdfast {

class DescriptorWatch {
 public:
  enum class Place : std::uint8_t { accept, connect, file, spool };
  static constexpr std::size_t kPlaces = 4;
  static std::string_view place_name(Place place);

  explicit DescriptorWatch(Log& log) : log_(log) {}

  // Takes note where the error is one of these; tells whether it is.
  bool note(Place place, net::Error error, core::Time now);
  std::uint64_t failures(Place place) const { return failures_[static_cast<std::size_t>(place)]; }

 private:
  Log& log_;
  std::array<std::uint64_t, kPlaces> failures_{};
  std::array<core::RareLine, kPlaces> lines_;
};

}  // namespace holdfast

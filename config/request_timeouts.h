// How long a request waits for php, where its site or route says so.
#pragma once

#include <optional>

#include "config/duration.h"

namespace holdfast::config {

// In place of the pool's.
struct RequestTimeouts {
  std::optional<Duration> send;
  std::optional<Duration> first_byte;
  std::optional<Duration> idle_read;
  bool operator==(const RequestTimeouts&) const = default;
};

}  // namespace holdfast::config

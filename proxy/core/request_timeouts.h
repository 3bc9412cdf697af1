// How long one request waits for php, where its site or routes say so: in place of the pool's times.
#pragma once

#include <chrono>
#include <optional>

namespace holdfast::core {

struct RequestTimeouts {
  std::optional<std::chrono::milliseconds> send;
  std::optional<std::chrono::milliseconds> first_byte;
  std::optional<std::chrono::milliseconds> idle_read;
};

}  // namespace holdfast::core

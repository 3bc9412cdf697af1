// What is counted of web servers that speak FastCGI to us. Plain data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "fastcgi/server_fault.h"

namespace holdfast::core {

struct FastcgiCounts {
  std::uint64_t requests = 0;  // with all their parameters
  std::array<std::uint64_t, static_cast<std::size_t>(fastcgi::ServerFault::count_)> faults{};
  std::array<std::uint64_t, static_cast<std::size_t>(fastcgi::ServerRefusal::count_)> refusals{};

  void count(fastcgi::ServerFault fault) { ++faults[static_cast<std::size_t>(fault)]; }
  void count(fastcgi::ServerRefusal refusal) { ++refusals[static_cast<std::size_t>(refusal)]; }
};

}  // namespace holdfast::core

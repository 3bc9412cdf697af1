// Memory and spill files: of one request, and of the whole process.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::config {

struct Buffers {
  std::uint64_t request_memory = std::uint64_t{64} << 10;
  std::uint64_t response_memory = std::uint64_t{256} << 10;
  std::uint64_t response_head = std::uint64_t{64} << 10;  // php's response head, whole
  std::uint64_t memory_max = std::uint64_t{1} << 30;      // per process: of all clients together
  std::string spool_dir = "/tmp";
  std::uint64_t spool_max = std::uint64_t{1} << 30;  // per process: bytes in all spill files together
  bool operator==(const Buffers&) const = default;
};

}  // namespace holdfast::config

// The bytes of a file that an operator wrote.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace holdfast::config {

enum class Sources : std::uint8_t {
  any,    // pipes too, which may be waited for: holdfast check -c <(generate)
  files,  // regular ones and /dev/null, and nobody is waited for: a server may be at work meanwhile
};

struct FileBytes {
  std::string text;    // at most a little more than was asked for
  std::string reason;  // why it cannot be read; empty: it was
  int error = 0;       // the errno of it; 0: it is no file
};

// Reads `path` to its end, or until there are more than `bytes_most` bytes.
FileBytes read_file(const std::string& path, std::size_t bytes_most, Sources sources);

}  // namespace holdfast::config

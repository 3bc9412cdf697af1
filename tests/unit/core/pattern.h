// Bytes whose place can be told.
#pragma once

#include <cstddef>
#include <string>

inline std::string pattern(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>('a' + (i * 7 + i / 26) % 26));
  return text;
}

// What an emptied buffer keeps of its memory for the next use.
#pragma once

#include <cstddef>
#include <string>

namespace holdfast::core {

// Gives the memory back, with what is in it, if it is more than `most` bytes.
inline void shed(std::string& buffer, std::size_t most) {
  if (buffer.capacity() > most) std::string().swap(buffer);
}

}  // namespace holdfast::core

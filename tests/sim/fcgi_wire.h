// FastCGI as an application sees it, written from the specification alone and sharing no line with fastcgi/:
// a mistake there must not be met by the same mistake here.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

namespace holdfast::sim::wire {

// Record types.
inline constexpr int kBegin = 1;
inline constexpr int kEnd = 3;
inline constexpr int kParams = 4;
inline constexpr int kStdin = 5;
inline constexpr int kStdout = 6;
inline constexpr int kStderr = 7;
inline constexpr int kGetValues = 9;
inline constexpr int kResult = 10;

struct Header {
  int version = 0;
  int type = 0;
  int id = 0;
  std::size_t content = 0;
  std::size_t padding = 0;
};

inline std::size_t byte(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

inline Header header(std::string_view eight) {
  return {static_cast<int>(byte(eight, 0)), static_cast<int>(byte(eight, 1)),
          static_cast<int>(byte(eight, 2) * 256 + byte(eight, 3)), byte(eight, 4) * 256 + byte(eight, 5),
          byte(eight, 6)};
}

// `content` up to 65535 bytes; `padding` up to 255.
inline std::string record(int type, int id, std::string_view content, std::size_t padding = 0) {
  std::string out = {char(1),
                     static_cast<char>(type),
                     static_cast<char>(id / 256),
                     static_cast<char>(id % 256),
                     static_cast<char>(content.size() / 256),
                     static_cast<char>(content.size() % 256),
                     static_cast<char>(padding),
                     char(0)};
  out.append(content);
  return out.append(padding, '\x07');  // never zero: whoever takes it for a header must be found out
}

inline std::string end_request(int id, std::size_t padding = 0) {
  return record(kEnd, id, std::string_view("\0\0\0\0\0\0\0\0", 8), padding);
}

// Are these, from a boundary between records on, a request, or questions and a request behind them?
inline bool begins_request(std::string_view bytes) {
  while (bytes.size() >= 8 && header(bytes).type == kGetValues) bytes.remove_prefix(8);  // they are empty
  return bytes.size() >= 2 && byte(bytes, 1) == kBegin;
}

// From the same boundary on: does the application get to its script (the empty PARAMS record is there)?
inline bool begins_script(std::string_view bytes) {
  while (bytes.size() >= 8) {
    const Header next = header(bytes);
    if (next.type == kParams && next.content == 0) return true;
    bytes.remove_prefix(std::min(bytes.size(), 8 + next.content + next.padding));
  }
  return false;
}

// False when a pair is cut: php-fpm parses each record alone (php-fpm.md 4).
inline bool read_pairs(std::string_view content, std::map<std::string, std::string>& out) {
  const auto length = [&content](std::size_t& value) {
    if (content.empty()) return false;
    value = byte(content, 0);
    if (value < 128) {
      content.remove_prefix(1);
      return true;
    }
    if (content.size() < 4) return false;
    value = (value - 128) << 24 | byte(content, 1) << 16 | byte(content, 2) << 8 | byte(content, 3);
    content.remove_prefix(4);
    return true;
  };
  while (!content.empty()) {
    std::size_t name = 0;
    std::size_t value = 0;
    if (!length(name) || !length(value) || content.size() < name + value) return false;
    out[std::string(content.substr(0, name))] = std::string(content.substr(name, value));
    content.remove_prefix(name + value);
  }
  return true;
}

}  // namespace holdfast::sim::wire

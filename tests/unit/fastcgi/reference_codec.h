// An encoder and a decoder of FastCGI that share no line with fastcgi/: written from the specification alone,
// so that a mistake in the library cannot hide behind itself. Plain and slow. Also the cuts that every test
// of a reader goes through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reference {

inline std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

// One record. The padding is not zero: a reader that takes it for a header must be found out.
inline std::string record(int type, int id, std::string_view content, std::size_t padding = 0) {
  const int n = static_cast<int>(content.size());
  std::string out = bytes({1, type, id / 256, id % 256, n / 256, n % 256, static_cast<int>(padding), 0});
  out += content;
  return out.append(padding, '\x01');
}

inline std::string end_request(int id, int app_status = 0, int protocol_status = 0, std::size_t padding = 0) {
  return record(3, id, bytes({0, 0, app_status / 256, app_status % 256, protocol_status, 0, 0, 0}), padding);
}
inline std::string out(int id, std::string_view content, std::size_t padding = 0) {
  return record(6, id, content, padding);
}
inline std::string err(int id, std::string_view content, std::size_t padding = 0) {
  return record(7, id, content, padding);
}

struct Record {
  int version, type, id, padding, reserved;
  std::string content;
  bool operator==(const Record&) const = default;
};

// All records of `wire`. A record that is cut comes out with version -1.
inline std::vector<Record> decode(std::string_view wire) {
  std::vector<Record> records;
  const auto at = [&](std::size_t i) { return static_cast<int>(static_cast<unsigned char>(wire[i])); };
  while (!wire.empty()) {
    const std::size_t whole = wire.size() < 8 ? 9 : 8 + static_cast<std::size_t>(at(4) * 256 + at(5) + at(6));
    if (wire.size() < whole) return records.push_back({-1, 0, 0, 0, 0, std::string(wire)}), records;
    const std::size_t length = static_cast<std::size_t>(at(4) * 256 + at(5));
    records.push_back({at(0), at(1), at(2) * 256 + at(3), at(6), at(7), std::string(wire.substr(8, length))});
    wire.remove_prefix(whole);
  }
  return records;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Specification 3.4: a length above 127 takes four bytes, the first with its top bit set.
inline std::string encode_pairs(const Pairs& pairs) {
  std::string out;
  const auto put = [&out](std::size_t length) {
    const int n = static_cast<int>(length);
    if (n < 128) {
      out += bytes({n});
    } else {
      out += bytes({128 + n / 16777216, n / 65536 % 256, n / 256 % 256, n % 256});
    }
  };
  for (const auto& [name, value] : pairs) {
    put(name.size());
    put(value.size());
    out += name + value;
  }
  return out;
}

// Specification 3.4, four cases of name and value lengths. A pair that is cut comes out as {"cut", ""}.
inline Pairs decode_pairs(std::string_view content) {
  Pairs pairs;
  std::size_t at = 0;
  const auto byte = [&] { return at < content.size() ? static_cast<unsigned char>(content[at++]) : 0u; };
  const auto length = [&]() -> std::size_t {
    const std::size_t first = byte();
    if ((first >> 7) == 0) return first;
    const std::size_t second = byte(), third = byte(), fourth = byte();
    return ((first & 127) << 24) + (second << 16) + (third << 8) + fourth;
  };
  while (at < content.size()) {
    const std::size_t name = length(), value = length();
    if (at + name + value > content.size()) return pairs.push_back({"cut", ""}), pairs;
    pairs.push_back({std::string(content.substr(at, name)), std::string(content.substr(at + name, value))});
    at += name + value;
  }
  return pairs;
}

// Calls `check(pieces)` for the input whole, byte by byte, and in each two-way cut (for long inputs: the cuts
// near both ends and every 997th, which meets all residues of 8 soon enough).
template <class Check>
void for_each_cut(std::string_view input, Check check) {
  using Pieces = std::vector<std::string>;
  check(Pieces{std::string(input)});
  Pieces single;
  for (const char byte : input) single.emplace_back(1, byte);
  check(single);
  constexpr std::size_t kNear = 600;
  for (std::size_t cut = 1; cut < input.size(); ++cut) {
    const bool is_far = cut > kNear && cut + kNear < input.size();
    if (is_far && cut % 997 != 0) continue;
    check(Pieces{std::string(input.substr(0, cut)), std::string(input.substr(cut))});
  }
}

// A string whose spare room is full of 0xAA, as memory of earlier use would be.
inline std::string poisoned(std::size_t room) {
  std::string out(room, '\xaa');
  out.clear();
  return out;
}

}  // namespace reference

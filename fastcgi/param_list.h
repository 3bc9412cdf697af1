// The CGI parameters of one request as FastCGI name-value pairs (specification 3.4), encoded once and written
// as PARAMS records as often as needed (a retry writes them again under another request id). Owns the encoded
// bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::fastcgi {

class ParamList {
 public:
  ParamList() = default;
  ParamList(const ParamList&) = default;
  ParamList& operator=(const ParamList&) = default;
  ParamList(ParamList&& other) noexcept { swap(other); }
  ParamList& operator=(ParamList&& other) noexcept;
  ~ParamList() = default;
  void swap(ParamList& other) noexcept;

  // Appends one pair. False, and nothing added, when the encoded pair exceeds kWriteContentBytesMax: php-fpm
  // parses each PARAMS record alone (fcgi_read_request in main/fastcgi.c), so a pair may not straddle two
  // records.
  [[nodiscard]] bool add(std::string_view name, std::string_view value);

  // Appends one pair as it came from a web server: its encoded bytes, whole. Preconditions: `pair` is exactly
  // one pair, of at most kContentBytesMax bytes: as much as php-fpm takes from a web server directly, with no
  // padding. Above kWriteContentBytesMax it gets a record of its own.
  void append_encoded(std::string_view pair);

  // Appends all pairs of another list, whose record boundaries count for nothing.
  void append(const ParamList& other);

  // Appends the PARAMS records for `request_id`, cut between pairs, and the empty PARAMS record that ends
  // them.
  void write_records(std::uint16_t request_id, std::string& out) const;

  // Bytes write_records() will append.
  std::size_t record_bytes() const;
  bool empty() const { return size_ == 0; }
  // All pairs, to be walked with decode_pair(). Valid until the list changes.
  std::string_view encoded() const { return {buffer_.data(), size_}; }
  // Forgets the pairs and keeps the memory.
  void clear();

 private:
  char* extend(std::size_t pair_bytes);

  // Its first size_ bytes are the pairs: a request has some thirty, of a few bytes each, and appending to a
  // string costs more than they do.
  std::string buffer_;
  std::size_t size_ = 0;
  std::size_t record_start_ = 0;
  std::vector<std::size_t> cuts_;  // ends of full records
};

// Decodes a whole name-value pair at the start of `in` and removes it from there. False when the lengths
// reach past the end (malformed, or cut). The views point into `in`.
[[nodiscard]] bool decode_any_pair(std::string_view& in, std::string_view& name, std::string_view& value);

// The same, quick for the usual pair of two short ones: a request has some thirty, looked at several times.
[[nodiscard]] inline bool decode_pair(std::string_view& in, std::string_view& name, std::string_view& value) {
  constexpr std::size_t kOneByteMax = 127;
  const std::size_t name_bytes = in.size() < 2 ? kOneByteMax + 1 : static_cast<unsigned char>(in[0]);
  const std::size_t value_bytes = in.size() < 2 ? 0 : static_cast<unsigned char>(in[1]);
  if ((name_bytes | value_bytes) > kOneByteMax) return decode_any_pair(in, name, value);
  const std::size_t left = in.size() - 2;
  if (name_bytes + value_bytes > left) return false;
  const char* const at = in.data() + 2;
  name = {at, name_bytes};
  value = {at + name_bytes, value_bytes};
  in = {at + name_bytes + value_bytes, left - name_bytes - value_bytes};
  return true;
}

// Encoded bytes of the pair that begins at the start of `in`, as its lengths tell; nothing when the bytes of
// the lengths themselves are cut. At most 2^32 + 6.
std::optional<std::uint64_t> told_pair_bytes(std::string_view in);

}  // namespace holdfast::fastcgi

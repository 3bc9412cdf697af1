// The CGI parameters of one request as FastCGI name-value pairs (specification 3.4), encoded once and written
// as PARAMS records as often as needed (a retry writes them again under another request id). Owns the encoded
// bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::fastcgi {

class ParamList {
 public:
  // Appends one pair. False, and nothing added, when the encoded pair exceeds kWriteContentBytesMax: php-fpm
  // parses each PARAMS record alone (fcgi_read_request in main/fastcgi.c), so a pair may not straddle two
  // records.
  [[nodiscard]] bool add(std::string_view name, std::string_view value);

  // Appends the PARAMS records for `request_id`, cut between pairs, and the empty PARAMS record that ends
  // them.
  void write_records(std::uint16_t request_id, std::string& out) const;

  // Bytes write_records() will append.
  std::size_t record_bytes() const;
  bool empty() const { return encoded_.empty(); }
  void clear();

 private:
  std::string encoded_;
  std::vector<std::size_t> cuts_;  // ends of full records within encoded_
};

// Decodes a whole name-value pair at the start of `in` and removes it from there. False when the lengths
// reach past the end (malformed, or cut). The views point into `in`.
[[nodiscard]] bool decode_pair(std::string_view& in, std::string_view& name, std::string_view& value);

}  // namespace holdfast::fastcgi

// Numbers of the FastCGI 1.0 specification (section 8, "Types and Constants"). No code, no state.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::fastcgi {

enum class RecordType : std::uint8_t {
  begin_request = 1,
  abort_request = 2,
  end_request = 3,
  params = 4,
  stdin_data = 5,
  stdout_data = 6,
  stderr_data = 7,
  data = 8,
  get_values = 9,
  get_values_result = 10,
  unknown_type = 11,
};

enum class Role : std::uint16_t { responder = 1, authorizer = 2, filter = 3 };

enum class ProtocolStatus : std::uint8_t {
  request_complete = 0,
  cant_mpx_conn = 1,
  overloaded = 2,
  unknown_role = 3
};

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr std::size_t kContentBytesMax = 65535;
inline constexpr std::uint8_t kFlagKeepConnection = 1;
// Largest content we write: a multiple of 8, so no record of ours ever needs padding (php-fpm wants
// content + padding of PARAMS <= 65535, and padding 0 on the empty records).
inline constexpr std::size_t kWriteContentBytesMax = 65528;

}  // namespace holdfast::fastcgi

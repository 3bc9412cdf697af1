// Conditional requests against a representation that exists (RFC 9110 section 13).
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

#include "proxy/http/message.h"

namespace holdfast::http {

// What the server knows of the representation it would send.
struct Validators {
  std::string_view etag;  // with quotes, and W/ when weak; empty: none
  std::optional<std::time_t> last_modified;
};

enum class Precondition : std::uint8_t {
  proceed,
  not_modified,         // 304
  precondition_failed,  // 412
  ignore_range,         // proceed, but send the whole and not the Range (If-Range did not match)
};

// The order of RFC 9110 13.2.2. Fields that a method has no use for, or with a malformed or repeated date,
// are ignored. `now` is for two-digit years, and tells whether last_modified is old enough to be a strong
// validator.
Precondition evaluate_conditions(const RequestHead& head, const Validators& validators, std::time_t now);

}  // namespace holdfast::http

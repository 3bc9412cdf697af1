// What can be wrong with a web server's records, and why a request of it is refused: the names for metrics
// and logs. No state.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::fastcgi {

// Why no more is read from a web server's connection. `none` = nothing wrong. Sticky: the first stays.
enum class ServerFault : std::uint8_t {
  none,
  bad_version,          // record header with a version other than 1
  null_request_id,      // BEGIN_REQUEST, ABORT_REQUEST, PARAMS, STDIN or DATA with id 0
  wrong_direction,      // a type that only an application sends
  begin_length,         // BEGIN_REQUEST of other than 8 bytes
  begin_again,          // BEGIN_REQUEST for a request that is open
  abort_with_content,   // ABORT_REQUEST that is not empty
  params_after_end,     // PARAMS behind the empty one
  params_cut,           // PARAMS ended within a pair
  stdin_before_params,  // STDIN before the end of PARAMS
  stdin_after_end,      // STDIN bytes behind the empty one
  data_for_responder,   // DATA, which only a Filter gets
  malformed_values,     // GET_VALUES whose content is not whole pairs
  eof_in_record,        // EOF between the first and the last byte of a record
  eof_in_request,       // EOF at a record boundary, and a request was not whole
  eof,                  // EOF with no request, or behind whole ones: an orderly end
  count_,
};
std::string_view fault_name(ServerFault fault);  // snake_case
// One clause for the log, behind "the web server sent " or the like: "PARAMS that ended within a pair".
std::string_view fault_text(ServerFault fault);

// Why a request is refused. All but unknown_role are answered with a Status on STDOUT by the host.
enum class ServerRefusal : std::uint8_t {
  none,
  unknown_role,       // not a Responder: the session has answered FCGI_UNKNOWN_ROLE
  too_many_requests,  // ServerLimits::requests_max are open: 503
  param_too_large,    // one that does not fit a record of php-fpm's (ParamsReader::kPairBytesMax): 431
  params_too_large,   // above ServerLimits::params_bytes_max: 431
  params_held,        // above ServerLimits::params_held_bytes_max with those of the other requests: 503
  count_,
};
std::string_view refusal_name(ServerRefusal refusal);  // snake_case

}  // namespace holdfast::fastcgi

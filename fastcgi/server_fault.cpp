// The texts of server_fault.h.
#include "fastcgi/server_fault.h"

#include <cstdlib>

namespace holdfast::fastcgi {

std::string_view fault_name(ServerFault fault) {
  switch (fault) {
    case ServerFault::none: return "none";
    case ServerFault::bad_version: return "bad_version";
    case ServerFault::null_request_id: return "null_request_id";
    case ServerFault::wrong_direction: return "wrong_direction";
    case ServerFault::begin_length: return "begin_length";
    case ServerFault::begin_again: return "begin_again";
    case ServerFault::abort_with_content: return "abort_with_content";
    case ServerFault::params_after_end: return "params_after_end";
    case ServerFault::params_cut: return "params_cut";
    case ServerFault::stdin_before_params: return "stdin_before_params";
    case ServerFault::stdin_after_end: return "stdin_after_end";
    case ServerFault::data_for_responder: return "data_for_responder";
    case ServerFault::malformed_values: return "malformed_values";
    case ServerFault::eof_in_record: return "eof_in_record";
    case ServerFault::eof_in_request: return "eof_in_request";
    case ServerFault::eof: return "eof";
    case ServerFault::count_: break;
  }
  std::abort();
}

std::string_view fault_text(ServerFault fault) {
  switch (fault) {
    case ServerFault::none: return "nothing wrong";
    case ServerFault::bad_version: return "bytes that are no FastCGI record (version other than 1)";
    case ServerFault::null_request_id: return "a record of a request with request id 0";
    case ServerFault::wrong_direction: return "a record of a type that only an application sends";
    case ServerFault::begin_length: return "BEGIN_REQUEST of other than 8 bytes";
    case ServerFault::begin_again: return "BEGIN_REQUEST with the id of a request that is open";
    case ServerFault::abort_with_content: return "ABORT_REQUEST with content";
    case ServerFault::params_after_end: return "PARAMS behind the empty record that ends them";
    case ServerFault::params_cut: return "PARAMS that ended within a pair";
    case ServerFault::stdin_before_params: return "STDIN before the end of PARAMS";
    case ServerFault::stdin_after_end: return "STDIN behind the empty record that ends it";
    case ServerFault::data_for_responder: return "DATA, which is for a Filter";
    case ServerFault::malformed_values: return "GET_VALUES whose content is not name-value pairs";
    case ServerFault::eof_in_record: return "an end of the connection within a record";
    case ServerFault::eof_in_request: return "an end of the connection within a request";
    case ServerFault::eof: return "an end of the connection";
    case ServerFault::count_: break;
  }
  std::abort();
}

std::string_view refusal_name(ServerRefusal refusal) {
  switch (refusal) {
    case ServerRefusal::none: return "none";
    case ServerRefusal::unknown_role: return "unknown_role";
    case ServerRefusal::too_many_requests: return "too_many_requests";
    case ServerRefusal::param_too_large: return "param_too_large";
    case ServerRefusal::params_too_large: return "params_too_large";
    case ServerRefusal::params_held: return "params_held";
    case ServerRefusal::count_: break;
  }
  std::abort();
}

}  // namespace holdfast::fastcgi

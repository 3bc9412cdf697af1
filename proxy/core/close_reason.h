// Why an upstream connection was closed, or why an exchange was tried again: one word each, for metrics,
// /status and logs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::core {

enum class CloseReason : std::uint8_t {
  none,
  // our decision
  idle,           // recycle.idle
  request_limit,  // recycle.requests
  lifetime,       // recycle.lifetime
  recycled,       // POST /pools/NAME/recycle, or too many for a lowered max_connections
  request_done,   // keep_alive: false, the one request has ended
  shutdown,       // the proxy stops
  client_abort,   // client_abort: close
  drain_limit,    // the rest of an abandoned response was too long, in bytes or time
  // the application closed
  peer_closed,     // an orderly end between requests (pm.max_requests, reload)
  stale,           // found closed, or with stray bytes, when it was about to be used
  reset,           // ECONNRESET and the like
  eof_in_request,  // closed before END_REQUEST
  // the application broke the protocol: poisoned
  foreign_record,  // a record of another request: stray output after fastcgi_finish_request() among it
  protocol_error,  // any other fault of fastcgi::Session
  bad_head,        // a response head that is not one
  not_reusable,    // ended at no clean boundary
  // it took too long
  connect_failed,
  connect_timeout,
  probe_timeout,   // no answer to the first FCGI_GET_VALUES
  no_worker,       // a new connection that no worker has taken: given up, or opened anew to wake the master
  no_get_values,   // closed after answering FCGI_GET_VALUES: php before 8.2.13
  settle_timeout,  // the barrier after a request was not answered
  ping_timeout,    // the barrier on an idle connection was not answered
  send_timeout,
  response_timeout,  // timeouts.first_byte or timeouts.idle_read
  count_
};

inline constexpr std::size_t kCloseReasons = static_cast<std::size_t>(CloseReason::count_);

constexpr std::string_view close_reason_name(CloseReason reason) {
  constexpr std::array<std::string_view, kCloseReasons> kNames = {"none",
                                                                  "idle",
                                                                  "request_limit",
                                                                  "lifetime",
                                                                  "recycled",
                                                                  "request_done",
                                                                  "shutdown",
                                                                  "client_abort",
                                                                  "drain_limit",
                                                                  "peer_closed",
                                                                  "stale",
                                                                  "reset",
                                                                  "eof_in_request",
                                                                  "foreign_record",
                                                                  "protocol_error",
                                                                  "bad_head",
                                                                  "not_reusable",
                                                                  "connect_failed",
                                                                  "connect_timeout",
                                                                  "probe_timeout",
                                                                  "no_worker",
                                                                  "no_get_values",
                                                                  "settle_timeout",
                                                                  "ping_timeout",
                                                                  "send_timeout",
                                                                  "response_timeout"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace holdfast::core

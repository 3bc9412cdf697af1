// Why a client's connection ends: one word for the log and for /metrics, where each is counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::core {

enum class ClientCloseReason : std::uint8_t {
  client_closed,  // by the client, between two requests or after its last answer
  client_left,    // by the client, before it had its answer
  client_error,   // its socket failed, between two requests
  last_answer,    // after an answer that said close: the client's wish, the application's, HTTP/1.0, a limit
  refused,        // after an answer of ours in place of what was asked
  keep_alive_timeout,   // client.timeouts.keep_alive
  header_timeout,       // client.timeouts.header
  body_timeout,         // client.timeouts.body, or client.min_rate
  client_stalled,       // client.timeouts.write: it took nothing of its answer
  client_slow,          // client.min_rate: it took too little
  client_holds_worker,  // it took nothing, and php had to wait for it
  answer_broken,        // php, or a file, did not give the whole answer
  behind_event_stream,  // it sent requests behind an event stream, which has no end
  made_way,             // idle, and another needed its place
  over_address_limit,   // client.max_per_address
  not_allowed,          // a web server whose address is not in the listener's `allow`
  malformed_records,    // a web server broke FastCGI's rules
  listener_gone,        // a reload has taken its listener away
  stopping,             // idle, and the server stops
  grace_over,           // shutdown.grace
  second_signal,        // another one to stop, which cuts shutdown.grace short
};
inline constexpr std::size_t kClientCloseReasons =
    static_cast<std::size_t>(ClientCloseReason::second_signal) + 1;

constexpr std::string_view client_close_reason_name(ClientCloseReason reason) {
  switch (reason) {
    case ClientCloseReason::client_closed: return "client_closed";
    case ClientCloseReason::client_left: return "client_left";
    case ClientCloseReason::client_error: return "client_error";
    case ClientCloseReason::last_answer: return "last_answer";
    case ClientCloseReason::refused: return "refused";
    case ClientCloseReason::keep_alive_timeout: return "keep_alive_timeout";
    case ClientCloseReason::header_timeout: return "header_timeout";
    case ClientCloseReason::body_timeout: return "body_timeout";
    case ClientCloseReason::client_stalled: return "client_stalled";
    case ClientCloseReason::client_slow: return "client_slow";
    case ClientCloseReason::client_holds_worker: return "client_holds_worker";
    case ClientCloseReason::answer_broken: return "answer_broken";
    case ClientCloseReason::behind_event_stream: return "behind_event_stream";
    case ClientCloseReason::made_way: return "made_way";
    case ClientCloseReason::over_address_limit: return "over_address_limit";
    case ClientCloseReason::not_allowed: return "not_allowed";
    case ClientCloseReason::malformed_records: return "malformed_records";
    case ClientCloseReason::listener_gone: return "listener_gone";
    case ClientCloseReason::stopping: return "stopping";
    case ClientCloseReason::grace_over: return "grace_over";
    case ClientCloseReason::second_signal: return "second_signal";
  }
  return "";
}

// Whether the client went by itself, so that nobody else is to be named for what it did not get.
constexpr bool went_by_itself(ClientCloseReason reason) {
  return reason == ClientCloseReason::client_left || reason == ClientCloseReason::client_closed ||
         reason == ClientCloseReason::client_error;
}

// How many ended, by reason.
using ClientCloseCounts = std::array<std::uint64_t, kClientCloseReasons>;

}  // namespace holdfast::core

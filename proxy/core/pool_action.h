// What a pool tells its driver to do, and what the driver reports of a connection that is lost.
#pragma once

#include <cstdint>

#include "proxy/core/close_reason.h"
#include "proxy/core/connection_set.h"
#include "proxy/core/wait_queue.h"

namespace holdfast::core {

enum class RejectReason : std::uint8_t { queue_full, queue_timeout };

struct PoolAction {
  enum class Kind : std::uint8_t {
    open,     // connect `connection`; then connected() or connect_failed()
    lease,    // send `waiter`'s request on `connection`; `peek`: look for EOF or stray bytes first, and
              // lease_refused() if any
    barrier,  // write an empty FCGI_GET_VALUES on `connection`; then barrier_answered()
    close,    // close `connection`; then closed()
    reject,   // `waiter` is no longer queued: answer 503
  };
  Kind kind;
  ConnectionId connection = 0;
  WaiterId waiter = 0;
  bool peek = false;
  bool reused = false;      // lease: the connection has carried a request before
  bool in_company = false;  // lease: see Ticket
  // lease: nothing has come since the end of its last request, which a worker may follow by shutting its side.
  bool may_half_close = false;
  CloseReason reason = CloseReason::none;
  RejectReason reject_reason = RejectReason::queue_full;
};

// Why a connection must go: EOF, fault, reset, timeout.
struct Loss {
  CloseReason reason = CloseReason::none;
  bool script_may_run = false;  // php may still be busy with its request
};

}  // namespace holdfast::core

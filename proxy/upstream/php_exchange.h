// An exchange on its way: what core::Exchange gives out goes to its reader by the mailbox, or, when it is
// detached, nowhere. Owned by ExchangeTable; the link to the upstream connection is made and cut by Upstream
// alone, on both ends at once.
#pragma once

#include <string>
#include <utility>

#include "proxy/core/exchange.h"
#include "proxy/core/wait_queue.h"
#include "proxy/upstream/mailbox.h"

namespace holdfast {

class ExchangeTable;
class Upstream;
class UpstreamConnection;

class PhpExchange final : public core::Exchange, public core::ResponseSink {
 public:
  // `table` outlives it.
  explicit PhpExchange(ExchangeTable& table)
      : Exchange(static_cast<core::ResponseSink&>(*this)), table_(table) {}
  ~PhpExchange();
  PhpExchange(const PhpExchange&) = delete;
  PhpExchange& operator=(const PhpExchange&) = delete;

  // `upstream` outlives it until clear(). Exchanges the memory of `submission` for that of the last one.
  void begin(ExchangeId id, Submission& submission, Upstream& upstream);
  // Over: nothing points to it any more.
  void clear();

  ExchangeId id() const { return id_; }
  Upstream& upstream() const { return *upstream_; }
  bool done() const { return state() == core::ExchangeState::done; }

  // Its reader has all it wants; what comes now is thrown away. `script`: its path as php should see it.
  void detach(std::string script);
  bool detached() const { return detached_; }
  const std::string& script() const { return script_; }
  // Its client has shut its sending side, and is asked before php gets the request.
  void set_half_closed() { half_closed_ = true; }
  bool half_closed() const { return half_closed_; }

  // What its routes say in place of the pool's.
  const core::RequestTimeouts& timeouts() const { return timeouts_; }

  // A connection that is held while the reader is asked.
  struct Offer {
    core::ConnectionId connection = 0;  // 0: none
    bool peek = false;
    bool first = false;
    bool may_half_close = false;  // see core::PoolAction
  };
  void ask(const Offer& offer);
  Offer take_offer() { return std::exchange(offer_, {}); }

  // It is done: the last that its reader hears.
  void report_ending();
  // What was filled goes to its reader.
  void delivery_sent();
  // Of what php has said, what its reader will not be told.
  std::string_view untold_stderr() const { return std::string_view(stderr_text()).substr(stderr_told_); }

  // --- core::ResponseSink
  void start_response(const http::ResponseHead& head, bool stream) override;
  void response_body(std::string_view bytes) override;
  void finish_response() override { ending_ = Delivery::Ending::whole; }
  void break_response() override { ending_ = Delivery::Ending::broken; }

 private:
  friend class Upstream;
  friend class UpstreamConnection;
  void move_to(Upstream& next);  // while it waits
  Delivery& delivery();
  void report(Delivery& delivery) const;
  void tell_stderr(Delivery& delivery);

  core::RequestTimeouts timeouts_;
  ExchangeTable& table_;
  ExchangeId id_ = 0;
  Upstream* upstream_ = nullptr;
  core::Ticket ticket_;  // by which the pool knows it; the id is upstream_'s name for it
  UpstreamConnection* link_ = nullptr;
  Delivery* delivery_ = nullptr;  // being filled, until the end of this turn
  Delivery::Ending ending_ = Delivery::Ending::broken;
  Offer offer_;
  std::size_t stderr_told_ = 0;  // bytes of it that are with the reader
  std::string script_;
  bool detached_ = false;
  bool half_closed_ = false;
};

}  // namespace holdfast

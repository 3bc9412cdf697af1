// One socket to a FastCGI application: moves bytes between net::Stream, fastcgi::Session and the exchange it
// is leased to, and reports to Upstream. Decides nothing about pooling (core::UpstreamPool) or retrying
// (core::decide_retry). Owned by Upstream; erased there after on_closed().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fastcgi/session.h"
#include "proxy/core/exchange.h"
#include "proxy/core/pool_action.h"
#include "proxy/loop/deadline.h"
#include "proxy/net/stream.h"
#include "proxy/upstream/php_exchange.h"

namespace holdfast {

class Upstream;

// How a connection failed: what the pool, the retry rule and the log want to know of it.
struct UpstreamFailure {
  core::CloseReason reason = core::CloseReason::none;
  core::Outcome outcome = core::Outcome::none;  // of the request on it, if there is one
  bool half_closed_only = false;                // see core::FailureFacts
  bool script_may_run = false;                  // php may still be busy with it
};

class UpstreamConnection final : public net::StreamHandler, public DeadlineTarget {
 public:
  UpstreamConnection(Upstream& upstream, core::ConnectionId id);
  ~UpstreamConnection();
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  // --- called by Upstream
  void open();
  // False: the connection has ended meanwhile, or the peek found EOF or stray bytes; nothing was written.
  [[nodiscard]] bool start(PhpExchange& exchange, const PhpExchange::Offer& offer);
  void barrier();
  // The client left: what comes is thrown away. False when that is not to be: the answer is a stream, which
  // need never end; the request is not sent whole; or php has closed already.
  [[nodiscard]] bool abandon();
  // Any byte of its exchange's answer, were it of an empty record.
  bool answer_began() const { return session_.answer_began(); }
  // Has php been given all it needs to start the script?
  bool script_may_run() const { return end_of_params_sent(); }
  // At once, not when the pool says so, where it was judged what php has been given: the loop would write
  // more of what is queued.
  void close();
  // Its exchange's client takes no more for now; and has taken what it was behind with.
  void pause_reading();
  void resume_reading();
  core::ConnectionId id() const { return id_; }
  PhpExchange* exchange() const { return exchange_; }
  bool closing() const { return stream_ == nullptr || stream_->closing(); }

  // --- net::StreamHandler
  void on_connected(net::Error error) override;
  void on_read(std::string_view bytes) override;
  void on_eof() override;
  void on_error(net::Error error) override;
  void on_drained() override;
  void on_closed() override;
  // --- DeadlineTarget
  void on_deadline(core::Time now) override;

 private:
  friend class Upstream;
  // What the deadline is for. `unseen`: more, which would not be seen; let be while nobody waits for its place.
  // `half_close`: after an EOF, time for a reset to show (php-fpm.md 8.4).
  enum class Awaiting : std::uint8_t { nothing, sent, first_byte, more, unseen, half_close };

  void send_more();
  void await(Awaiting what);
  void await_answer();
  bool end_of_params_sent() const;
  void on_event(const fastcgi::Event& event);
  void on_request_ended(const fastcgi::Event& event);
  void on_fault(fastcgi::Fault fault);
  static bool shows_bytes(const PhpExchange& exchange);
  bool is_stream(const PhpExchange& exchange) const;
  void discard(std::size_t bytes);
  void look_at_surplus();
  void release_when_clean();

  Upstream& upstream_;
  core::ConnectionId id_;
  std::unique_ptr<net::Stream> stream_;
  fastcgi::Session session_;
  PhpExchange* exchange_ = nullptr;  // cut by Upstream::unlink()
  Deadline deadline_;
  Awaiting awaiting_ = Awaiting::nothing;
  core::Time unseen_until_{};
  core::Time opened_{};
  core::Duration connect_time_{};
  std::size_t written_ = 0;      // bytes given to the stream for this request
  std::size_t params_end_ = 0;   // of them, up to the end of PARAMS
  bool may_half_close_ = false;  // see core::PoolAction
  std::uint64_t discarded_ = 0;  // of an abandoned response, or behind a whole one, and
  core::Time discarding_{};      // since when
  core::Time surplus_at_{};      // the last of it
  bool was_silent_ = false;      // between two pieces of it
  bool ended_ = false;           // END_REQUEST was seen, the connection is not released yet
  bool reading_paused_ = false;
  std::string out_;  // kept for its memory
};

}  // namespace holdfast

// The upstream connection: bytes to the session, events to the exchange, outcomes to Upstream.
#include "proxy/upstream/upstream_connection.h"
#include "config/pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/upstream/upstream.h"

namespace holdfast {

using core::CloseReason;
using core::Outcome;
using namespace std::chrono_literals;

namespace {
// Of an abandoned response, bytes that are read to keep the connection; more costs more than a new one.
constexpr std::uint64_t kDiscardBytesMost = 16U << 20;
// What still gives bytes after so long is no page that is about to end. php notices that nobody reads only
// when it writes on a closed connection, and then ends the script (unless it has set ignore_user_abort).
constexpr core::Duration kDiscardMost = 1s;
// After an EOF on TCP: a reset needs a round trip to show. For a request that may be repeated anyway a glance
// is enough: all that hangs on it is whether the failure counts as the request's own.
constexpr core::Duration kHalfCloseWait = 50ms;
constexpr core::Duration kHalfCloseGlance = 5ms;
}  // namespace

UpstreamConnection::UpstreamConnection(Upstream& upstream, core::ConnectionId id)
    : upstream_(upstream), id_(id), deadline_(upstream.context().deadlines, *this) {}

UpstreamConnection::~UpstreamConnection() {
  assert(exchange_ == nullptr);
}

void UpstreamConnection::open() {
  opened_ = upstream_.now();
  stream_ = upstream_.context().network.connect(upstream_.endpoint(), *this);
}

void UpstreamConnection::on_connected(net::Error error) {
  if (error) {
    upstream_.on_connect_failed(*this, error);
    return;
  }
  connect_time_ = upstream_.now() - opened_;
  stream_->start_read();
  upstream_.pool().connected(id_, upstream_.now());
}

bool UpstreamConnection::start(PhpExchange& exchange, const PhpExchange::Offer& offer) {
  if (closing() || !session_.can_begin() || (offer.peek && stream_->has_unread_input())) return false;
  upstream_.link(*this, exchange);
  exchange.begin_attempt(id_, !offer.first, upstream_.now());
  // One that was opened before this request came has cost it nothing.
  if (offer.first && opened_ >= exchange.enqueued()) exchange.set_connect_time(connect_time_);
  written_ = 0;
  params_end_ = 0;
  may_half_close_ = offer.may_half_close;
  discarded_ = 0;
  was_silent_ = false;
  ended_ = false;
  send_more();
  return true;
}

void UpstreamConnection::send_more() {
  PhpExchange& exchange = *exchange_;
  bool taken = true;
  while (taken && !exchange.request_written()) {
    out_.clear();
    if (!exchange.write_request(session_, upstream_.config().keep_alive, out_)) {
      upstream_.context().log.error(upstream_.name() + ": " + Upstream::asked_text(exchange) +
                                    ": its stored body cannot be read");
      upstream_.on_failure(
          *this,
          {.reason = CloseReason::not_reusable, .outcome = Outcome::spool_failed, .script_may_run = true});
      return;
    }
    if (params_end_ == 0) params_end_ = exchange.params_end();
    written_ += out_.size();
    taken = stream_->write(out_);
  }
  if (!taken) {
    await(Awaiting::sent);
    return;
  }
  exchange.all_sent();
  await_answer();
}

void UpstreamConnection::on_drained() {
  if (exchange_ == nullptr || closing()) return;
  if (awaiting_ == Awaiting::half_close) return;  // nobody reads the rest
  if (!exchange_->request_written()) {
    send_more();
    return;
  }
  exchange_->all_sent();
  if (awaiting_ == Awaiting::sent) await_answer();
}

void UpstreamConnection::await_answer() {
  await(exchange_->response_started() ? Awaiting::more : Awaiting::first_byte);
}

void UpstreamConnection::await(Awaiting what) {
  awaiting_ = what;
  if (what == Awaiting::nothing) {
    deadline_.clear();
    return;
  }
  const config::PoolTimeouts& timeouts = upstream_.config().timeouts;
  const core::RequestTimeouts& own = exchange_->timeouts();
  core::Duration limit{};
  switch (what) {
    case Awaiting::nothing: return;
    case Awaiting::sent: limit = own.send.value_or(timeouts.send); break;
    case Awaiting::first_byte: limit = own.first_byte.value_or(timeouts.first_byte); break;
    case Awaiting::more:
      limit = own.idle_read.value_or(timeouts.idle_read);
      if (!shows_bytes(*exchange_)) {
        awaiting_ = Awaiting::unseen;
        unseen_until_ = upstream_.now() + limit;
        limit = std::min(limit, kDiscardMost);
      }
      break;
    case Awaiting::unseen: limit = std::min(unseen_until_ - upstream_.now(), kDiscardMost); break;
    case Awaiting::half_close: limit = exchange_->repeatable() ? kHalfCloseGlance : kHalfCloseWait; break;
  }
  deadline_.set(upstream_.now() + limit);
}

bool UpstreamConnection::end_of_params_sent() const {
  const std::size_t unsent = stream_ ? stream_->unsent_bytes() : 0;
  const std::size_t sent = written_ > unsent ? written_ - unsent : 0;
  // Any byte of the last 8 (the empty PARAMS record) counts as sent only when all are: php reads them whole.
  return params_end_ > 0 && sent >= params_end_;
}

void UpstreamConnection::barrier() {
  // An EOF may have come after the pool decided.
  if (session_.fault() != fastcgi::Fault::none || session_.open_requests() > 0) return;
  out_.clear();
  session_.write_barrier(out_);
  stream_->write(out_);
}

// ------------------------------------------------------------------------------------------------------------
// reading

void UpstreamConnection::on_read(std::string_view bytes) {
  std::vector<fastcgi::Event>& events = upstream_.event_buffer();
  events.clear();
  session_.feed(bytes, events);
  for (const fastcgi::Event& event : events) on_event(event);
  if (ended_) release_when_clean();
  if (session_.open_requests() > 0) stream_->quick_ack();  // rule R1: the response is incomplete
  // Only the answer's own progress counts, not its stderr, empty records or a head that drips.
  if (exchange_ != nullptr && exchange_->take_progress() && awaiting_ != Awaiting::sent)
    await(Awaiting::more);
  if (exchange_ != nullptr) look_at_surplus();
}

void UpstreamConnection::on_event(const fastcgi::Event& event) {
  switch (event.kind) {
    case fastcgi::Event::Kind::stdout_data:
      if (exchange_ == nullptr) {
        discard(event.bytes.size());
      } else if (!exchange_->on_stdout(event.bytes, upstream_.now())) {
        upstream_.on_bad_head(*this);
      }
      return;
    case fastcgi::Event::Kind::stderr_data:
      if (exchange_ == nullptr) {
        discard(event.bytes.size());
      } else {
        exchange_->on_stderr(event.bytes);
      }
      return;
    case fastcgi::Event::Kind::request_ended: on_request_ended(event); return;
    case fastcgi::Event::Kind::barrier_answered:
      upstream_.pool().barrier_answered(id_, upstream_.now());
      return;
    case fastcgi::Event::Kind::odd_answer: upstream_.pool().saw_odd_answer(id_, upstream_.now()); return;
    case fastcgi::Event::Kind::failed: on_fault(event.fault); return;
  }
}

void UpstreamConnection::on_request_ended(const fastcgi::Event& event) {
  ended_ = true;
  await(Awaiting::nothing);
  if (exchange_ == nullptr) return;
  if (event.protocol_status != fastcgi::ProtocolStatus::request_complete) {
    // FCGI_OVERLOADED and its kin: the application has not run it. php-fpm never says so.
    upstream_.on_failure(*this, {.reason = CloseReason::not_reusable, .outcome = Outcome::upstream_no_head});
    return;
  }
  exchange_->set_app_status(event.app_status);
  upstream_.on_ended(*this);
}

void UpstreamConnection::release_when_clean() {
  switch (session_.reuse_verdict()) {
    case fastcgi::ReuseVerdict::inside_record: return;  // padding is still to come
    case fastcgi::ReuseVerdict::keep_not_asked:
      stream_->read_again();  // php closes next
      [[fallthrough]];
    case fastcgi::ReuseVerdict::reusable:
      ended_ = false;
      upstream_.on_released(*this);
      return;
    case fastcgi::ReuseVerdict::request_open:
    case fastcgi::ReuseVerdict::stdin_incomplete:
    case fastcgi::ReuseVerdict::barrier_pending:
    case fastcgi::ReuseVerdict::faulted:
      ended_ = false;
      // Answered before it had read the body: the stream is out of step. The script has ended by its own
      // word.
      upstream_.pool().lost(id_, {CloseReason::not_reusable}, upstream_.now());
      return;
  }
}

void UpstreamConnection::discard(std::size_t bytes) {
  if (discarded_ == 0) discarding_ = upstream_.now();
  discarded_ += bytes;
  if (discarded_ > kDiscardBytesMost || upstream_.now() - discarding_ > kDiscardMost)
    upstream_.pool().lost(id_, {CloseReason::drain_limit, true}, upstream_.now());
}

// What its client has whole is let run on, but not give bytes to nobody for ever: as one whose client left. One silence
// between them is forgiven: a last word behind longer work.
void UpstreamConnection::look_at_surplus() {
  const std::size_t bytes = exchange_->take_surplus();
  if (bytes == 0 && (!exchange_->streaming() || shows_bytes(*exchange_))) return;
  const core::Time now = upstream_.now();
  const bool first = discarded_ == 0;
  const bool forgiven = !first && now - surplus_at_ > kDiscardMost && !std::exchange(was_silent_, true);
  if (first || forgiven) discarding_ = now;
  surplus_at_ = now;
  discarded_ += bytes;
  if (exchange_->streaming() || discarded_ > kDiscardBytesMost || now - discarding_ > kDiscardMost)
    upstream_.on_surplus(*this);
}

// Behind the head of a HEAD php itself drops what its script gives, and tells nobody; it learns of a closed connection all
// the same.
bool UpstreamConnection::shows_bytes(const PhpExchange& exchange) {
  return !exchange.answer_whole() || exchange.asked().method() != http::Method::head;
}

// By its own word, or because it has been passed on for longer than a page takes.
bool UpstreamConnection::is_stream(const PhpExchange& exchange) const {
  const std::optional<core::Time> begun = exchange.timings().first_byte;
  return exchange.streaming() || (begun && upstream_.now() - *begun > kDiscardMost);
}

bool UpstreamConnection::abandon() {
  await(Awaiting::nothing);
  const bool whole = exchange_->request_written() && stream_->unsent_bytes() == 0 &&
                     session_.fault() == fastcgi::Fault::none &&  // after an EOF nothing more will come
                     !is_stream(*exchange_);
  upstream_.unlink(*this);
  resume_reading();
  return whole;
}

void UpstreamConnection::pause_reading() {
  // Nothing more of a whole answer is to be stored.
  if (reading_paused_ || closing() || exchange_->answer_whole()) return;
  reading_paused_ = true;
  stream_->stop_read();
  deadline_.clear();  // now the client's write timeout runs
}

void UpstreamConnection::resume_reading() {
  if (!reading_paused_ || closing()) return;
  reading_paused_ = false;
  stream_->start_read();
  if (exchange_ != nullptr) await(Awaiting::more);
}

// -----------------------------------------------------------------------------------------------------------
// failures

void UpstreamConnection::on_eof() {
  std::vector<fastcgi::Event>& events = upstream_.event_buffer();
  events.clear();
  session_.feed_eof(events);
  for (const fastcgi::Event& event : events) on_event(event);
}

void UpstreamConnection::on_error(net::Error error) {
  if (closing()) return;
  upstream_.context().log.debug(upstream_.name() + ": connection " + std::to_string(id_) + ": " +
                                error.text());
  upstream_.on_failure(*this, {.reason = CloseReason::reset, .outcome = Outcome::upstream_reset});
}

void UpstreamConnection::on_fault(fastcgi::Fault fault) {
  switch (fault) {
    case fastcgi::Fault::none: return;
    case fastcgi::Fault::eof:
      upstream_.on_failure(*this, {.reason = CloseReason::peer_closed, .outcome = Outcome::upstream_reset});
      return;
    case fastcgi::Fault::eof_in_record:
    case fastcgi::Fault::eof_in_request: {
      const bool untouched = exchange_ != nullptr && may_half_close_ && !answer_began();
      if (untouched && end_of_params_sent() && !stream_->is_unix() && !stream_->peer_gone()) {
        await(Awaiting::half_close);  // a worker that died would have reset; see on_deadline()
        return;
      }
      const bool half_closed = untouched && stream_->is_unix() && !stream_->peer_gone();
      upstream_.on_failure(*this, {.reason = CloseReason::eof_in_request,
                                   .outcome = Outcome::upstream_reset,
                                   .half_closed_only = half_closed});
      return;
    }
    case fastcgi::Fault::foreign_request_id:
    case fastcgi::Fault::record_after_end:
    case fastcgi::Fault::bytes_while_idle:
      // Output after fastcgi_finish_request(), of a script that still runs: nobody may see it, and the worker
      // is busy.
      upstream_.pool().saw_run_on(id_, upstream_.now());
      upstream_.on_failure(*this, {.reason = CloseReason::foreign_record,
                                   .outcome = Outcome::upstream_poisoned,
                                   .script_may_run = true});
      return;
    case fastcgi::Fault::bad_version:
    case fastcgi::Fault::unexpected_record:
    case fastcgi::Fault::malformed_record:
      upstream_.news_.not_fastcgi(upstream_.pool(), fault);
      upstream_.on_failure(*this, {.reason = CloseReason::protocol_error,
                                   .outcome = Outcome::upstream_poisoned,
                                   .script_may_run = true});
      return;
  }
}

void UpstreamConnection::on_deadline(core::Time) {
  if (closing() || exchange_ == nullptr) return;
  const Awaiting what = awaiting_;
  awaiting_ = Awaiting::nothing;
  switch (what) {
    case Awaiting::nothing: return;
    case Awaiting::half_close:
      upstream_.on_failure(*this, {.reason = CloseReason::eof_in_request,
                                   .outcome = Outcome::upstream_reset,
                                   .half_closed_only = !stream_->peer_gone()});
      return;
    case Awaiting::sent:
      upstream_.on_failure(*this, {.reason = CloseReason::send_timeout,
                                   .outcome = Outcome::upstream_timeout,
                                   .script_may_run = true});
      return;
    case Awaiting::unseen:
      if (upstream_.pool().waiting() > 0) {
        upstream_.on_surplus(*this);
        return;
      }
      if (upstream_.now() < unseen_until_) {
        await(Awaiting::unseen);
        return;
      }
      [[fallthrough]];
    case Awaiting::first_byte:
    case Awaiting::more:
      upstream_.on_failure(*this, {.reason = CloseReason::response_timeout,
                                   .outcome = Outcome::upstream_timeout,
                                   .script_may_run = true});
      return;
  }
}

void UpstreamConnection::close() {
  deadline_.clear();
  awaiting_ = Awaiting::nothing;
  if (stream_ != nullptr) stream_->close();
}

void UpstreamConnection::on_closed() {
  upstream_.on_closed(*this);
}

}  // namespace holdfast

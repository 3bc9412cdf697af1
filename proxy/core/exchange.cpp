// The exchange: request bytes out, response records in.
#include "proxy/core/exchange.h"

#include <array>
#include <cassert>
#include <utility>

#include "fastcgi/protocol.h"
#include "proxy/core/error_page.h"

namespace holdfast::core {

namespace {
// One piece of a stored body: what is held in memory for the upstream socket at most.
constexpr std::size_t kBodyPieceBytes = 64 * 1024;
// PHP's stderr of one request that is kept for the log.
constexpr std::size_t kStderrBytesMost = 64 * 1024;
}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::none: return "none";
    case Outcome::ok: return "ok";
    case Outcome::queue_full: return "queue_full";
    case Outcome::queue_timeout: return "queue_timeout";
    case Outcome::client_left: return "client_left";
    case Outcome::upstream_reset: return "upstream_reset";
    case Outcome::upstream_timeout: return "upstream_timeout";
    case Outcome::upstream_bad_head: return "upstream_bad_head";
    case Outcome::upstream_no_head: return "upstream_no_head";
    case Outcome::upstream_poisoned: return "upstream_poisoned";
    case Outcome::spool_failed: return "spool_failed";
  }
  return "";
}

Exchange::Exchange(std::uint64_t id, const http::RequestHead& request, fastcgi::ParamList params,
                   const BodyStore& body, ResponseSink& sink)
    : id_(id), request_(request), params_(std::move(params)), body_(body), sink_(sink) {}

void Exchange::begin_attempt(ConnectionId connection, bool reused, Time now) {
  assert(state_ == ExchangeState::waiting);
  state_ = ExchangeState::sending;
  connection_ = connection;
  reused_ = reused;
  timings_.leased = now;
  timings_.queue = now - enqueued();
  body_written_ = 0;
  params_end_ = 0;
  begun_ = false;
  response_seen_ = false;
  head_.reset();
}

bool Exchange::write_request(fastcgi::Session& session, bool keep_connection, std::string& out) {
  if (!begun_) {
    begun_ = true;
    const std::size_t before = out.size();
    fastcgi_id_ =
        session.begin_request(fastcgi::Role::responder, keep_connection, params_, body_.size(), out);
    // Without a body the empty STDIN record follows at once; php starts the script when it has read PARAMS.
    params_end_ = out.size() - before - (body_.size() == 0 ? fastcgi::kHeaderBytes : 0);
  }
  const std::uint64_t left = body_.size() - body_written_;
  if (left == 0) return true;
  std::string piece;
  if (!body_.read(body_written_, kBodyPieceBytes, piece) || piece.empty()) return false;
  session.write_stdin(fastcgi_id_, piece, out);
  body_written_ += piece.size();
  return true;
}

bool Exchange::request_written() const {
  return begun_ && body_written_ == body_.size();
}

void Exchange::all_sent() {
  if (state_ == ExchangeState::sending) state_ = ExchangeState::awaiting_head;
}

bool Exchange::on_stdout(std::string_view bytes, Time now) {
  response_seen_ = true;
  if (bytes.empty()) return true;
  if (!timings_.first_byte) timings_.first_byte = now;
  if (state_ != ExchangeState::responding) {
    const fastcgi::CgiHeadState head = head_.feed(bytes);
    if (head == fastcgi::CgiHeadState::incomplete) return true;
    if (head != fastcgi::CgiHeadState::complete) return false;
    deliver_head(now);
  }
  if (!bytes.empty()) sink_.response_body(bytes);
  return true;
}

void Exchange::deliver_head(Time) {
  response_.status = head_.status();
  response_.reason = head_.reason();
  response_.content_length = head_.content_length();
  response_.fields.clear();
  response_.fields.reserve(head_.fields().size());
  for (const fastcgi::CgiField& field : head_.fields()) {
    if (http::equals_ignore_case(field.name, "X-Accel-Buffering")) {
      streaming_ = streaming_ || http::equals_ignore_case(field.value, "no");
      continue;
    }
    if (http::equals_ignore_case(field.name, "Content-Type") &&
        http::equals_ignore_case(field.value.substr(0, 17), "text/event-stream")) {
      streaming_ = true;
    }
    response_.fields.push_back({field.name, field.value});
  }
  state_ = ExchangeState::responding;
  sink_.start_response(response_, streaming_);
}

void Exchange::on_stderr(std::string_view bytes) {
  response_seen_ = true;
  const std::size_t room = kStderrBytesMost - stderr_text_.size();
  stderr_cut_ = stderr_cut_ || bytes.size() > room;
  stderr_text_.append(bytes.substr(0, room));
}

bool Exchange::on_end(Time now) {
  response_seen_ = true;
  if (state_ != ExchangeState::responding) return false;
  timings_.ended = now;
  outcome_ = Outcome::ok;
  state_ = ExchangeState::done;
  sink_.finish_response();
  return true;
}

void Exchange::fail(Outcome outcome, Time now) {
  assert(state_ != ExchangeState::done);
  const bool started = state_ == ExchangeState::responding;
  timings_.ended = now;
  outcome_ = outcome;
  state_ = ExchangeState::done;
  if (outcome == Outcome::client_left) return;
  if (started) {
    sink_.break_response();
    return;
  }
  ErrorPage page(status_of(outcome));
  sink_.start_response(page.head(), false);
  sink_.response_body(page.body());
  sink_.finish_response();
}

void Exchange::forgive() {
  assert(blamed_ > 0);
  --blamed_;
}

void Exchange::count_retry(RetryReason reason) {
  ++retries_;
  if (reason == RetryReason::repeatable) ++blamed_;
  state_ = ExchangeState::waiting;
  connection_ = 0;
  timings_.first_byte.reset();
}

}  // namespace holdfast::core

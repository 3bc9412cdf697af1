// HTTP/1.x: the end of a request and of a connection, and clients that are half gone.
#include <algorithm>
#include <array>

#include "proxy/client/http1_connection.h"
#include "proxy/client/linger.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {
// When to look whether a half-closed client has gone altogether: at first after a time in which most answers
// are there, so that these come without the probe; soon after the probe; then rarely.
constexpr std::array<core::Duration, 5> kLookTimes = {150ms, 10ms, 50ms, 250ms, 1s};
}  // namespace

void Http1Connection::request_over() {
  const Request::State how = work_->request.state();
  const core::ClientCloseReason reason = work_->request.close_reason();
  // Only the end of the connection delimits this answer: one that is not whole must be reset.
  const bool until_close = work_->writer && work_->writer->framing() == http::Framing::until_close;
  switch (how) {
    case Request::State::answered: end_request(reason); return;
    case Request::State::broken: close(reason, until_close); return;
    // In order: it gets what the kernel holds for it and then an end, so that it can tell what it has; a
    // reset would take that away. What it still sends is read, because closing with unread bytes is a reset,
    // too.
    case Request::State::given_up:
      if (until_close) {
        close(reason, true);
      } else {
        release_work();
        stream_->give_up_sending();
        linger(reason, true);
      }
      return;
    // One that half-closed behind a piece of a request may still read the answers to those before it.
    case Request::State::left: close(reason, !(eof_ && work_->request.left_unanswered())); return;
    case Request::State::unused:
    case Request::State::reading:
    case Request::State::answering:
    case Request::State::ending: return;
  }
}

void Http1Connection::end_request(core::ClientCloseReason reason) {
  const bool told = !work_->writer || !work_->writer->keep_alive();
  const bool last = told || refused_;  // of what came behind it something was not kept
  release_work();
  // A head that was out before the end was known has told the client that it may go on. What it sent since is
  // answered, and that answer says close; on a reload so is what it sends next, as with an idle client.
  if (last) {
    linger(reason);
    return;
  }
  if (host_.draining() && unparsed_.empty()) {
    linger(core::ClientCloseReason::stopping);
    return;
  }
  move_to(State::idle);
  host_.client_idle(*this);
  deadline_.set(context_.now() + keep_alive());
  if (!unparsed_.empty() || eof_) want_turn();
  update_reading();
}

// ---- a client's end

void Http1Connection::on_eof() {
  eof_ = true;
  switch (state_) {
    case State::idle:
      if (unparsed_.empty()) close(core::ClientCloseReason::client_closed);  // else on_turn() answers first
      return;
    case State::lingering: close(ends_for_); return;
    case State::reading_head: work_->request.on_client_left(core::ClientCloseReason::client_left); return;
    case State::in_request:
      // A page that was closed, or a body that will not come (one that is held back may be all there).
      // Nobody half-closes an event stream.
      if ((!is_answering() && !(holds_body() && !unparsed_.empty())) || work_->request.is_event_stream()) {
        work_->request.on_client_left(core::ClientCloseReason::client_left);
      } else {
        watch_for_leaving();
      }
      return;
    case State::closing: return;
  }
}

void Http1Connection::on_error(net::Error error) {
  if (state_ == State::closing) return;
  if (context_.log.wants(config::LogLevel::debug))
    context_.log.debug("client " + std::to_string(id()) + ": " + error.text());
  if (state_ == State::idle || state_ == State::lingering) {
    close(core::ClientCloseReason::client_error);
  } else {
    work_->request.on_client_left(core::ClientCloseReason::client_left);
  }
}

bool Http1Connection::client_gone() const {
  return eof_ && stream_->peer_gone();
}

// What is there to read while an answer is awaited is the end, which comes with the next turn (or, seldom, a
// pipelined request); it may be a body where that is held back.
bool Http1Connection::client_shut() const {
  return eof_ || (!holds_body() && stream_->has_unread_input());
}

void Http1Connection::on_drained() {
  if (state_ != State::in_request) return;
  work_->request.on_drained();
  if (eof_ && answer_far()) look_again();
}

// A client that has shut its sending side may still read (RFC 9112 9.6) or be gone: on a Unix socket the
// kernel tells; on TCP only an answer to bytes of ours does. An interim 100 is what every HTTP/1.1 client
// must be able to skip (RFC 9110 15.2), so it is our probe: a closed socket answers it with a reset.
void Http1Connection::watch_for_leaving() {
  if (!answer_far()) return;  // the answer itself will tell
  if (client_gone()) {
    work_->request.on_client_left(core::ClientCloseReason::client_left);
    return;
  }
  work_->request.on_half_closed();
  probes_ = 0;
  if (stream_->unsent_bytes() == 0) look_again();  // else on_drained() does
}

bool Http1Connection::answer_far() const {
  return state_ == State::in_request &&
         (work_->request.waits_for_php() || work_->request.waits_for_password());
}

// Who is gone gives its place among the passwords up at once: no answer is near.
void Http1Connection::look_again() {
  const bool now = probes_ == 0 && work_->request.queues_for_password();
  deadline_.set(context_.now() + (now ? core::Duration() : kLookTimes[probes_]));
}

void Http1Connection::look_for_leaving() {
  if (client_gone()) {
    work_->request.on_client_left(core::ClientCloseReason::client_left);
    return;
  }
  if (!answer_far()) return;
  // A 100 must not ask for a body that is held back.
  const bool may_probe =
      work_->parser.head().version_minor >= 1 && !(holds_body() && work_->parser.head().expect_continue);
  if (probes_ == 0 && !stream_->is_unix() && may_probe) send_continue();
  probes_ = static_cast<std::uint8_t>(std::min<std::size_t>(probes_ + 1U, kLookTimes.size() - 1));
  look_again();
}

void Http1Connection::on_deadline(core::Time) {
  switch (state_) {
    case State::idle: close(core::ClientCloseReason::keep_alive_timeout); return;
    case State::reading_head:
      refuse_head(408, "the head did not come in time", core::ClientCloseReason::header_timeout);
      return;
    case State::in_request:
      if (eof_ && (is_answering() || holds_body())) look_for_leaving();
      return;
    case State::lingering: close(ends_for_); return;
    case State::closing: return;
  }
}

// ---- told by the server

void Http1Connection::finish() {
  last_ = true;
  if (work_ == nullptr) return;
  work_->traits.keep_alive = false;
  if (work_->request.is_event_stream()) work_->request.on_client_left(core::ClientCloseReason::listener_gone);
}

void Http1Connection::shut_down() {
  finish();
  if (idle()) close(core::ClientCloseReason::stopping);  // else on_turn() answers what came before
}

void Http1Connection::cut_off(core::ClientCloseReason reason) {
  if (state_ == State::reading_head || state_ == State::in_request) {
    work_->request.on_client_left(reason);
  } else if (state_ != State::closing) {
    close(reason);
  }
}

void Http1Connection::linger(core::ClientCloseReason reason, bool gave_up) {
  // The stop of the server waits for all clients of the admin endpoint: it is the last thing that closes.
  if (eof_ || (role() == Role::admin && host_.stopping() && !gave_up)) {
    close(reason);
    return;
  }
  move_to(State::lingering);
  ends_for_ = reason;
  unparsed_.clear();
  stream_->shutdown_write();
  lingering_ = std::make_unique<Lingering>(Lingering{.until = context_.now() + kLingerTime});
  deadline_.set(context_.now() + kLingerSilence);
  update_reading();
}

// At the limit it is read no more, and closed after the time of silence: what it was told has that long to
// reach it.
void Http1Connection::on_lingering_read(std::size_t bytes) {
  lingering_->bytes += bytes;
  deadline_.set(std::min(context_.now() + kLingerSilence, lingering_->until));
}

void Http1Connection::close(core::ClientCloseReason reason, bool by_reset) {
  if (state_ == State::closing) return;
  move_to(State::closing);
  release_work();
  unparsed_.clear();
  turn_.unlink();
  close_socket(reason, by_reset);
}

}  // namespace holdfast

// FastCGI of a web server: how a connection ends, and web servers that are half gone.
#include <algorithm>
#include <cassert>
#include <optional>

#include "config/client.h"
#include "config/fastcgi_times.h"
#include "proxy/client/fastcgi_connection.h"
#include "proxy/client/linger.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {
// The empty STDIN record of a request whose CONTENT_LENGTH is 0: HAProxy may leave it out behind a POST by
// HTTP/2 (its issue 2499), and the specification (6.2) lets a Responder go by CONTENT_LENGTH. Where that is left out
// only the record tells the end: it is waited for as for a body.
constexpr core::Duration kStdinEndTime = 1s;
// On TCP: an end that comes so soon behind a request is a half-close, and so long such a request may queue.
constexpr core::Duration kShutBehindTime = 20ms;
constexpr core::Duration kShutQueueTime = 200ms;
// A connection that is to close: what was sent before that is read, and answered, for so long at most.
constexpr core::Duration kLastRequestTime = 1s;
// Answers that wait for a web server that only asks (GET_VALUES).
constexpr std::size_t kUnsentBytesMost = std::size_t{1} << 20;
}  // namespace

namespace {
bool may_follow(FastcgiConnection::State from, FastcgiConnection::State to) {
  using State = FastcgiConnection::State;
  switch (to) {
    case State::open: return false;
    case State::lingering:
    case State::leaving: return from == State::open;
    case State::closing: return from != State::closing;
  }
  return false;
}
}  // namespace

void FastcgiConnection::move_to(State next) {
  assert(may_follow(state_, next));
  state_ = next;
}

// The one place where it is decided what becomes of the connection; the last that happens in a frame.
void FastcgiConnection::settle() {
  if (busy_ || state_ == State::closing) return;
  look_at_end();
  if (state_ == State::closing) return;
  update_deadline();
  update_reading();
}

void FastcgiConnection::look_at_end() {
  if (!requests_.empty()) return;
  if (state_ == State::leaving) {
    close(ends_for_);
    return;
  }
  switch (session_.verdict()) {
    case fastcgi::ServerVerdict::keep: become_idle(); return;
    case fastcgi::ServerVerdict::finish: return;
    case fastcgi::ServerVerdict::reset: close(core::ClientCloseReason::answer_broken, true); return;
    case fastcgi::ServerVerdict::drain:
      if (stream_->unsent_bytes() == 0) linger();
      return;
    case fastcgi::ServerVerdict::close:
      if (stream_->unsent_bytes() == 0 || eof_)
        close(eof_ && ends_for_ == core::ClientCloseReason::last_answer
                  ? core::ClientCloseReason::client_closed
                  : ends_for_);
      return;
  }
}

void FastcgiConnection::become_idle() {
  idle_since_ = context_.now();
  if (host_.draining()) tell_last();
  if (is_too_late() || (last_by_ && !awaits_request_ && !has_input_waiting())) {
    end();
    look_at_end();
    return;
  }
  host_.client_idle(*this);
}

void FastcgiConnection::linger() {
  if (state_ == State::lingering) return;
  if (eof_) {
    close(ends_for_);
    return;
  }
  move_to(State::lingering);
  stream_->shutdown_write();
  lingers_until_ = context_.now() + kLingerTime;
}

void FastcgiConnection::close(core::ClientCloseReason reason, bool by_reset) {
  if (state_ == State::closing) return;
  move_to(State::closing);
  output_.clear();
  sent_.clear();
  waiting_.clear();
  turn_link_.unlink();
  close_socket(reason, by_reset);
  count_memory(0);
}

// ---- reading

// The one place that says whether it is read from: each limit on what it may make us hold is a refusal to
// read, of the whole connection.
bool FastcgiConnection::wants_input() const {
  switch (state_) {
    case State::open: break;
    case State::lingering: return lingered_bytes_ < kLingerBytes;
    case State::leaving:
    case State::closing: return false;
  }
  return stream_->unsent_bytes() <= kUnsentBytesMost && requests_.size() < kRequestsMost;
}

void FastcgiConnection::update_reading() {
  if (state_ == State::closing) return;
  const bool wants = wants_input() && !eof_;
  if (wants && waiting_.empty()) {
    stream_->start_read();
  } else {
    stream_->stop_read();
    if (wants) host_.wants_turn(turn_link_);
  }
  recount();
}

// What it holds beside the stores, which count themselves.
void FastcgiConnection::recount() {
  if (state_ == State::closing) return;
  std::size_t bytes =
      stream_->unsent_bytes() + output_.size() + session_.params_held_bytes() + waiting_.size();
  for (const auto& each : requests_) bytes += each->request().uncounted_bytes();
  count_memory(bytes);
}

// ---- time

core::Duration FastcgiConnection::stdin_end_time(const FastcgiRequest& request) const {
  return request.is_told_empty() ? kStdinEndTime : context_.client_config().timeouts.body;
}

void FastcgiConnection::update_deadline() {
  if (state_ == State::leaving) {
    deadline_.clear();  // its requests are over at the end of this turn
    return;
  }
  if (state_ == State::lingering) {
    deadline_.set(std::min(context_.now() + kLingerSilence, lingers_until_));
    return;
  }
  if (requests_.empty()) {
    set_deadline_without_requests();
    return;
  }
  nobodys_bytes_.stop();
  std::optional<core::Time> first;
  if (eof_ && context_.now() < eof_at_ + kShutQueueTime) first = eof_at_ + kShutQueueTime;
  for (const auto& each : requests_) {
    if (each->request().state() != Request::State::reading) continue;
    core::Time due = each->begun() + header_time();
    if (each->has_params()) {
      if (!each->lacks_stdin_end()) continue;  // Request watches the body
      due = each->params_ended() + stdin_end_time(*each);
    }
    first = first ? std::min(*first, due) : due;
  }
  if (first) {
    deadline_.set(*first);
  } else {
    deadline_.clear();
  }
}

// Where bytes wait that no request looks after, it is their delivery that must go on. Looked at at fixed times:
// whatever else comes from the web server puts no look off.
void FastcgiConnection::set_deadline_without_requests() {
  const core::Time now = context_.now();
  if (stream_->unsent_bytes() == 0) {
    nobodys_bytes_.stop();
    deadline_.set(last_by_.value_or(idle_since_ + config::kFastcgiIdleTime));
  } else if (!nobodys_bytes_.watching()) {
    nobodys_bytes_.start(now, stream_->delivered_bytes());
    deadline_.set(core::DeliveryWatch::next_look(now, context_.client_config().timeouts.write));
  }
}

void FastcgiConnection::look_at_nobodys_bytes(core::Time now) {
  const core::Duration patience = context_.client_config().timeouts.write;
  if (nobodys_bytes_.look(now, stream_->delivered_bytes(), patience)) {
    deadline_.set(core::DeliveryWatch::next_look(now, patience));
  } else {
    close(core::ClientCloseReason::client_stalled, true);
  }
}

void FastcgiConnection::on_deadline(core::Time now) {
  if (state_ == State::closing) return;
  if (state_ == State::lingering) {
    close(ends_for_);
    return;
  }
  if (nobodys_bytes_.watching()) {
    look_at_nobodys_bytes(now);
    return;
  }
  if (requests_.empty()) {
    if (!last_by_) ends_for_ = core::ClientCloseReason::keep_alive_timeout;
    end();
  } else {
    refuse_late(now);
    if (eof_) leave_queue();
  }
  settle();
}

// Requests whose parameters do not come, and those of which only the end of STDIN is missing.
void FastcgiConnection::refuse_late(core::Time now) {
  const Busy busy(*this);
  for (std::size_t i = requests_.size(); i-- > 0;) {
    if (i >= requests_.size()) continue;
    FastcgiRequest& each = *requests_[i];
    if (each.request().state() != Request::State::reading || each.ended()) continue;
    if (each.lacks_stdin_end() && now >= each.params_ended() + stdin_end_time(each)) {
      if (each.is_told_empty()) {
        session_.end_stdin(each.id());
        on_stdin_end(each);
      } else {
        each.request().refuse(408, "the end of the FastCGI STDIN did not come in time",
                              core::ClientCloseReason::body_timeout);
      }
    } else if (!each.has_params() && now >= each.begun() + header_time()) {
      each.refuse_unread(408, "the FastCGI parameters did not come in time",
                         core::ClientCloseReason::header_timeout);
    }
  }
}

// At buffers.memory_max: requests whose parameters have not come yet.
void FastcgiConnection::refuse_unread() {
  for (std::size_t i = requests_.size(); i-- > 0;) {
    if (i >= requests_.size()) continue;
    FastcgiRequest& each = *requests_[i];
    if (each.request().state() != Request::State::reading || each.ended() || each.has_params()) continue;
    count_refused_for_memory();
    each.refuse_unread(503, kMemoryFull, core::ClientCloseReason::refused);
  }
}

// ---- the web server's end

bool FastcgiConnection::has_left(const FastcgiRequest& request) const {
  if (!eof_) return false;
  if (stream_->is_unix()) return stream_->peer_gone();
  const bool shut_at_once = eof_at_ - request.completed() <= kShutBehindTime;
  return !shut_at_once || context_.now() >= eof_at_ + kShutQueueTime;
}

// Of its requests that are not whole becomes nothing.
void FastcgiConnection::take_nothing_more() {
  waiting_.clear();
  std::string_view none;
  take_input(none);
}

void FastcgiConnection::on_eof() {
  if (state_ == State::leaving || state_ == State::closing) return;
  if (state_ == State::lingering) {
    close(ends_for_);
    return;
  }
  eof_ = true;
  eof_at_ = context_.now();
  const bool gone = stream_->is_unix() && stream_->peer_gone();
  session_.end_input(gone ? fastcgi::ServerSession::InputEnd::gone
                          : fastcgi::ServerSession::InputEnd::half_closed);
  take_nothing_more();
  if (!gone) leave_queue();
  settle();
}

// Php gets nothing of those that are in the queue still when their web server is found to have left; their
// places are for others.
void FastcgiConnection::leave_queue() {
  for (const auto& each : requests_) {
    if (!each->request().waits_for_php()) continue;
    each->request().on_half_closed();
    if (has_left(*each)) each->request().leave_queue();
  }
}

void FastcgiConnection::on_error(net::Error error) {
  if (state_ == State::leaving || state_ == State::closing) return;
  if (context_.log.wants(config::LogLevel::debug))
    context_.log.debug("web server " + std::to_string(id()) + ": " + error.text());
  const bool at_work = !requests_.empty();
  eof_ = true;
  session_.end_input(fastcgi::ServerSession::InputEnd::gone);
  take_nothing_more();
  cut_off(at_work ? core::ClientCloseReason::client_left : core::ClientCloseReason::client_error);
}

// ---- told by the server

bool FastcgiConnection::has_input_waiting() const {
  return !waiting_.empty() || (!eof_ && stream_->has_unread_input());
}

// FastCGI has no word for it, so a web server that has its next request on the way finds a closed connection: nginx
// sends a GET again and answers 502 to a POST, HAProxy 502 to both, and sends on a connection that is at work
// without looking. So what comes within kLastRequestTime is served, what comes later beside a request that runs
// gets 503 at once, and the connection is closed behind an answer, where nginx looks whether it is: a request is
// awaited even of one that is idle.
void FastcgiConnection::tell_last() {
  if (!last_by_) last_by_ = context_.now() + kLastRequestTime;
}

bool FastcgiConnection::is_too_late() const {
  return last_by_ && context_.now() >= *last_by_;
}

void FastcgiConnection::end() {
  if (last_by_) {
    ends_for_ = host_.stopping() ? core::ClientCloseReason::stopping : core::ClientCloseReason::listener_gone;
  }
  session_.close_when_done();
}

void FastcgiConnection::finish() {
  if (state_ != State::open || last_by_) return;
  if (requests_.empty()) awaits_request_ = true;
  tell_last();
  settle();
}

void FastcgiConnection::shut_down() {
  finish();
}

// Requests that php may have run get a byte, or some web servers would send them again: each when it is known
// what became of it, at the end of this turn.
void FastcgiConnection::cut_off(core::ClientCloseReason reason) {
  if (state_ == State::leaving || state_ == State::closing) return;
  if (state_ == State::open) move_to(State::leaving);
  ends_for_ = reason;
  {
    const Busy busy(*this);
    for (std::size_t i = requests_.size(); i-- > 0;) {
      if (i < requests_.size()) requests_[i]->request().on_client_left(reason);
    }
  }
  if (requests_.empty()) {
    close(reason);
  } else {
    settle();
  }
}

}  // namespace holdfast

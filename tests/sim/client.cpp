// See client.h.
#include "client.h"

#include <algorithm>

#include "request_text.h"

namespace holdfast::sim {

using namespace std::chrono_literals;

namespace {
// For the trace: the first line's worth of it.
std::string printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, 60)) out += c == '\r' ? '<' : c == '\n' ? '>' : c;
  return out;
}
}  // namespace

Client::Client(Universe& universe, Ledger& ledger, AnswerJudge& judge, FakeNetwork& network, ClientPlan plan,
               std::string name)
    : universe_(universe),
      ledger_(ledger),
      judge_(judge),
      network_(network),
      plan_(std::move(plan)),
      name_(std::move(name)),
      reader_(universe, ledger, judge) {
  for (Request& request : plan_.requests) {
    request.http_1_0 = plan_.http_1_0;
    tags_.push_back(ledger_.add(request));
  }
  due_ = plan_.arrives;
}

void Client::step() {
  due_ = Time::max();
  if (state_ == State::coming) connect();
  if (state_ == State::talking) receive();
  if (state_ == State::talking) ask_next();
  if (state_ == State::talking) send();
  if (state_ == State::talking && !leaves()) set_due();
}

void Client::connect() {
  link_ = plan_.to_admin ? network_.dial_admin(name_) : network_.dial(name_);
  if (!link_) {
    go(Outcome::not_sent);
    return;
  }
  link_->set_peer(this);
  state_ = State::talking;
  next_read_ = next_write_ = next_ask_ = universe_.now;
}

// ---- reading

void Client::receive() {
  // Deaf, it notices no more than that the connection was cut.
  if (received_ >= plan_.deaf_after) {
    if (link_->proxy_closed()) go(Outcome::left);
    return;
  }
  if (universe_.now < next_read_) return;
  if (link_->peer_readable() > 0) {
    const bool sips = received_ >= plan_.sips_after;
    const std::size_t most =
        sips ? 1 : std::min(link_->peer_readable(), universe_.random.between(1, plan_.read_most));
    const std::string bytes = link_->peer_take(most);
    received_ += bytes.size();
    in_ += bytes;
    universe_.trace(name_, "reads " + std::to_string(bytes.size()) + ": " + printable(bytes));
    next_read_ = universe_.now + (sips ? Duration(10ms) : universe_.random.time(0us, plan_.read_pause));
    take_responses();
  }
  if (state_ == State::talking && link_->peer_sees_end()) on_end();
}

void Client::take_responses() {
  while (!in_.empty() && state_ == State::talking) {
    if (waiting_.empty()) {
      universe_.fail(name_ + " gets bytes that nobody asked for: " + in_.substr(0, 40));
      return;
    }
    const std::size_t before = in_.size();
    const std::size_t tag = waiting_.front();
    reader_.feed(in_);
    if (reader_.interims() > 0) patience_ends_ = universe_.now;
    if (!reader_.complete()) {
      if (in_.size() == before) return;
      continue;
    }
    waiting_.pop_front();
    close_told_ = close_told_ || reader_.closes();
    universe_.require(!reader_.closes() || !reader_.right() || ledger_.at(tag).may_close,
                      "Connection: close for no reason: " + Ledger::tag_text(tag));
    ledger_.at(tag).came_gzip = reader_.gzip();
    ledger_.end(tag, reader_.right() ? Outcome::answered : Outcome::error_page, reader_.status());
    last_answered_ = tag;
    next_ask_ = universe_.now + universe_.random.time(0us, plan_.think);
    if (!waiting_.empty()) reader_.expect(waiting_.front());
    for (const std::size_t other : waiting_) ledger_.at(other).close_was_told |= close_told_;
    if (waiting_.empty() && asked_ == tags_.size() && !close_told_ && universe_.random.chance(50)) {
      universe_.require(in_.empty(), name_ + " gets bytes behind its last answer");
      go(Outcome::none);  // all is answered: closes by itself
    }
  }
}

void Client::on_end() {
  // Nothing on a Unix socket tells HTTP/1.0 that a body without a length was cut: there is no reset. That it
  // was is judged all the same.
  const bool cut = link_->is_unix() && !waiting_.empty() && reader_.short_until_close();
  const bool whole = !waiting_.empty() && !link_->peer_sees_reset() && !cut && reader_.feed_end();
  if (whole) {
    ledger_.end(waiting_.front(), reader_.right() ? Outcome::answered : Outcome::error_page,
                reader_.status());
    waiting_.pop_front();
    close_told_ = true;
    for (const std::size_t other : waiting_) ledger_.at(other).close_was_told = true;
  } else if (!waiting_.empty() && reader_.started()) {
    ledger_.at(waiting_.front()).came_gzip = reader_.gzip();
    ledger_.end(waiting_.front(), Outcome::cut, reader_.status());
    waiting_.pop_front();
    for (const std::size_t other : waiting_) ledger_.at(other).close_was_told = true;
  }
  // An answer whose every byte had come when php died before END_REQUEST: the proxy cannot vouch for it.
  const bool excused =
      sent_ >= plan_.mute_after || (last_answered_ != SIZE_MAX && ledger_.at(last_answered_).disturbed);
  for (const std::size_t tag : waiting_) ledger_.at(tag).close_was_told |= excused;
  go(Outcome::closed_before);
}

// ---- writing

bool Client::may_ask() const {
  return asked_ < tags_.size() && waiting_.size() < plan_.pipeline && out_.empty() && held_body_.empty() &&
         !close_told_ && !shut_;
}

void Client::ask_next() {
  if (!held_body_.empty() && universe_.now >= patience_ends_) {
    out_ += held_body_;
    held_body_.clear();
  }
  if (universe_.now < next_ask_) return;
  while (may_ask() || (asked_ > 0 && asked_ < tags_.size() && waiting_.size() < plan_.pipeline &&
                       held_body_.empty() && !close_told_ && !shut_ && plan_.pipeline > 1)) {
    const std::size_t tag = tags_[asked_++];
    if (waiting_.empty()) reader_.expect(tag);
    waiting_.push_back(tag);
    ledger_.note_asked(tag);
    write_request(tag);
  }
}

void Client::write_request(std::size_t tag) {
  const Request& request = ledger_.at(tag);
  const std::string body = request.body_bytes > 0 ? Ledger::body(tag, request.body_bytes) : std::string();
  out_ += request_beginning(ledger_.at(tag), tag, judge_);
  if (plan_.head_bytes > 0) out_ += "X-Filler: " + std::string(plan_.head_bytes, 'f') + "\r\n";
  if (plan_.http_1_0 && universe_.random.chance(50)) out_ += "Connection: keep-alive\r\n";
  const bool chunked = plan_.chunked && !plan_.http_1_0 && !body.empty();
  const bool expects = plan_.expect_continue && !plan_.http_1_0 && !body.empty() && plan_.pipeline == 1;
  if (chunked) {
    out_ += "Transfer-Encoding: chunked\r\n";
  } else if (!body.empty() || request.method == "POST") {
    out_ += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  if (expects) out_ += "Expect: 100-continue\r\n";
  out_ += "\r\n";
  std::string& to = expects ? held_body_ : out_;
  patience_ends_ = universe_.now + 1s;
  if (!chunked) {
    to += body;
    return;
  }
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t size = universe_.random.between(1, std::min<std::size_t>(body.size() - at, 5000));
    char digits[20];
    std::snprintf(digits, sizeof digits, "%zx\r\n", size);
    to += digits + body.substr(at, size) + "\r\n";
    at += size;
  }
  to += "0\r\n\r\n";
}

void Client::send() {
  if (!out_.empty() && universe_.now >= next_write_) {
    const std::size_t room = std::min({link_->peer_room(), out_.size(), plan_.mute_after - sent_});
    const bool drips = sent_ >= plan_.drips_after;
    const std::size_t part = std::min(room, drips ? 1 : universe_.random.between(1, plan_.write_most));
    link_->peer_send(std::string_view(out_).substr(0, part));
    if (part > 0)
      universe_.trace(name_, "sends " + std::to_string(part) + ": " + printable(out_.substr(0, part)));
    out_.erase(0, part);
    sent_ += part;
    next_write_ = universe_.now + (drips ? Duration(500ms) : universe_.random.time(0us, plan_.write_pause));
  }
  if (plan_.shuts && !shut_ && out_.empty() && held_body_.empty() && asked_ == tags_.size()) {
    universe_.trace(name_, "shuts its sending side");
    link_->peer_shut();
    shut_ = true;
  }
}

// ---- the end

bool Client::leaves() {
  if (plan_.leave == ClientPlan::Leave::never) return false;
  const bool reached = plan_.leave_on_events > 0
                           ? reader_.events() >= plan_.leave_on_events
                           : sent_ >= plan_.leave_after_sent && received_ >= plan_.leave_after_received;
  if (leaves_at_ == Time::max() && reached)
    leaves_at_ = universe_.now + universe_.random.time(0us, plan_.leave_delay);
  if (universe_.now < leaves_at_) return false;
  universe_.trace(name_, plan_.leave == ClientPlan::Leave::reset ? "resets" : "leaves");
  if (plan_.leave == ClientPlan::Leave::reset) link_->peer_reset();
  go(Outcome::left);
  return true;
}

// Over: what is still open has ended like this; what was not asked is nobody's fault.
void Client::go(Outcome for_open) {
  if (link_) link_->peer_close();
  for (const std::size_t tag : waiting_) ledger_.end(tag, for_open, 0);
  waiting_.clear();
  for (; asked_ < tags_.size(); ++asked_) ledger_.end(tags_[asked_], Outcome::not_sent, 0);
  state_ = State::gone;
  due_ = Time::max();
}

void Client::set_due() {
  const bool deaf = received_ >= plan_.deaf_after;
  if (deaf && link_->proxy_closed()) due_ = universe_.now;
  if (!deaf && (link_->peer_readable() > 0 || link_->peer_sees_end())) due_ = std::min(due_, next_read_);
  if (!out_.empty() && link_->peer_room() > 0 && sent_ < plan_.mute_after) due_ = std::min(due_, next_write_);
  if (!held_body_.empty()) due_ = std::min(due_, patience_ends_);
  if (may_ask()) due_ = std::min(due_, next_ask_);
  due_ = std::min(due_, leaves_at_);
  due_ = std::max(due_, universe_.now + 1us);
}

}  // namespace holdfast::sim

// The client connection: clients that do not take their answer, that are half gone, or are told to go.
#include <algorithm>
#include <array>

#include "proxy/client/client_connection.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {
// When to look whether a half-closed client has gone altogether: at first after a time in which most answers
// are there, so that these come without the probe; soon after the probe; then rarely.
constexpr std::array<core::Duration, 5> kLookTimes = {150ms, 10ms, 50ms, 250ms, 1s};
// After an early answer or Connection: close, what the client still sends is read and thrown away: closing
// with unread bytes would reset the connection and could destroy the answer on its way. Until it is silent
// for so long, but no longer than that, and no more than that.
constexpr core::Duration kLingerSilence = 2s;
constexpr core::Duration kLingerTime = 10s;
constexpr std::size_t kLingerBytes = 16U << 20;
}  // namespace

// Bytes wait for the client, and it is time to see whether it takes any.
void ClientConnection::look_at_delivery(core::Time now) {
  const std::uint64_t delivered = stream_->delivered_bytes();
  if (!delivery_.look(now, delivered, config().client.timeouts.write)) {
    context_.log.debug("client " + std::to_string(id_) + ": takes nothing for client.timeouts.write");
    give_up("client_stalled");
  } else if (keeps_pace(now, delivered)) {
    deadline_.set(next_look(now));
  }
}

// A client that has stopped taking its answer. In order: it gets what the kernel holds for it and then an
// end, so that it can tell what it has; a reset would take that away. What it still sends is read, because
// closing with unread bytes is a reset, too. Only an answer that nothing but the end delimits must be reset.
void ClientConnection::give_up(std::string_view end) {
  if (role_ == Role::site) ++context_.metrics.client_left;
  given_up_ = end;
  response_.cut();
  if (exchange_ != nullptr) log_stderr();
  log_request();
  if (response_.cut_by_reset()) {
    close();
    return;
  }
  drop_answer();
  stream_->give_up_sending();
  linger();
}

// A client that has shut its sending side may still read (RFC 9112 9.6) or be gone: on a Unix socket the
// kernel tells; on TCP only an answer to bytes of ours does. An interim 100 is what every HTTP/1.1 client
// must be able to skip (RFC 9110 15.2), so it is our probe: a closed socket answers it with a reset.
void ClientConnection::watch_for_leaving() {
  const bool nothing_sent =
      exchange_ != nullptr && exchange_->state() != core::ExchangeState::done && !response_.started();
  if (!nothing_sent) return;  // the answer itself will tell
  if (gone()) {
    leave();
    return;
  }
  probes_ = 0;
  if (stream_->unsent_bytes() > 0) {
    watch_writing();  // on_drained() comes back here
  } else {
    look_again();
  }
}

void ClientConnection::look_again() {
  deadline_.set(context_.now() + kLookTimes[probes_]);
}

void ClientConnection::look_for_leaving() {
  if (gone()) {
    leave();
    return;
  }
  if (probes_ == 0 && !response_.started() && !stream_->is_unix() && parser_.head().version_minor >= 1) {
    std::string interim;
    http::ResponseWriter::write_continue(interim);
    stream_->write(interim);
  }
  probes_ = std::min<unsigned>(probes_ + 1, kLookTimes.size() - 1);
  look_again();
}

void ClientConnection::linger() {
  if (eof_ || (role_ == Role::admin && given_up_.empty())) {
    close();
    return;
  }
  state_ = State::lingering;
  unparsed_.clear();
  delivery_.stop();
  stream_->shutdown_write();
  lingered_ = 0;
  lingers_until_ = context_.now() + kLingerTime;
  deadline_.set(context_.now() + kLingerSilence);
  update_reading();
}

bool ClientConnection::lingers_on() const {
  return lingered_ < kLingerBytes;
}

// At the limit it is read no more, and closed after the time of silence: what it was told has that long to
// reach it.
void ClientConnection::on_lingering_read(std::size_t bytes) {
  lingered_ += bytes;
  deadline_.set(std::min(context_.now() + kLingerSilence, lingers_until_));
}

}  // namespace holdfast

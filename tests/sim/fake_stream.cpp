// See fake_stream.h. Mirrors proxy/net/uv_stream.cpp in what it promises, not in how.
#include "fake_stream.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "fake_network.h"

namespace holdfast::sim {

FakeStream::FakeStream(FakeNetwork& network, std::shared_ptr<Link> link, bool unix_socket)
    : network_(network),
      universe_(network.universe()),
      link_(std::move(link)),
      unix_(unix_socket),
      state_(State::open) {
  network_.add(*this);
}

FakeStream::~FakeStream() {
  universe_.require(state_ == State::closed, "a stream is destroyed before on_closed()");
  network_.remove(*this);
}

void FakeStream::connect_ends_at(net::StreamHandler& handler, Time when, int error) {
  handler_ = &handler;
  state_ = State::connecting;
  connect_due_ = when;
  connect_error_ = error;
}

// A call of the owner: no callback may happen until it returns.
void FakeStream::start_read() {
  if (reading_ != Reading::stopped || closing() || state_ == State::failed) return;
  reading_ = Reading::started;
}

void FakeStream::stop_read() {
  if (reading_ == Reading::started) reading_ = Reading::stopped;
}

bool FakeStream::write(std::span<const std::string_view> slices) {
  if (closing()) universe_.fail("write() on a stream that is closing");
  if (closing() || state_ == State::failed || pending_error_ != 0) return false;
  if (shut_wanted_) universe_.fail("write() after shutdown_write()");
  std::string bytes;
  for (const std::string_view slice : slices) bytes.append(slice);
  if (bytes.empty()) return !draining_ && queue_.empty();
  std::size_t taken = 0;
  if (state_ == State::open && !draining_) {
    // The kernel takes what it likes: all there is room for, or a part of it.
    std::size_t offered = bytes.size();
    if (!link_->takes_all() && universe_.random.chance(network_.knobs.partial_write_percent))
      offered = universe_.random.below(offered + 1);
    int error = 0;
    taken = link_->proxy_send(std::string_view(bytes).substr(0, offered), error);
    if (error != 0) {
      pending_error_ = error;
      return false;
    }
    sent_ += taken;
    if (taken == bytes.size()) return true;
  }
  queue_.append(bytes, taken);
  draining_ = true;
  return false;
}

std::uint64_t FakeStream::delivered_bytes() const {
  return link_ ? sent_ - std::min<std::uint64_t>(sent_, link_->unread_by_peer().size()) : 0;
}

void FakeStream::give_up_sending() {
  queue_.clear();
  draining_ = false;
  shutdown_write();
}

void FakeStream::shutdown_write() {
  if (shut_wanted_ || closing()) return;
  shut_wanted_ = true;
  if (state_ == State::open && !draining_) {
    shut_done_ = true;
    link_->proxy_shut();
  }
}

void FakeStream::close() {
  if (closing()) return;
  state_ = State::closing;
  close_delay = static_cast<int>(universe_.random.below(network_.knobs.close_turns_most + 1));
  if (link_) link_->proxy_close(false);
}

void FakeStream::reset() {
  if (closing()) return;
  if (link_) link_->proxy_close(true);
  close();
}

bool FakeStream::input_there() const {
  return link_->proxy_readable() > 0 || link_->proxy_sees_end() || link_->proxy_sees_reset();
}

bool FakeStream::has_unread_input() const {
  return state_ == State::open && reading_ != Reading::ended && input_there();
}

bool FakeStream::peer_gone() const {
  return (state_ == State::open || state_ == State::failed) && link_ && link_->peer_gone();
}

// ---- for the network

std::optional<Time> FakeStream::next_time() const {
  if (state_ == State::connecting) return connect_due_;
  return link_ ? link_->next_time() : std::nullopt;
}

bool FakeStream::ready() const {
  switch (state_) {
    case State::connecting: return connect_due_ <= universe_.now;
    case State::open:
      if (pending_error_ != 0) return true;
      if (reading_ == Reading::started && input_there()) return true;
      return draining_ && (queue_.empty() || link_->proxy_room() > 0);
    case State::failed: return false;
    case State::closing: return true;
    case State::closed: return false;
  }
  return false;
}

void FakeStream::deliver() {
  if (state_ == State::connecting) {
    deliver_connected();
    return;
  }
  const bool output_first = universe_.random.chance(30);
  if (output_first) deliver_output();
  deliver_input();
  if (!output_first) deliver_output();
}

void FakeStream::deliver_connected() {
  if (connect_error_ == 0 && !link_) connect_error_ = network_.reach(*this, link_);
  if (connect_error_ == EINPROGRESS) {  // TCP, no room in the backlog: the handshake is tried again
    connect_error_ = 0;
    connect_due_ = universe_.now + std::chrono::seconds(1);
    return;
  }
  if (connect_error_ != 0) {
    state_ = State::failed;
    handler_->on_connected(net::Error{connect_error_});
    return;
  }
  state_ = State::open;
  if (!queue_.empty()) {
    draining_ = true;
  } else if (shut_wanted_) {
    shut_done_ = true;
    link_->proxy_shut();
  }
  handler_->on_connected(net::Error{});
}

void FakeStream::deliver_input() {
  // One readiness may give several reads, and an end behind them, before anybody else is heard.
  for (std::size_t reads = universe_.random.between(1, 3); reads > 0; --reads) {
    if (state_ != State::open || reading_ != Reading::started || link_->proxy_readable() == 0) break;
    read_some(network_.read_size());
  }
  if (state_ != State::open || reading_ != Reading::started || link_->proxy_readable() > 0) return;
  if (universe_.random.chance(40)) return;  // the end is seen in a later turn
  if (link_->proxy_sees_reset()) {
    fail(ECONNRESET);
  } else if (link_->proxy_sees_end()) {
    reading_ = Reading::ended;
    universe_.trace(link_->name(), "gives the proxy an end");
    handler_->on_eof();
  }
}

void FakeStream::read_some(std::size_t most) {
  // Its own memory, gone after the call: who keeps a view of it is found out.
  const std::string bytes = link_->proxy_take(std::max<std::size_t>(most, 1));
  universe_.trace(link_->name(), "gives the proxy " + std::to_string(bytes.size()));
  const std::vector<char> copy(bytes.begin(), bytes.end());
  handler_->on_read(std::string_view(copy.data(), copy.size()));
}

void FakeStream::deliver_output() {
  if (state_ != State::open || !draining_ || pending_error_ != 0) return;
  if (!queue_.empty()) {
    int error = 0;
    const std::size_t part =
        universe_.random.chance(30) ? universe_.random.between(1, queue_.size()) : queue_.size();
    const std::size_t taken = link_->proxy_send(std::string_view(queue_).substr(0, part), error);
    if (error != 0) {
      pending_error_ = error;
      deliver_deferred();
      return;
    }
    sent_ += taken;
    queue_.erase(0, taken);
    // The kernel has it all; the owner may hear of that later.
    if (!queue_.empty() || universe_.random.chance(20)) return;
  }
  draining_ = false;
  if (shut_wanted_ && !shut_done_) {
    shut_done_ = true;
    link_->proxy_shut();
  }
  handler_->on_drained();
}

void FakeStream::deliver_deferred() {
  if (pending_error_ == 0 || state_ != State::open) return;
  // What the peer said before it went comes first.
  while (state_ == State::open && reading_ == Reading::started && link_->proxy_readable() > 0)
    read_some(network_.read_size());
  if (state_ == State::open) fail(pending_error_);
}

void FakeStream::fail(int code) {
  state_ = State::failed;
  reading_ = Reading::ended;
  queue_.clear();
  draining_ = false;
  universe_.trace(link_ ? link_->name() : "", "gives the proxy an error");
  handler_->on_error(net::Error{code});
}

void FakeStream::deliver_closed() {
  state_ = State::closed;
  handler_->on_closed();  // last: the owner may destroy this in it
}

}  // namespace holdfast::sim

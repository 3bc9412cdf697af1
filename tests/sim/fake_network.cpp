// See fake_network.h.
#include "fake_network.h"

#include <algorithm>
#include <cerrno>

namespace holdfast::sim {

using namespace std::chrono_literals;

namespace {
// A ready stream is not passed over for longer than this, however the dice fall: deadlines of the proxy that
// allow for a round trip (50 ms) must not be missed by the simulation's own whim.
constexpr Duration kLongestDelay = 5ms;
// The proxy asked to be woken at once, was, and nothing else happened: so often in a row it is spinning.
constexpr int kIdleTurnsMost = 100;
}  // namespace

std::string address_text(const net::Endpoint& endpoint) {
  return endpoint.unix_socket ? endpoint.path : endpoint.host + ":" + std::to_string(endpoint.port);
}

FakeListener::~FakeListener() {
  for (const auto& link : backlog_) link->proxy_close(true);
  network_.remove(*this);
}

void FakeListener::accept_some() {
  for (std::size_t n = network_.universe().random.between(1, 4); n > 0 && ready(); --n) {
    const std::shared_ptr<Link> link = backlog_.front();
    backlog_.pop_front();
    net::Peer peer;
    net::Peer local;
    if (!unix_) {
      const auto last = static_cast<std::uint8_t>(network_.accepted_++ % 5 + 1);
      peer = {.address = "192.0.2." + std::to_string(last),
              .port = 40000,
              .bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, last}};
      local = {.address = "192.0.2.1",
               .port = 8080,
               .bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1}};
    }
    handler_.on_accept(std::make_unique<FakeStream>(network_, link, unix_), peer, local);
  }
}

std::unique_ptr<net::Stream> FakeNetwork::connect(const net::Endpoint& endpoint,
                                                  net::StreamHandler& handler) {
  auto stream = std::make_unique<FakeStream>(*this, nullptr, endpoint.unix_socket);
  addresses_[stream.get()] = address_text(endpoint);
  stream->connect_ends_at(handler, universe_.now + universe_.random.time(0us, knobs.connect_most), 0);
  return stream;
}

int FakeNetwork::reach(FakeStream& stream, std::shared_ptr<Link>& link) {
  return backends_.at(addresses_.at(&stream))->reach(link);
}

std::unique_ptr<net::Listener> FakeNetwork::listen(const net::Endpoint& endpoint, net::AcceptHandler& handler,
                                                   std::string&) {
  auto listener = std::make_unique<FakeListener>(*this, handler, endpoint);
  listeners_.push_back(listener.get());
  return listener;
}

std::shared_ptr<Link> FakeNetwork::dial(const std::string& name, const std::string& path) {
  const auto found =
      std::find_if(listeners_.begin(), listeners_.end(), [this, &path](const FakeListener* each) {
        if (!path.empty()) return each->address() == path;
        return each->address() != kWebServerPath && each->address() != admin_address_;
      });
  if (found == listeners_.end()) return nullptr;
  auto link = std::make_shared<Link>(universe_, (*found)->is_unix(), knobs.room, name);
  (*found)->add(link);
  return link;
}

std::shared_ptr<Link> FakeNetwork::dial_admin(const std::string& name) {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(), [this](const FakeListener* each) {
    return each->address() == admin_address_;
  });
  if (found == listeners_.end()) return nullptr;
  auto link = std::make_shared<Link>(universe_, (*found)->is_unix(), Link::kRoomForAll, name);
  (*found)->add(link);
  return link;
}

void FakeNetwork::remove(FakeStream& stream) {
  std::erase(streams_, &stream);
  addresses_.erase(&stream);
}

void FakeNetwork::remove(FakeListener& listener) {
  std::erase(listeners_, &listener);
}

bool FakeNetwork::living(const FakeStream* stream) const {
  return std::find(streams_.begin(), streams_.end(), stream) != streams_.end();
}

std::size_t FakeNetwork::read_size() {
  // Mostly what there is, sometimes a crumb of it.
  if (universe_.random.chance(15))
    return universe_.random.between(1, std::min<std::size_t>(knobs.read_most, 9));
  return universe_.random.between(1, knobs.read_most);
}

bool FakeNetwork::ready() const {
  if (wakeup_ && *wakeup_ <= universe_.now) return true;
  for (const FakeListener* listener : listeners_) {
    if (listener->ready()) return true;
  }
  return std::any_of(streams_.begin(), streams_.end(), [](const FakeStream* s) { return s->ready(); });
}

std::optional<Time> FakeNetwork::next_time() const {
  std::optional<Time> earliest = wakeup_;
  for (const FakeStream* stream : streams_) {
    const std::optional<Time> time = stream->next_time();
    if (time && (!earliest || *time < *earliest)) earliest = time;
  }
  return earliest;
}

// libuv's order: sockets, closes, timer, then the end of the turn (uv_prepare) with the deferred errors
// first.
void FakeNetwork::turn(const std::function<void()>& meanwhile) {
  for (FakeStream* stream : streams_) {
    if (const auto link = stream->link()) link->on_time();
  }
  bool any = deliver_io(meanwhile);
  any = deliver_closes() || any;
  if (wakeup_ && *wakeup_ <= universe_.now && turn_handler_ != nullptr) {
    wakeup_.reset();
    idle_turns_ = wakeup_at_once_ ? idle_turns_ + 1 : 0;
    turn_handler_->on_wakeup();
    if (idle_turns_ > kIdleTurnsMost) universe_.fail("the proxy wakes itself again and again");
  }
  if (any) idle_turns_ = 0;
  const std::vector<FakeStream*> snapshot = streams_;
  for (FakeStream* stream : snapshot) {
    if (living(stream)) stream->deliver_deferred();
  }
  if (turn_handler_ != nullptr) turn_handler_->on_turn_end();
}

bool FakeNetwork::deliver_io(const std::function<void()>& meanwhile) {
  bool any = false;
  const std::vector<FakeListener*> listeners = listeners_;
  for (FakeListener* listener : listeners) {
    if (!listener->ready() || !universe_.random.chance(knobs.deliver_percent)) continue;
    listener->accept_some();
    any = true;
  }
  std::vector<FakeStream*> ready;
  for (FakeStream* stream : streams_) {
    if (stream->closing() || !stream->ready()) {
      stream->ready_since = Time::max();
      continue;
    }
    if (stream->ready_since == Time::max()) stream->ready_since = universe_.now;
    const bool overdue = universe_.now - stream->ready_since > kLongestDelay;
    if (overdue || universe_.random.chance(knobs.deliver_percent)) ready.push_back(stream);
  }
  universe_.random.shuffle(ready);
  for (FakeStream* stream : ready) {
    if (!living(stream) || stream->closing() || !stream->ready()) continue;
    stream->ready_since = Time::max();
    stream->deliver();
    any = true;
    if (universe_.random.chance(30)) meanwhile();
  }
  return any;
}

bool FakeNetwork::deliver_closes() {
  bool any = false;
  const std::vector<FakeStream*> snapshot = streams_;
  for (FakeStream* stream : snapshot) {
    if (!living(stream) || stream->state() != FakeStream::State::closing || stream->close_delay-- > 0)
      continue;
    stream->deliver_closed();
    any = true;
  }
  return any;
}

std::size_t FakeNetwork::open_to(const std::string& address) const {
  std::size_t count = 0;
  for (const FakeStream* stream : streams_) {
    const auto found = addresses_.find(stream);
    if (found != addresses_.end() && found->second == address && !stream->closing()) ++count;
  }
  return count;
}

std::vector<std::shared_ptr<Link>> FakeNetwork::links_to(const std::string& address) const {
  std::vector<std::shared_ptr<Link>> links;
  for (const FakeStream* stream : streams_) {
    const auto found = addresses_.find(stream);
    if (found != addresses_.end() && found->second == address && stream->link())
      links.push_back(stream->link());
  }
  return links;
}

std::size_t FakeNetwork::unsent_most() const {
  std::size_t most = 0;
  for (const FakeStream* stream : streams_) most = std::max(most, stream->unsent_bytes());
  return most;
}

}  // namespace holdfast::sim

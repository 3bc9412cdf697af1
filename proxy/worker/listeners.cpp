// Opening, keeping and closing listeners.
#include "proxy/worker/listeners.h"

#include <algorithm>

#include "config/fastcgi_listener.h"
#include "proxy/loop/endpoint.h"

namespace holdfast {

// One listener, and whom it accepts for.
class Listeners::Acceptor final : public net::AcceptHandler {
 public:
  Acceptor(ArrivalHandler& handler, const config::Address& address) : handler_(handler), address_(address) {}

  bool listen(net::Network& network, const std::vector<net::Listener*>& leaving,
              const net::Endpoint& endpoint, std::string& error) {
    listener_ = network.listen_in_place_of(leaving, endpoint, *this, error);
    return listener_ != nullptr;
  }
  void on_accept(std::unique_ptr<net::Stream> stream, const net::Peer& peer,
                 const net::Peer& local) override {
    Arrival arrival{
        .admin = admin(), .listener = id_, .stream = std::move(stream), .peer = peer, .local = local};
    if (kind_ == Kind::fastcgi) arrival.fastcgi = address_;
    handler_.on_arrival(std::move(arrival));
  }
  void on_accept_failed(net::Error error) override { handler_.on_arrival_failed(error); }
  void serve(Kind kind, std::uint64_t id) {
    kind_ = kind;
    id_ = id;
  }
  const config::Address& address() const { return address_; }  // as configured
  // The address bound, a port chosen by the kernel included.
  std::string text() const {
    config::Address bound = address_;
    if (bound.kind == config::Address::Kind::tcp) bound.port = listener_->port();
    return bound.text();
  }
  std::string says() const {
    switch (kind_) {
      case Kind::http: return "listening on " + text();
      case Kind::fastcgi: return "listening on " + text() + " (FastCGI)";
      case Kind::admin: return "admin on " + text();
    }
    return text();
  }
  net::Listener& listener() { return *listener_; }
  const net::Listener& listener() const { return *listener_; }
  Kind kind() const { return kind_; }
  bool admin() const { return kind_ == Kind::admin; }
  std::uint64_t id() const { return id_; }

 private:
  ArrivalHandler& handler_;
  config::Address address_;
  std::unique_ptr<net::Listener> listener_;
  std::uint64_t id_ = 0;
  Kind kind_ = Kind::http;
};

// One address of the next set: a listener there is, or a new one.
struct Listeners::Next::Place {
  config::Address address;
  Kind kind = Kind::http;
  const config::FastcgiListener* fastcgi = nullptr;  // until prepare() is over
  Acceptor* kept = nullptr;
  std::unique_ptr<Acceptor> fresh = nullptr;
};

Listeners::Next::Next() = default;
Listeners::Next::~Next() = default;
Listeners::Next::Next(Next&&) noexcept = default;
Listeners::Next& Listeners::Next::operator=(Next&&) noexcept = default;

Listeners::Listeners(net::Network& network, Log& log, ArrivalHandler& handler)
    : network_(network), log_(log), handler_(handler) {}
Listeners::~Listeners() = default;

std::optional<Listeners::Next> Listeners::prepare(const std::vector<config::Address>& sites,
                                                  const std::vector<config::FastcgiListener>& fastcgi,
                                                  const std::optional<config::Address>& admin,
                                                  std::string& error) {
  Next next;
  for (const config::Address& address : sites) next.places_.push_back({.address = address});
  for (const config::FastcgiListener& each : fastcgi)
    next.places_.push_back({.address = each.address, .kind = Kind::fastcgi, .fastcgi = &each});
  if (admin) next.places_.push_back({.address = *admin, .kind = Kind::admin});
  keep(next);
  for (Next::Place& place : next.places_) {
    if (place.kept == nullptr && !open(place, next.leaving_, error)) return std::nullopt;
  }
  return next;
}

void Listeners::keep(Next& next) {
  for (const auto& acceptor : acceptors_) next.leaving_.push_back(acceptor.get());
  // The same role first: two addresses with port 0 are equal, and the admin endpoint is not to change places
  // with a site for that.
  for (const bool same_role : {true, false}) {
    for (Next::Place& place : next.places_) {
      if (place.kept != nullptr) continue;
      const auto found = std::find_if(
          next.leaving_.begin(), next.leaving_.end(), [&place, same_role](const Acceptor* acceptor) {
            return acceptor->address() == place.address && (!same_role || acceptor->kind() == place.kind);
          });
      if (found == next.leaving_.end()) continue;
      place.kept = *found;
      next.leaving_.erase(found);
    }
  }
}

bool Listeners::open(Next::Place& place, const std::vector<Acceptor*>& leaving, std::string& error) {
  std::vector<net::Listener*> in_the_way;
  for (Acceptor* acceptor : leaving) {
    if (acceptor->listener().port() != 0 && acceptor->listener().port() == place.address.port) {
      in_the_way.push_back(&acceptor->listener());
    }
  }
  place.fresh = std::make_unique<Acceptor>(handler_, place.address);
  net::Endpoint endpoint = endpoint_of(place.address);
  if (place.fastcgi != nullptr) {
    endpoint.mode = place.fastcgi->mode;
    endpoint.owner = place.fastcgi->owner;
    endpoint.group = place.fastcgi->group;
  }
  if (place.fresh->listen(network_, in_the_way, endpoint, error)) return true;
  error = (place.kind == Kind::admin ? "admin.listen: " : "listen: ") + error;
  return false;
}

std::vector<std::uint64_t> Listeners::put_in_force(Next next) {
  std::vector<std::uint64_t> gone;
  for (Acceptor* acceptor : next.leaving_) {
    acceptor->listener().accept_waiting();
    gone.push_back(acceptor->id());
    log_.info("closed " + acceptor->text());
  }
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  for (Next::Place& place : next.places_) {
    if (place.kept == nullptr) {
      place.fresh->serve(place.kind, ++last_id_);
      log_.info(place.fresh->says());
      acceptors.push_back(std::move(place.fresh));
      continue;
    }
    const auto found = std::find_if(acceptors_.begin(), acceptors_.end(),
                                    [&place](const auto& each) { return each.get() == place.kept; });
    if (place.kept->kind() != place.kind) {
      gone.push_back(place.kept->id());
      place.kept->serve(place.kind, ++last_id_);
      log_.info(place.kept->says());
    }
    acceptors.push_back(std::move(*found));
  }
  acceptors_ = std::move(acceptors);
  if (paused_) {
    pause();
  } else {
    resume();
  }
  return gone;
}

void Listeners::give_to(std::uint32_t user, std::uint32_t group) const {
  for (const auto& acceptor : acceptors_) acceptor->listener().give_to(user, group);
}

void Listeners::pause() {
  paused_ = true;
  for (const auto& acceptor : acceptors_) {
    if (acceptor->admin()) {
      acceptor->listener().resume();
    } else {
      acceptor->listener().pause();
    }
  }
}

void Listeners::resume() {
  paused_ = false;
  for (const auto& acceptor : acceptors_) acceptor->listener().resume();
}

// A web server makes a connection for each request, and answers 502 where it is closed. A client repeats it.
void Listeners::close_sites() {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->kind() == Kind::fastcgi) acceptor->listener().accept_waiting();
  }
  std::erase_if(acceptors_, [](const auto& acceptor) { return !acceptor->admin(); });
}

void Listeners::close() {
  acceptors_.clear();
}

std::vector<std::uint16_t> Listeners::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& acceptor : acceptors_) {
    if (acceptor->listener().port() != 0) ports.push_back(acceptor->listener().port());
  }
  return ports;
}

std::uint16_t Listeners::admin_port() const {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->admin()) return acceptor->listener().port();
  }
  return 0;
}

}  // namespace holdfast

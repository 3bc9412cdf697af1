// The worker: clients that come, how many there may be, and who goes when all places are taken.
#include "config/client.h"
#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/load.h"  // contains()
#include "config/pool.h"
#include "proxy/core/descriptor_plan.h"
#include "proxy/worker/worker.h"

namespace holdfast {

namespace {
// Looks into sockets for one that may be closed, at once: each costs a system call.
constexpr int kLooksMost = 64;

core::DescriptorNeeds needs_of(const config::Config& config) {
  core::DescriptorNeeds needs;
  needs.listeners = config.listen.size() + config.fastcgi.size() + (config.admin ? 1 : 0);
  for (const config::Pool& pool : config.pools) needs.upstream_connections += pool.max_connections + 1;
  return needs;
}
}  // namespace

void Worker::set_descriptor_limit(std::uint64_t limit) {
  descriptor_limit_ = limit;
  set_places();
}

// The configuration's limits, as far as descriptors allow.
void Worker::set_places() {
  const std::uint64_t wanted = context_.config->client->max_connections;
  const std::uint64_t before = places_.most();
  const std::uint64_t sure = core::clients_by_descriptors(descriptor_limit_, needs_of(*context_.config));
  places_.set_limits(std::min(wanted, sure), context_.config->client->max_per_address);
  if (sure >= wanted || places_.most() == before) return;
  context_.log.warn("the limit of " + std::to_string(descriptor_limit_) + " descriptors allows " +
                    std::to_string(sure) + " clients, client.max_connections is " + std::to_string(wanted) +
                    ": the lower number holds; raise the limit (systemd: LimitNOFILE=, shell: ulimit -n)");
}

// A Unix socket's clients have no address; a web server's connections are those of all its clients.
std::optional<core::ClientKey> Worker::place_key(const ClientConnection& client) const {
  if (client.peer().address.empty() || client.speaks_fastcgi()) return std::nullopt;
  return core::client_key(client.peer().bytes);
}

std::unique_ptr<ClientConnection> Worker::make_client(std::uint64_t id, Arrival arrival) {
  if (!arrival.fastcgi)
    return std::make_unique<Http1Connection>(*this, context_, http1_stock_, id, std::move(arrival));
  config::Address address = *arrival.fastcgi;
  return std::make_unique<FastcgiConnection>(*this, context_, fastcgi_stock_, id, std::move(address),
                                             std::move(arrival));
}

// Who may speak FastCGI may run any script.
bool Worker::is_allowed(const config::Address& address, const net::Peer& peer) {
  const FastcgiPlans::Listening* const listening = fastcgi_plans_->find(address);
  if (listening == nullptr) return false;  // nobody knows any more who might
  if (listening->listener->allow.empty() || config::contains(listening->listener->allow, peer.bytes))
    return true;
  if (const auto more = not_allowed_line_.due(now())) {
    context_.log.warn("listen: " + peer.address + " may not speak FastCGI at " + address.text() +
                      ": its connection is closed" + *more +
                      ". If it is a web server of yours, name it in allow");
  }
  return false;
}

void Worker::on_arrival(Arrival arrival) {
  const std::uint64_t id = context_.next_id();
  const std::optional<config::Address> fastcgi = arrival.fastcgi;
  auto& client = clients_[id] = make_client(id, std::move(arrival));
  if (client->role() == ClientConnection::Role::admin) {
    ++admin_clients_;
    const std::uint64_t most = core::admin_connections_most(descriptor_limit_);
    make_room(idle_admin_, [this, most] { return admin_clients_ <= most; });
    return;
  }
  ++context_.metrics.clients_accepted;
  const std::optional<core::ClientKey> key = place_key(*client);
  const bool has_place = places_.enter(key);
  if (fastcgi && !is_allowed(*fastcgi, client->peer())) {
    leaving_clients_.insert(id);
    places_.leaving();
    client->cut_off(core::ClientCloseReason::not_allowed);
  } else if (!has_place && !config::contains(context_.config->trusted_proxies, client->peer().bytes)) {
    ++context_.metrics.clients_over_address;
    if (const auto more = address_line_.due(now())) {
      context_.log.warn("client.max_per_address: " + client->peer().address + " has " +
                        std::to_string(context_.config->client->max_per_address) +
                        " connections; one more is refused" + *more +
                        ". If it is a proxy of yours, name it in trusted_proxies");
    }
    leaving_clients_.insert(id);
    places_.leaving();
    client->cut_off(core::ClientCloseReason::over_address_limit);
  }
  make_room(idle_sites_, [this] { return !places_.overfull(); });
  limit_clients();
}

void Worker::on_arrival_failed(net::Error error) {
  if (context_.descriptors.note(DescriptorWatch::Place::accept, error, now())) return;
  context_.log.warn("accept: " + error.text() + ": new clients wait");
}

void Worker::client_idle(ClientConnection& client) {
  (client.role() == ClientConnection::Role::admin ? idle_admin_ : idle_sites_).add(client.idle_link());
}

// Takes those that are at work out of the list, they come back to its end; and those whose request is here
// but not read: whoever is closed loses nothing.
ClientConnection* Worker::longest_idle(core::Ring<ClientConnection>& idle) {
  int looks = 0;
  while (ClientConnection* const client = idle.front()) {
    if (client->idle()) {
      if (!client->has_unread_input()) return client;
      if (++looks == kLooksMost) return nullptr;  // they are read next, and then it is looked again
    }
    client->idle_link().unlink();
  }
  return nullptr;
}

void Worker::make_room(core::Ring<ClientConnection>& idle, const std::function<bool()>& enough) {
  while (!enough()) {
    ClientConnection* const client = longest_idle(idle);
    if (client == nullptr) return;
    client->idle_link().unlink();
    client->cut_off(core::ClientCloseReason::made_way);
    leaving_clients_.insert(client->id());
    ++context_.metrics.clients_made_way;
    if (client->role() == ClientConnection::Role::admin) {
      --admin_clients_;
      continue;
    }
    places_.leaving();
    if (const auto more = full_line_.due(now())) {
      context_.log.warn("client.max_connections reached (" + std::to_string(places_.most()) +
                        "): idle clients are closed for new ones" + *more);
    }
  }
}

void Worker::forget_place(const ClientConnection& client) {
  const bool was_leaving = leaving_clients_.erase(client.id()) > 0;
  if (client.role() == ClientConnection::Role::site) {
    places_.leave(place_key(client), was_leaving);
  } else if (!was_leaving) {
    --admin_clients_;
  }
}

// With all places taken and nobody idle new clients wait in the kernel's backlog; the admin endpoint stays
// open.
void Worker::limit_clients() {
  if (draining()) return;
  const bool room = !places_.full() || longest_idle(idle_sites_) != nullptr;
  if (room == accepting_) return;
  accepting_ = room;
  if (room) {
    listeners_.resume();
    return;
  }
  if (const auto more = crowded_line_.due(now())) {
    context_.log.warn("client.max_connections reached (" + std::to_string(places_.taken()) +
                      "), and none is idle: new clients wait" + *more);
  }
  listeners_.pause();
}

}  // namespace holdfast

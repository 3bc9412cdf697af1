// The worker: wiring, the end of a loop turn, and shutdown.
#include "proxy/worker.h"

#include <csignal>
#include <ctime>

#include "proxy/admin.h"
#include "proxy/client_connection.h"
#include "proxy/http/http_date.h"
#include "proxy/version.h"
#include "proxy/worker_acceptor.h"

namespace holdfast {

using namespace std::chrono_literals;

Worker::Worker(net::Network& network, core::SpillStore& spill, Log& log, AccessLog& access_log,
               config::Snapshot config, WorkerHost& host)
    : context_{.network = network,
               .spill = spill,
               .log = log,
               .access_log = access_log,
               .metrics = {},
               .deadlines = {},
               .date = {}},
      host_(host),
      config_(std::move(config)),
      started_(network.now()) {
  network.set_turn_handler(this);
  for (const config::Pool& pool : config_->pools)
    pools_[pool.name] = std::make_unique<Upstream>(context_, pool);
  dispatcher_ = std::make_shared<const Dispatcher>(config_, kServerSoftware);
  admin_ = std::make_unique<Admin>(*this);
  update_second();
}

Worker::~Worker() {
  context_.network.set_turn_handler(nullptr);
}

bool Worker::start(std::string& error) {
  if (!open_listeners(error)) return false;
  for (auto& [name, upstream] : pools_) upstream->pool().start(now());
  on_turn_end();
  return true;
}

std::vector<Upstream*> Worker::upstreams() const {
  std::vector<Upstream*> all;
  // In the order of the configuration: /status and the live page do not jump about.
  for (const config::Pool& pool : config_->pools) {
    if (Upstream* upstream = find_upstream(pool.name)) all.push_back(upstream);
  }
  return all;
}

Upstream* Worker::find_upstream(const std::string& name) const {
  const auto found = pools_.find(name);
  return found == pools_.end() ? nullptr : found->second.get();
}

void Worker::for_each_client(const std::function<void(ClientConnection&)>& visit) {
  for (auto& [id, client] : clients_) visit(*client);
}

void Worker::check() const {
  for (const auto& [name, upstream] : pools_) upstream->pool().check();
  for (const auto& upstream : retired_pools_) upstream->pool().check();
}

Plan Worker::plan(const http::RequestHead& head) const {
  Plan plan = dispatcher_->plan(head);
  plan.dispatcher = dispatcher_;
  return plan;
}

// ----------------------------------------------------------------------------------------------------------
// listeners

bool Worker::open_listeners(std::string& error) {
  for (const config::Address& address : config_->listen) {
    auto acceptor = std::make_unique<Acceptor>(*this, false);
    if (!acceptor->listen(context_.network, address, error)) return false;
    context_.log.info("listening on " + acceptor->text());
    acceptors_.push_back(std::move(acceptor));
  }
  if (config_->admin) {
    auto acceptor = std::make_unique<Acceptor>(*this, true);
    if (!acceptor->listen(context_.network, *config_->admin, error)) return false;
    context_.log.info("admin on " + acceptor->text());
    acceptors_.push_back(std::move(acceptor));
  }
  return true;
}

std::vector<std::uint16_t> Worker::listen_ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& acceptor : acceptors_) {
    if (acceptor->port() != 0) ports.push_back(acceptor->port());
  }
  return ports;
}

void Worker::accept(bool admin, std::unique_ptr<net::Stream> stream, const net::Peer& peer,
                    const net::Peer& local) {
  const std::uint64_t id = context_.next_id();
  admin ? ++admin_clients_ : ++context_.metrics.clients_accepted;
  const auto role = admin ? ClientConnection::Role::admin : ClientConnection::Role::site;
  clients_[id] = std::make_unique<ClientConnection>(*this, id, role, std::move(stream), peer, local);
  // At the limit new clients wait in the kernel's backlog; the admin endpoint stays open.
  if (accepting_ && client_connections() >= config_->client.max_connections) {
    accepting_ = false;
    context_.log.warn("client.max_connections reached (" + std::to_string(client_connections()) +
                      "): new clients wait");
    for (const auto& acceptor : acceptors_) acceptor->pause();
  }
}

// ----------------------------------------------------------------------------------------------------- end
// of a turn

void Worker::on_wakeup() {
  wakeup_.reset();
}

void Worker::on_turn_end() {
  if (now() >= next_second_) update_second();
  erase_closed();
  run_deadlines();
  run_ready_clients();  // one request each; what is left of a pipeline waits for the next turn
  // Acting on one report may cause the next: until all is quiet. Each round consumes what it acts on, so this
  // ends.
  for (bool busy = true; busy;) {
    busy = false;
    for (auto& [name, upstream] : pools_) busy = upstream->run_actions() || busy;
    for (auto& upstream : retired_pools_) busy = upstream->run_actions() || busy;
  }
  context_.access_log.flush();
  if (stopping_) finish_shutdown();
  set_wakeup();
}

void Worker::run_deadlines() {
  const core::Time time = now();
  for (auto& [name, upstream] : pools_) upstream->on_time();
  for (auto& upstream : retired_pools_) upstream->on_time();
  expired_.clear();
  context_.deadlines.pop_expired(time, expired_);
  for (const core::DeadlineQueue::Id id : expired_) {
    if (context_.deadlines.is_due(id)) Deadline::target(context_.deadlines, id).on_deadline(time);
  }
}

void Worker::run_ready_clients() {
  ready_now_.clear();
  ready_now_.swap(ready_);
  for (const std::uint64_t id : ready_now_) {
    const auto found = clients_.find(id);
    if (found != clients_.end()) found->second->go_on();
  }
}

void Worker::erase_closed() {
  for (const std::uint64_t id : closed_clients_) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) continue;
    if (found->second->role() == ClientConnection::Role::admin) --admin_clients_;
    clients_.erase(found);
  }
  closed_clients_.clear();
  for (auto& [name, upstream] : pools_) upstream->erase_closed();
  for (auto& upstream : retired_pools_) upstream->erase_closed();
  std::erase_if(retired_pools_, [](const auto& upstream) {
    return upstream->idle() && upstream->pool().waiting() == 0 && !upstream->pool().has_actions() &&
           !upstream->referred_to();
  });
  if (!accepting_ && !stopping_ && client_connections() < config_->client.max_connections) {
    accepting_ = true;
    for (const auto& acceptor : acceptors_) acceptor->resume();
  }
}

void Worker::set_wakeup() {
  std::optional<core::Time> earliest = context_.deadlines.next();
  const auto consider = [&earliest](std::optional<core::Time> time) {
    if (time && (!earliest || *time < *earliest)) earliest = time;
  };
  for (const auto& [name, upstream] : pools_) consider(upstream->next_deadline());
  for (const auto& upstream : retired_pools_) consider(upstream->next_deadline());
  if (stopping_ && !done_) consider(grace_end_);
  if (admin_->wants_seconds() || context_.access_log.pending()) consider(next_second_);
  // Reports that came while acting (a slot freed by erase_closed) are acted on in the next turn, at once.
  for (const auto& [name, upstream] : pools_) {
    if (upstream->pool().has_actions()) consider(now());
  }
  if (!ready_.empty()) consider(now());
  if (earliest == wakeup_) return;
  wakeup_ = earliest;
  context_.network.set_wakeup(earliest);
}

void Worker::update_second() {
  next_second_ = now() + 1s;
  const std::time_t wall = std::time(nullptr);
  context_.date = http::format_http_date(wall);
  if (admin_) admin_->on_second();
}

// ----------------------------------------------------------------------------------------------- reload and
// shutdown

void Worker::on_signal(int signal_number) {
  if (signal_number == SIGHUP) {
    std::string error;
    if (!context_.access_log.open(error)) context_.log.error(error);
    if (const config::Snapshot snapshot = host_.load_again()) reload(snapshot);
    return;
  }
  if (stopping_) {
    context_.log.warn("second signal: cutting off what still runs");
    grace_end_ = now();
    return;
  }
  shut_down();
}

void Worker::reload(config::Snapshot snapshot) {
  if (snapshot->listen != config_->listen || snapshot->admin != config_->admin) {
    context_.log.warn("reload: `listen` and `admin.listen` keep their old values until a restart");
  }
  std::unordered_map<std::string, std::unique_ptr<Upstream>> pools;
  std::size_t kept = 0;
  for (const config::Pool& pool : snapshot->pools) {
    const auto found = pools_.find(pool.name);
    if (found != pools_.end() && found->second->config() == pool) {
      pools[pool.name] = std::move(found->second);
      pools_.erase(found);
      ++kept;
      continue;
    }
    auto& fresh = pools[pool.name] = std::make_unique<Upstream>(context_, pool);
    if (found != pools_.end() && found->second->pool().paused()) fresh->pool().pause();
    fresh->pool().start(now());
  }
  // What runs on a pool that has changed or gone ends there. Nobody can resume it later by its name.
  for (auto& [name, upstream] : pools_) {
    upstream->pool().resume(now());
    upstream->pool().shut_down(now());
    retired_pools_.push_back(std::move(upstream));
  }
  pools_ = std::move(pools);
  config_ = std::move(snapshot);
  context_.log.set_level(config_->log.level);
  dispatcher_ = std::make_shared<const Dispatcher>(config_, kServerSoftware);
  context_.log.info("reloaded: " + std::to_string(config_->sites.size()) + " sites, " +
                    std::to_string(pools_.size()) + " pools, " + std::to_string(kept) + " of them unchanged");
}

void Worker::shut_down() {
  stopping_ = true;
  accepting_ = false;
  grace_end_ = now() + config_->shutdown_grace;
  context_.log.info("stopping: no new clients, waiting for running requests");
  for (const auto& acceptor : acceptors_) acceptor->close();
  for (auto& [id, client] : clients_) client->shut_down();
}

void Worker::give_up() {
  stopping_ = done_ = true;
  accepting_ = false;
  acceptors_.clear();
}

void Worker::finish_shutdown() {
  if (done_) return;
  if (now() >= grace_end_ && !cut_off_) {
    cut_off_ = true;
    if (!clients_.empty()) {
      context_.log.warn("shutdown.grace is over: " + std::to_string(clients_.size()) +
                        " clients are cut off");
    }
    for (auto& [id, client] : clients_) client->cut_off();
  }
  if (!clients_.empty()) return;
  bool idle = true;
  for (auto& [name, upstream] : pools_) {
    upstream->pool().shut_down(now());
    if (cut_off_ || now() >= grace_end_) upstream->close_all();
    upstream->run_actions();
    idle = idle && upstream->idle();
  }
  for (auto& upstream : retired_pools_) {
    if (cut_off_ || now() >= grace_end_) upstream->close_all();
    upstream->run_actions();
    idle = idle && upstream->idle();
  }
  if (!idle) return;
  done_ = true;
  context_.network.set_wakeup(std::nullopt);
  context_.log.info("stopped");
  host_.on_done();
}

}  // namespace holdfast

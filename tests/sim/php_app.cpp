// See php_app.h.
#include "php_app.h"

#include <cerrno>

namespace holdfast::sim {

using namespace std::chrono_literals;

PhpApp::PhpApp(Universe& universe, Ledger& ledger, const House& house, std::size_t number, AppKnobs app_knobs,
               bool unix_socket, std::size_t room)
    : universe_(universe),
      ledger_(ledger),
      house_(house),
      number_(number),
      knobs_(app_knobs),
      unix_(unix_socket),
      room_(room) {
  const std::string name = number == 0 ? "php" : "app" + std::to_string(number) + ".php";
  for (std::size_t i = 0; i < knobs_.workers; ++i)
    workers_.push_back(std::make_unique<PhpWorker>(*this, name + std::to_string(i)));
}

int PhpApp::reach(std::shared_ptr<Link>& link) {
  if (universe_.now < back_at_) return unix_ && universe_.random.chance(50) ? ENOENT : ECONNREFUSED;
  if (backlog_.size() > knobs_.backlog) return unix_ ? EAGAIN : EINPROGRESS;
  link = std::make_shared<Link>(universe_, unix_, room_, "link" + std::to_string(++links_made_));
  if (faults_on_ && universe_.random.chance(knobs_.reset_on_accept_percent)) {
    link->peer_close();  // listen.allowed_clients: accepted and closed at once
    return 0;
  }
  backlog_.push_back(link);
  poke_free_worker();
  if (knobs_.forking == Forking::on_demand) wake_master();
  return 0;
}

void PhpApp::poke_free_worker() {
  for (const auto& worker : workers_) {
    if (worker->is_free()) worker->poke(universe_.now + universe_.random.time(0us, knobs_.accept_most));
  }
}

// fpm_pctl_on_socket_accept(): one fork at the most, none while one process counts as free, and connections
// that come together wake it once.
void PhpApp::wake_master() {
  if (universe_.now < master_busy_until_) return;
  master_busy_until_ = universe_.now + universe_.random.time(0us, 2ms);
  PhpWorker* unborn = nullptr;
  for (const auto& worker : workers_) {
    if (worker->counts_as_free()) return;
    if (worker->is_unborn()) unborn = worker.get();
  }
  if (unborn != nullptr) unborn->fork();
}

std::shared_ptr<Link> PhpApp::take_from_backlog() {
  if (backlog_.empty()) return nullptr;
  const std::shared_ptr<Link> link = backlog_.front();
  backlog_.pop_front();
  return link;
}

void PhpApp::restart(Duration away, bool graceful) {
  universe_.trace("php", graceful ? "reloads" : "restarts");
  if (!graceful) {
    back_at_ = universe_.now + away;
    for (const auto& link : backlog_) link->peer_close();
    backlog_.clear();
  }
  for (const auto& worker : workers_) worker->stop(graceful);
}

void PhpApp::calm_down() {
  faults_on_ = false;
}

bool PhpApp::at_rest() const {
  if (universe_.now < back_at_) return false;
  for (const auto& link : backlog_) {
    if (!link->proxy_closed()) return false;
  }
  for (const auto& worker : workers_) {
    if (!worker->at_rest()) return false;
  }
  return true;
}

// A request in the backlog must be about to be taken: each of the connections in front of it, and its own, by
// a worker that only machine time keeps from it (free, being started, or about to read that its connection
// was closed). A request that waits for a script, or for another's kept connection, to end waits in php's
// queue and not in the proxy's: no deadline of the queue holds for it, and it is run though its client has
// left.
void PhpApp::check() const {
  std::size_t coming = 0;
  for (const auto& worker : workers_) coming += worker->is_free_soon() ? 1 : 0;
  for (const auto& link : backlog_) {
    // Nobody's, with nothing to run on it: it occupies no worker for more than a moment.
    if (link->proxy_closed() && !wire::begins_script(link->unread_by_peer())) continue;
    const bool is_request = wire::begins_request(link->unread_by_peer());
    universe_.require(coming > 0 || !is_request, link->name() + ": a request waits in php's backlog");
    if (coming > 0) --coming;
  }
}

std::vector<Actor*> PhpApp::actors() {
  std::vector<Actor*> all;
  for (const auto& worker : workers_) all.push_back(worker.get());
  return all;
}

}  // namespace holdfast::sim

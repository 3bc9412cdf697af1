// The application behind one address: its listen backlog, its processes, and the master's restarts.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "fake_network.h"
#include "house.h"
#include "php_worker.h"

namespace holdfast::sim {

class PhpApp final : public Backend {
 public:
  // `number`: which of the house's it is.
  PhpApp(Universe& universe, Ledger& ledger, const House& house, std::size_t number, AppKnobs app_knobs,
         bool unix_socket, std::size_t room);

  int reach(std::shared_ptr<Link>& link) override;

  // SIGTERM to all: connections are cut, and nobody listens for `away`. `graceful`: SIGQUIT, each process
  // ends what it does first; the listening socket stays.
  void restart(Duration away, bool graceful);
  void calm_down();  // no more faults
  bool at_rest() const;
  // No request waits in the backlog; called after each step.
  void check() const;
  std::vector<Actor*> actors();

  // --- for the workers
  std::shared_ptr<Link> take_from_backlog();
  Universe& universe() { return universe_; }
  Ledger& ledger() { return ledger_; }
  const House& house() const { return house_; }
  std::size_t number() const { return number_; }
  const AppKnobs& knobs() const { return knobs_; }
  bool faults_on() const { return faults_on_; }
  bool prompt_closes_wanted() const { return knobs_.prompt_closes_wanted; }
  Time back_at() const { return back_at_; }
  void poke_free_worker();
  void keep_open(std::shared_ptr<Link> link) { zombies_.push_back(std::move(link)); }

 private:
  void wake_master();

  Universe& universe_;
  Ledger& ledger_;
  const House& house_;
  std::size_t number_;
  AppKnobs knobs_;
  bool unix_;
  std::size_t room_;
  Time back_at_{};
  Time master_busy_until_{};
  bool faults_on_ = true;
  std::size_t links_made_ = 0;
  std::deque<std::shared_ptr<Link>> backlog_;
  std::vector<std::shared_ptr<Link>> zombies_;  // open, and nobody reads them
  std::vector<std::unique_ptr<PhpWorker>> workers_;
};

}  // namespace holdfast::sim

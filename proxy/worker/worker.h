// Everything that serves, on one event loop: listeners, client connections, pools, deadlines, signals. Wires
// the parts and runs the one place where what they have reported is acted on (on_turn_end). main() makes one;
// nothing here is global.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/snapshot.h"
#include "proxy/admin/server_view.h"
#include "proxy/client/client_host.h"
#include "proxy/client/dispatcher.h"
#include "proxy/client/fastcgi_connection.h"
#include "proxy/client/http1_connection.h"
#include "proxy/client/password_queue.h"
#include "proxy/core/client_close_reason.h"
#include "proxy/core/client_places.h"
#include "proxy/core/rare_line.h"
#include "proxy/loop/context.h"
#include "proxy/net/network.h"
#include "proxy/observe/log_pace.h"
#include "proxy/upstream/mailbox.h"
#include "proxy/upstream/upstreams.h"
#include "proxy/worker/listeners.h"

namespace holdfast {

class Admin;

// What a worker asks of the program around it.
class WorkerHost {
 public:
  // SIGHUP: a new snapshot, or nullptr and `error` in one sentence (all that is wrong was printed).
  virtual config::Snapshot load_again(std::string& error) = 0;
  // The listeners are open, and nothing else is yet: the time to give up privileges. False with a sentence in
  // `error`: it cannot serve.
  virtual bool on_listening(const Listeners& listeners, const config::Config& config, std::string& error) = 0;
  // A reload is in force: what lies outside of the worker follows.
  virtual void on_reloaded(const config::Config& config) = 0;
  // Nothing runs any more: the loop may stop.
  virtual void on_done() = 0;

 protected:
  ~WorkerHost() = default;
};

class Worker final : public net::TurnHandler, public ArrivalHandler, public ClientHost, public ServerView {
 public:
  // All references outlive the worker.
  Worker(net::Network& network, core::SpillStore& spill, Log& log, AccessLog& access_log,
         config::Snapshot config, WorkerHost& host);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Binds the listeners and starts the pools. False with a sentence in `error`.
  [[nodiscard]] bool start(std::string& error);
  // Takes a new snapshot, all of it or nothing: false with a sentence in `error` when an address or the
  // access log cannot be opened. A pool that did not change keeps its connections, a listener its socket.
  [[nodiscard]] bool reload(config::Snapshot snapshot, std::string& error);
  // After shutdown.delay stops accepting, lets running requests end within shutdown.grace, then calls it a
  // day: done() becomes true. The admin endpoint answers until then.
  void shut_down();
  // How many descriptors the process may have. Before start().
  void set_descriptor_limit(std::uint64_t limit);
  // After a failed start(): closes what it has opened.
  void give_up();
  bool done() const { return stop_ == Stop::stopped; }

  // --- net::TurnHandler
  void on_wakeup() override;
  void on_turn_end() override;
  void on_signal(int signal_number) override;
  // --- ArrivalHandler
  void on_arrival(Arrival arrival) override;
  void on_arrival_failed(net::Error error) override;

  // --- ClientHost
  void plan(const http::RequestHead& head, const core::ClientOrigin& origin, Plan& plan) const override;
  std::shared_ptr<const FastcgiPlans> fastcgi_plans() const override { return fastcgi_plans_; }
  Mailbox& mailbox() override { return mailbox_; }
  bool has_pool(const std::string& name) const override { return upstreams_.find(name) != nullptr; }
  bool others_wait(const std::string& pool) const override;
  Responder& admin() override;
  PasswordQueue& passwords() override { return passwords_; }
  bool stopping() const override { return stop_ != Stop::serving; }
  bool draining() const override { return stop_ > Stop::delaying; }
  void note_memory_full() override;
  void wants_turn(core::Ring<TurnTaker>::Link& link) override;
  void wants_compressing(core::Ring<Compressing>::Link& link) override;
  void client_idle(ClientConnection& client) override;
  void client_closed(std::uint64_t id) override { closed_clients_.push_back(id); }

  // --- ServerView
  Context& context() override { return context_; }
  const Context& context() const override { return context_; }
  std::vector<Upstream*> upstreams() const override { return upstreams_.all(); }
  Upstream* find_upstream(const std::string& name) const override { return upstreams_.find(name); }
  core::Time started() const override { return started_; }
  std::size_t client_connections() const override { return places_.taken(); }
  std::uint64_t client_connections_most() const override { return places_.most(); }
  std::vector<std::uint16_t> ports() const override { return listeners_.ports(); }
  std::uint16_t admin_port() const override { return listeners_.admin_port(); }
  const std::vector<std::string>& admin_hosts() const override;

  // --- looking in (simulation)
  const config::Config& config() const { return *context_.config; }
  void for_each_client(const std::function<void(ClientConnection&)>& visit);
  const char* check() const;  // nullptr, or which invariant of a pool or a client does not hold

 private:
  enum class Stop : std::uint8_t { serving, delaying, draining, ending, stopped };  // see worker_stop.cpp

  core::Time now() const { return context_.now(); }
  void on_hangup();
  void plan_by_config();
  void set_places();
  void limit_clients();
  void make_room(core::Ring<ClientConnection>& idle, const std::function<bool()>& enough);
  ClientConnection* longest_idle(core::Ring<ClientConnection>& idle);
  std::unique_ptr<ClientConnection> make_client(std::uint64_t id, Arrival arrival);
  bool is_allowed(const config::Address& address, const net::Peer& peer);
  void forget_place(const ClientConnection& client);
  std::optional<core::ClientKey> place_key(const ClientConnection& client) const;
  void flush_logs();
  void tell_of_full_disk();
  void run_deadlines();
  void run_turns();
  void run_compressing();
  void erase_closed();
  void reopen_access_log();
  void drain();
  void go_on_stopping();
  void finish_draining();
  void finish_ending();
  void look_at_memory();
  void update_second();
  void check_clients();
  void set_wakeup();

  // Of what requests are made of, kept for the next ones.
  static constexpr std::size_t kStockMost = 64;

  Context context_;
  WorkerHost& host_;
  std::shared_ptr<const Dispatcher> dispatcher_;
  std::shared_ptr<const FastcgiPlans> fastcgi_plans_;
  Mailbox mailbox_;
  Upstreams upstreams_{context_, mailbox_};
  std::unique_ptr<Admin> admin_;
  PasswordQueue passwords_{context_.network.background(), context_.network.random_seed()};
  Listeners listeners_;
  core::ClientPlaces places_;
  Http1Stock http1_stock_{kStockMost};
  FastcgiStock fastcgi_stock_{kStockMost};
  core::Ring<ClientConnection>
      idle_sites_;  // who has waited longest comes first; some have gone to work since
  core::Ring<ClientConnection> idle_admin_;
  core::Ring<TurnTaker> turns_;
  core::Ring<Compressing> compressing_;  // who has waited longest comes first
  std::unordered_map<std::uint64_t, std::unique_ptr<ClientConnection>> clients_;
  std::unordered_set<std::uint64_t> leaving_clients_;  // closed to make room, and not erased yet
  std::uint64_t descriptor_limit_ = UINT64_MAX;
  std::size_t admin_clients_ = 0;
  core::RareLine full_line_;
  core::RareLine unwritten_line_;
  bool disk_refuses_ = false;  // the access log, the last time
  core::RareLine crowded_line_;
  core::RareLine address_line_;
  core::RareLine not_allowed_line_;
  std::vector<std::uint64_t> closed_clients_;
  std::vector<core::DeadlineQueue::Id> expired_;
  core::Time started_{};
  core::Time next_second_{};
  LogPace log_pace_;
  core::Time stop_deadline_{};  // when the present state of stopping ends at the latest
  std::optional<core::Time> wakeup_;
  Stop stop_ = Stop::serving;
  std::string told_fault_;
  bool memory_was_full_ = false;
  bool memory_told_ = false;
  bool accepting_ = true;
  bool cut_off_ = false;
  // Whom to name for what the end of the stop cuts off.
  core::ClientCloseReason cut_reason_ = core::ClientCloseReason::grace_over;
};

}  // namespace holdfast

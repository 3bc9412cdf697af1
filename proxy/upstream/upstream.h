// One pool at work: carries out what core::UpstreamPool decides, owns the upstream connections, and joins and
// parts them and the exchanges (the only place that does). Owned by Upstreams.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/core/retry_rule.h"
#include "proxy/core/slot_map.h"
#include "proxy/core/upstream_pool.h"
#include "proxy/loop/context.h"
#include "proxy/upstream/php_exchange.h"
#include "proxy/upstream/upstream_connection.h"
#include "proxy/upstream/upstream_news.h"

namespace holdfast {

class ExchangeTable;
class FpmStatus;
class Mailbox;

class Upstream {
 public:
  // All references but `config` outlive it.
  Upstream(Context& context, Mailbox& mailbox, ExchangeTable& table, const config::Pool& config);
  ~Upstream();  // precondition: idle() after shut_down()
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // --- exchanges
  // `address`: of the client, for the queue's turns.
  void submit(PhpExchange& exchange, core::AddressKey address);
  // Its client is gone. Afterwards it is done.
  void cancel(PhpExchange& exchange);
  // Its client has its answer, the script runs on. `script`: its path as php should see it, for the log.
  void detach(PhpExchange& exchange, std::string script);
  // Its client takes no more for now: php waits until it has caught up.
  void fall_behind(PhpExchange& exchange);
  void catch_up(PhpExchange& exchange);
  // Its client, which was asked, is still there.
  void go_on(PhpExchange& exchange);

  // --- driver, called by Upstreams at the end of a loop turn until nothing is left to do
  bool run_actions();
  void on_time() { pool_.on_time(now()); }
  std::optional<core::Time> next_deadline() const { return pool_.next_deadline(); }
  void erase_closed();
  // A reload. Precondition: takes(config).
  bool takes(const config::Pool& config) const { return pool_.takes(config); }
  void configure(const config::Pool& next);
  // Who waits for an upstream that this one replaces waits here from now on.
  void take_over(Upstream& old);
  void shut_down();  // those who wait are served, no connection is kept; may be called again
  void close_all();  // at the end of shutdown.grace: draining and settling connections too

  // --- reports of its connections
  void on_connect_failed(UpstreamConnection& connection, net::Error error);
  void on_failure(UpstreamConnection& connection, const UpstreamFailure& failure);
  // Its exchange's response head is none: the client gets 502, and the rest is read to END_REQUEST, so that
  // the connection is free when the script is.
  void on_bad_head(UpstreamConnection& connection);
  // Its exchange's answer is whole, and the application goes on giving bytes.
  void on_surplus(UpstreamConnection& connection);
  void on_ended(UpstreamConnection& connection);     // END_REQUEST: the exchange is complete; unlinks it
  void on_released(UpstreamConnection& connection);  // at a clean boundary
  void on_closed(UpstreamConnection& connection);

  static std::string asked_text(const PhpExchange& exchange);

  core::UpstreamPool& pool() { return pool_; }
  const core::UpstreamPool& pool() const { return pool_; }
  // php-fpm's own numbers; nullptr: the configuration has no status_path.
  FpmStatus* fpm_status() const { return fpm_status_.get(); }
  const config::Pool& config() const { return pool_.config(); }
  const std::string& name() const;   // of the pool
  std::string address_text() const;  // where it is, as configured
  Context& context() { return context_; }
  Mailbox& mailbox() { return mailbox_; }
  const net::Endpoint& endpoint() const { return endpoint_; }
  const std::array<std::uint64_t, core::kRetryReasons>& retried() const { return retried_; }
  bool idle() const { return connections_.empty(); }
  bool referred_to() const { return !exchanges_.empty(); }
  core::Time now() const { return context_.network.now(); }
  std::vector<fastcgi::Event>& event_buffer() { return events_; }

  // nullptr, or which invariant does not hold, here or in the pool. Walks all connections and all who wait.
  const char* check() const;
  // The same once a second in a running server: a fault is logged once and counted.
  void check_and_tell();

 private:
  void link(UpstreamConnection& connection, PhpExchange& exchange);
  void unlink(UpstreamConnection& connection);
  void run(const core::PoolAction& action);
  void lease(const core::PoolAction& action);
  void start(PhpExchange& exchange, const PhpExchange::Offer& offer);
  void withdraw(PhpExchange& exchange);
  void finish(PhpExchange& exchange);
  void reject(const core::PoolAction& action);
  void try_again(PhpExchange& exchange, core::RetryReason why, core::CloseReason reason);
  friend class UpstreamConnection;
  friend class PhpExchange;  // enters and leaves exchanges_

  Context& context_;
  Mailbox& mailbox_;
  ExchangeTable& table_;
  UpstreamNews news_;
  core::UpstreamPool pool_;
  net::Endpoint endpoint_;
  std::unordered_map<core::ConnectionId, std::unique_ptr<UpstreamConnection>> connections_;
  std::vector<core::ConnectionId> closed_;
  std::vector<core::PoolAction> actions_;
  std::vector<fastcgi::Event> events_;  // shared by the connections' reads, which never nest
  std::array<std::uint64_t, core::kRetryReasons> retried_{};
  // All that refer to this upstream, by the ids under which the pool queues them.
  core::SlotMap<PhpExchange> exchanges_;
  std::string told_fault_;
  std::unique_ptr<FpmStatus> fpm_status_;  // with a status_path only
};

}  // namespace holdfast

// The driver of a pool: actions out of UpstreamPool, failures through the retry rule.
#include "proxy/upstream/upstream.h"
#include "config/pool.h"

#include <algorithm>
#include <cassert>

#include "proxy/core/log_text.h"
#include "proxy/loop/endpoint.h"
#include "proxy/upstream/exchange_table.h"
#include "proxy/upstream/fpm_status.h"
#include "proxy/upstream/php_stderr.h"

namespace holdfast {

using core::CloseReason;
using core::Outcome;
using core::PoolAction;

Upstream::Upstream(Context& context, Mailbox& mailbox, ExchangeTable& table, const config::Pool& config)
    : context_(context),
      mailbox_(mailbox),
      table_(table),
      news_(context.log),
      pool_(config, context.network.random_seed()),
      endpoint_(endpoint_of(config.address)) {
  if (!config.status_path.empty()) fpm_status_ = std::make_unique<FpmStatus>(*this);
}

Upstream::~Upstream() {
  assert(connections_.empty() && exchanges_.empty());
}

// ---- exchanges

const std::string& Upstream::name() const {
  return config().name;
}

std::string Upstream::address_text() const {
  return config().address.text();
}

void Upstream::submit(PhpExchange& exchange, core::AddressKey address) {
  exchange.begin_waiting(now());
  exchange.ticket_ = pool_.enqueue(exchange.ticket_.id, exchange.repeatable(), address, now());
}

void Upstream::cancel(PhpExchange& exchange) {
  exchange.fail(Outcome::client_left, now());
  withdraw(exchange);
  finish(exchange);
}

void Upstream::withdraw(PhpExchange& exchange) {
  if (exchange.link_ == nullptr) {
    const PhpExchange::Offer offer = exchange.take_offer();
    if (offer.connection != 0 && pool_.state(offer.connection) == core::ConnectionState::leased) {
      pool_.lease_unused(offer.connection, now());
    } else {
      // Queued, or granted a lease or a rejection that nobody has carried out yet: this withdraws either.
      pool_.cancel(exchange.ticket_.id, now());
    }
    return;
  }
  UpstreamConnection& connection = *exchange.link_;
  const bool script_may_run = connection.script_may_run();
  if (connection.abandon()) {
    pool_.abandoned(connection.id(), now());
  } else {
    connection.close();
    pool_.lost(connection.id(), {CloseReason::client_abort, script_may_run}, now());
  }
}

void Upstream::detach(PhpExchange& exchange, std::string script) {
  catch_up(exchange);
  exchange.detach(std::move(script));
  table_.detach(exchange);
}

void Upstream::fall_behind(PhpExchange& exchange) {
  if (exchange.link_ != nullptr) exchange.link_->pause_reading();
}

void Upstream::catch_up(PhpExchange& exchange) {
  if (exchange.link_ != nullptr) exchange.link_->resume_reading();
}

// It is done, and nothing here points to it.
void Upstream::finish(PhpExchange& exchange) {
  assert(exchange.done() && exchange.link_ == nullptr);
  if (!exchange.detached()) {
    exchange.report_ending();
  } else if (!exchange.untold_stderr().empty()) {
    log_php_stderr(context_.log, exchange.asked(), exchange.untold_stderr(), exchange.stderr_cut(),
                   exchange.script());
  }
  table_.done(exchange);
}

void Upstream::link(UpstreamConnection& connection, PhpExchange& exchange) {
  assert(connection.exchange_ == nullptr && exchange.link_ == nullptr);
  connection.exchange_ = &exchange;
  exchange.link_ = &connection;
}

void Upstream::unlink(UpstreamConnection& connection) {
  if (connection.exchange_ == nullptr) return;
  connection.exchange_->link_ = nullptr;
  connection.exchange_ = nullptr;
}

// -------------------------------------------------------------------------------------------------------------
// driver

bool Upstream::run_actions() {
  news_.tell(pool_);
  bool any = false;
  while (pool_.has_actions()) {
    any = true;
    std::vector<PoolAction> actions;
    actions.swap(actions_);
    pool_.take_actions(actions);
    for (const PoolAction& action : actions) run(action);
    actions.clear();
    actions_.swap(actions);
  }
  return any;
}

void Upstream::run(const PoolAction& action) {
  switch (action.kind) {
    case PoolAction::Kind::open: {
      auto& connection = connections_[action.connection];
      connection = std::make_unique<UpstreamConnection>(*this, action.connection);
      connection->open();
      return;
    }
    case PoolAction::Kind::lease: lease(action); return;
    case PoolAction::Kind::barrier: {
      const auto found = connections_.find(action.connection);
      if (found != connections_.end() && !found->second->closing()) found->second->barrier();
      return;
    }
    case PoolAction::Kind::close: {
      if (context_.log.wants(config::LogLevel::debug)) {
        context_.log.debug(config().name + ": connection " + std::to_string(action.connection) +
                           " closed: " + std::string(core::close_reason_name(action.reason)));
      }
      const auto found = connections_.find(action.connection);
      if (found == connections_.end()) return;
      found->second->close();
      // The descriptor is closed by now; the object stays for the loop's last word. The next connection need
      // not wait for that.
      pool_.closed(action.connection, now());
      return;
    }
    case PoolAction::Kind::reject: reject(action); return;
  }
}

void Upstream::lease(const PoolAction& action) {
  PhpExchange* const exchange = exchanges_.find(action.waiter);
  if (exchange == nullptr || exchange->done()) {  // cancel() has withdrawn it: never
    pool_.lease_unused(action.connection, now());
    return;
  }
  if (action.in_company) exchange->forgive();
  const PhpExchange::Offer offer{.connection = action.connection,
                                 .peek = action.peek,
                                 .first = !action.reused,
                                 .may_half_close = action.may_half_close};
  // A half-closed client may have gone altogether: php is not to run for nobody.
  if (exchange->half_closed()) {
    exchange->ask(offer);
  } else {
    start(*exchange, offer);
  }
}

void Upstream::go_on(PhpExchange& exchange) {
  const PhpExchange::Offer offer = exchange.take_offer();
  if (offer.connection != 0) start(exchange, offer);
}

void Upstream::start(PhpExchange& exchange, const PhpExchange::Offer& offer) {
  const auto found = connections_.find(offer.connection);
  // A connection that broke after the pool's decision has left the state `leased` by now.
  if (found == connections_.end() || found->second->closing() ||
      pool_.state(offer.connection) != core::ConnectionState::leased) {
    pool_.enqueue_again(exchange.ticket_, now());
  } else if (!found->second->start(exchange, offer)) {
    pool_.lease_refused(offer.connection, exchange.ticket_, now());
  }
}

void Upstream::reject(const PoolAction& action) {
  PhpExchange* const exchange = exchanges_.find(action.waiter);
  if (exchange == nullptr || exchange->done()) return;
  const bool full = action.reject_reason == core::RejectReason::queue_full;
  exchange->fail(full ? Outcome::queue_full : Outcome::queue_timeout, now());
  finish(*exchange);
}

void Upstream::configure(const config::Pool& next) {
  const bool other_path = next.status_path != config().status_path;
  if (other_path && fpm_status_ != nullptr) fpm_status_->stop();
  pool_.configure(next, now());
  if (!other_path) return;
  fpm_status_.reset();
  if (!next.status_path.empty()) fpm_status_ = std::make_unique<FpmStatus>(*this);
}

void Upstream::take_over(Upstream& old) {
  if (old.fpm_status_ != nullptr) old.fpm_status_->stop();  // its own question
  // Those who wait here already queue again with them: all in order of arrival.
  std::vector<PhpExchange*> waiters;
  for (const core::Ticket& ticket : pool_.take_waiters()) waiters.push_back(exchanges_.find(ticket.id));
  for (const core::Ticket& ticket : old.pool_.take_waiters()) {
    waiters.push_back(old.exchanges_.find(ticket.id));
    waiters.back()->move_to(*this);
  }
  std::stable_sort(waiters.begin(), waiters.end(), [](const PhpExchange* a, const PhpExchange* b) {
    return a->ticket_.arrived < b->ticket_.arrived;
  });
  for (PhpExchange* each : waiters) each->ticket_ = pool_.adopt(each->ticket_.id, each->ticket_, now());
}

void Upstream::shut_down() {
  if (fpm_status_ != nullptr) fpm_status_->stop();
  pool_.shut_down(now());
}

void Upstream::erase_closed() {
  for (const core::ConnectionId id : closed_) {
    connections_.erase(id);
    pool_.closed(id, now());
  }
  closed_.clear();
}

void Upstream::close_all() {
  table_.each_detached(*this, [this](PhpExchange& exchange) { cancel(exchange); });
  for (const auto& [id, connection] : connections_) {
    if (connection->exchange_ == nullptr) pool_.lost(id, {CloseReason::shutdown}, now());
  }
}

// ------------------------------------------------------------------------------------------------------------
// reports

// "GET /x.php", for the log.
std::string Upstream::asked_text(const PhpExchange& exchange) {
  return core::escape_for_log(exchange.asked().method_text()) + " " +
         core::escape_for_log(exchange.asked().target());
}

void Upstream::on_ended(UpstreamConnection& connection) {
  PhpExchange& exchange = *connection.exchange_;
  unlink(connection);
  if (!exchange.on_end(now())) {
    context_.log.error(config().name + ": " + asked_text(exchange) +
                       ": the application ended the request without a response head");
    exchange.fail(Outcome::upstream_no_head, now());
  }
  finish(exchange);
}

void Upstream::on_surplus(UpstreamConnection& connection) {
  PhpExchange& exchange = *connection.exchange_;
  const bool stream = exchange.streaming();
  unlink(connection);
  connection.close();
  pool_.lost(connection.id(), {stream ? CloseReason::client_abort : CloseReason::drain_limit, true}, now());
  const bool whole = exchange.on_end(now());
  assert(whole && exchange.outcome() == exchange.outcome_if_whole());
  static_cast<void>(whole);
  finish(exchange);
}

void Upstream::on_released(UpstreamConnection& connection) {
  pool_.released(connection.id(), now());
}

void Upstream::on_bad_head(UpstreamConnection& connection) {
  PhpExchange& exchange = *connection.exchange_;
  context_.log.error(config().name + ": malformed response head from " + address_text() + ": " +
                     core::escape_for_log(exchange.head_error()) + ", for " + asked_text(exchange));
  const bool script_may_run = connection.script_may_run();
  if (connection.abandon()) {
    pool_.drain(connection.id(), now());
  } else {
    connection.close();
    pool_.lost(connection.id(), {CloseReason::bad_head, script_may_run}, now());
  }
  exchange.fail(Outcome::upstream_bad_head, now());
  finish(exchange);
}

void Upstream::on_failure(UpstreamConnection& connection, const UpstreamFailure& failure) {
  PhpExchange* const exchange = connection.exchange_;
  if (exchange == nullptr) {
    pool_.lost(connection.id(), {failure.reason, failure.script_may_run}, now());
    return;
  }
  const core::RetryDecision decision = core::decide_retry({
      .end_of_params_sent = connection.end_of_params_sent(),
      .response_seen = connection.answer_began(),
      .half_closed_only = failure.half_closed_only,
      .timed_out = failure.outcome == Outcome::upstream_timeout,
      .repeatable = exchange->repeatable(),
      .retries = exchange->retries(),
      .blamed = exchange->blamed(),
      .deadline_passed = now() >= pool_.deadline(exchange->ticket_),
      .proven = pool_.barrier_supported(),
      .had_for = now() - exchange->timings().leased,
  });
  unlink(connection);
  connection.close();
  const bool not_sent = decision.retry && decision.reason == core::RetryReason::not_sent;
  pool_.lost(connection.id(), {failure.reason, failure.script_may_run && !not_sent}, now());
  if (decision.retry) {
    try_again(*exchange, decision.reason, failure.reason);
    return;
  }
  context_.log.error(config().name + ": " + asked_text(*exchange) + ": " +
                     std::string(core::outcome_name(failure.outcome)) + ", connection " +
                     std::to_string(connection.id()) + " " +
                     std::string(core::close_reason_name(failure.reason)));
  exchange->fail(failure.outcome, now());
  finish(*exchange);
}

// A request that a dying worker took along is tried again a moment later: a restart kills the others too, but
// not in the same instant.
void Upstream::try_again(PhpExchange& exchange, core::RetryReason why, CloseReason reason) {
  exchange.count_retry(why);
  ++retried_[static_cast<std::size_t>(why)];
  if (why == core::RetryReason::repeatable && reason != CloseReason::foreign_record) {
    pool_.enqueue_later(exchange.ticket_, now());
  } else {
    pool_.enqueue_again(exchange.ticket_, now());
  }
}

void Upstream::on_closed(UpstreamConnection& connection) {
  closed_.push_back(connection.id());
}

void Upstream::on_connect_failed(UpstreamConnection& connection, net::Error error) {
  if (!context_.descriptors.note(DescriptorWatch::Place::connect, error, now()))
    news_.connect_failed(pool_, error);
  pool_.connect_failed(connection.id(), now());
}

// ------------------------------------------------------------------------------------------------------------
// invariants

const char* Upstream::check() const {
  for (const auto& [id, connection] : connections_) {
    const PhpExchange* const exchange = connection->exchange_;
    if (exchange == nullptr) continue;
    if (exchange->link_ != connection.get()) return "an exchange and its connection know each other";
    if (pool_.state(id) != core::ConnectionState::leased) return "whose request runs is leased";
  }
  return pool_.check();
}

// Broken books are a mistake of ours: told, counted, and no reason to break off everybody's requests.
void Upstream::check_and_tell() {
  const char* const fault = check();
  if (fault == nullptr) return;
  ++context_.metrics.internal_checks_failed;
  if (told_fault_ == fault) return;
  told_fault_ = fault;
  context_.log.error(config().name + ": BUG: a check of the pool failed: " + told_fault_ +
                     "; please report this. A restart puts it right");
}

}  // namespace holdfast

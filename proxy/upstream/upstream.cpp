// The driver of a pool: actions out of UpstreamPool, failures through the retry rule.
#include "proxy/upstream/upstream.h"

#include <algorithm>
#include <cassert>

#include "proxy/core/log_text.h"
#include "proxy/loop/endpoint.h"
#include "proxy/upstream/detached_exchange.h"
#include "proxy/upstream/fpm_status.h"

namespace holdfast {

using core::CloseReason;
using core::Outcome;
using core::PoolAction;

namespace {
// Between the end of a worker and the second try of the request it took along. A reload or stop ends all
// workers within a few milliseconds; the second try is the last, so it must not meet the next one that is
// about to go.
constexpr core::Duration kRetryPause = std::chrono::milliseconds(100);
}  // namespace

PhpExchange::PhpExchange(std::uint64_t id, const http::RequestHead& request, fastcgi::ParamList params,
                         const core::BodyStore& body, core::ResponseSink& sink, ExchangeClient& its_client,
                         Upstream& its_upstream, std::size_t head_bytes_max)
    : Exchange(id, request, std::move(params), body, sink, head_bytes_max),
      client(its_client),
      upstream_(&its_upstream) {
  ++upstream_->exchanges_;
}

PhpExchange::~PhpExchange() {
  --upstream_->exchanges_;
}

void PhpExchange::move_to(Upstream& next) {
  --upstream_->exchanges_;
  upstream_ = &next;
  ++upstream_->exchanges_;
}

Upstream::Upstream(Context& context, const config::Pool& config)
    : context_(context),
      pool_(config, context.network.random_seed()),
      endpoint_(endpoint_of(config.address)) {
  if (!config.status_path.empty()) fpm_status_ = std::make_unique<FpmStatus>(*this);
}

Upstream::~Upstream() {
  detached_.clear();
  assert(connections_.empty() && exchanges_ == 0);
}

// ----------------------------------------------------------------------------------------------------------
// exchanges

void Upstream::submit(PhpExchange& exchange, core::AddressKey address) {
  pool_.enqueue(exchange, exchange.repeatable(), address, now());
}

void Upstream::client_left(PhpExchange& exchange) {
  if (exchange.state() == core::ExchangeState::done) return;
  exchange.fail(Outcome::client_left, now());
  // Queued, or granted a lease or a rejection that nobody has carried out yet: cancel() withdraws either.
  if (exchange.link_ == nullptr) {
    std::erase_if(parked_, [&exchange](const Parked& parked) { return parked.exchange == &exchange; });
    pool_.cancel(exchange, now());
    return;
  }
  UpstreamConnection& connection = *exchange.link_;
  const bool script_may_run = connection.script_may_run();
  if (connection.abandon()) {
    pool_.abandoned(connection.id(), now());
  } else {
    connection.close();
    pool_.lost(connection.id(), CloseReason::client_abort, script_may_run, now());
  }
}

void Upstream::detach(std::unique_ptr<DetachedExchange> exchange) {
  detached_.push_back(std::move(exchange));
}

void Upstream::client_caught_up(PhpExchange& exchange) {
  if (exchange.link_ != nullptr) exchange.link_->resume_reading();
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
  note_reachability();
  note_silence();
  note_missing_workers();
  note_odd_answers();
  note_refusals();
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
    case PoolAction::Kind::reject:
      reject(static_cast<PhpExchange&>(*action.waiter), action.reject_reason);
      return;
  }
}

void Upstream::lease(const PoolAction& action) {
  PhpExchange& exchange = static_cast<PhpExchange&>(*action.waiter);
  const auto found = connections_.find(action.connection);
  // A connection that broke after the pool's decision has left the state `leased` by now.
  if (found == connections_.end() || found->second->closing() ||
      pool_.state(action.connection) != core::ConnectionState::leased) {
    pool_.enqueue_again(exchange, now());
    return;
  }
  // A half-closed client may have gone altogether: php is not to run for nobody.
  if (exchange.client.gone()) {
    pool_.lease_unused(action.connection, now());
    exchange.client.on_gone();
    return;
  }
  if (!found->second->start(exchange, action.peek, !action.reused)) {
    pool_.lease_refused(action.connection, exchange, now());
  }
}

void Upstream::reject(PhpExchange& exchange, core::RejectReason reason) {
  exchange.fail(reason == core::RejectReason::queue_full ? Outcome::queue_full : Outcome::queue_timeout,
                now());
  exchange.client.flush();
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
  struct Moved {
    PhpExchange* exchange;
    bool again;
  };
  std::vector<Moved> moved;
  for (const Parked& parked : old.parked_) moved.push_back({parked.exchange, true});
  old.parked_.clear();
  for (core::Waiter* waiter : old.pool_.take_waiters())
    moved.push_back({static_cast<PhpExchange*>(waiter), false});
  std::stable_sort(moved.begin(), moved.end(), [](const Moved& a, const Moved& b) {
    return a.exchange->enqueued() < b.exchange->enqueued();
  });
  for (const Moved& each : moved) {
    each.exchange->move_to(*this);
    pool_.adopt(*each.exchange, each.again, now());
  }
}

void Upstream::shut_down() {
  if (fpm_status_ != nullptr) fpm_status_->stop();
  pool_.shut_down(now());
}

void Upstream::on_time() {
  // All have the same pause, so the front is due first.
  while (!parked_.empty() && parked_.front().failed + kRetryPause <= now()) {
    const Parked parked = parked_.front();
    parked_.erase(parked_.begin());
    if (died_in_company(parked.failed)) parked.exchange->forgive();
    pool_.enqueue_again(*parked.exchange, now());
  }
  pool_.on_time(now());
}

// Did another connection break within kRetryPause of this moment?
bool Upstream::died_in_company(core::Time moment) const {
  std::size_t near = 0;
  for (const core::Time broken : breaks_) {
    const core::Duration apart = broken > moment ? broken - moment : moment - broken;
    if (apart <= kRetryPause) ++near;
  }
  return near > 1;  // its own is among them
}

void Upstream::note_break() {
  std::erase_if(breaks_, [this](core::Time broken) { return now() - broken > 4 * kRetryPause; });
  breaks_.push_back(now());
}

std::optional<core::Time> Upstream::next_deadline() const {
  const std::optional<core::Time> of_pool = pool_.next_deadline();
  if (parked_.empty()) return of_pool;
  const core::Time due = parked_.front().failed + kRetryPause;
  return of_pool ? std::min(*of_pool, due) : due;
}

void Upstream::erase_closed() {
  for (const core::ConnectionId id : closed_) {
    connections_.erase(id);
    pool_.closed(id, now());
  }
  closed_.clear();
  std::erase_if(detached_, [](const auto& each) { return each->done(); });
}

void Upstream::close_all() {
  for (const auto& each : detached_) client_left(each->exchange());
  for (const auto& [id, connection] : connections_) {
    if (connection->exchange_ == nullptr) pool_.lost(id, CloseReason::shutdown, false, now());
  }
}

// ------------------------------------------------------------------------------------------------------------
// reports

void Upstream::on_ended(UpstreamConnection& connection) {
  PhpExchange& exchange = *connection.exchange_;
  unlink(connection);
  if (!exchange.on_end(now())) {
    context_.log.error(config().name + ": the application ended the request without a response head");
    exchange.fail(Outcome::upstream_no_head, now());
  }
}

void Upstream::on_released(UpstreamConnection& connection) {
  pool_.released(connection.id(), now());
}

void Upstream::on_bad_head(UpstreamConnection& connection) {
  PhpExchange& exchange = *connection.exchange_;
  context_.log.error(config().name + ": malformed response head from " + config().address.text() + ": " +
                     core::escape_for_log(exchange.head_error()) + ", for " +
                     std::string(exchange.request().method_text) + " " +
                     core::escape_for_log(exchange.request().target));
  const bool script_may_run = connection.script_may_run();
  if (connection.abandon()) {
    pool_.drain(connection.id(), now());
  } else {
    connection.close();
    pool_.lost(connection.id(), CloseReason::bad_head, script_may_run, now());
  }
  exchange.fail(Outcome::upstream_bad_head, now());
  exchange.client.flush();
}

void Upstream::on_failure(UpstreamConnection& connection, CloseReason reason, Outcome outcome,
                          bool half_closed_only, bool script_may_run) {
  if (reason == CloseReason::reset || reason == CloseReason::eof_in_request) note_break();
  PhpExchange* exchange = connection.exchange_;
  if (exchange == nullptr) {
    pool_.lost(connection.id(), reason, script_may_run, now());
    return;
  }
  const core::RetryDecision decision = core::decide_retry({
      .end_of_params_sent = connection.end_of_params_sent(),
      .response_seen = exchange->response_seen(),
      .half_closed_only = half_closed_only,
      .timed_out = outcome == Outcome::upstream_timeout,
      .repeatable = exchange->repeatable(),
      .retries = exchange->retries(),
      .blamed = exchange->blamed(),
      .deadline_passed = now() >= exchange->deadline(),
      .proven = pool_.barrier_supported(),
      .had_for = now() - exchange->timings().leased,
  });
  unlink(connection);
  connection.close();
  pool_.lost(connection.id(), reason,
             script_may_run && !(decision.retry && decision.reason == core::RetryReason::not_sent), now());
  if (decision.retry) {
    exchange->count_retry(decision.reason);
    ++retried_[static_cast<std::size_t>(decision.reason)];
    if (decision.reason == core::RetryReason::repeatable && reason != CloseReason::foreign_record) {
      parked_.push_back({.exchange = exchange, .failed = now()});
    } else {
      pool_.enqueue_again(*exchange, now());
    }
    return;
  }
  context_.log.error(config().name + ": " + std::string(exchange->request().method_text) + " " +
                     core::escape_for_log(exchange->request().target) + ": " +
                     std::string(core::outcome_name(outcome)) + ", connection " +
                     std::to_string(connection.id()) + " " + std::string(core::close_reason_name(reason)));
  exchange->fail(outcome, now());
  exchange->client.flush();
}

void Upstream::on_closed(UpstreamConnection& connection) {
  closed_.push_back(connection.id());
}

void Upstream::note_reachability() {
  if (pool_.reachable() == was_reachable_) return;
  was_reachable_ = pool_.reachable();
  if (was_reachable_) context_.log.info(config().name + ": " + config().address.text() + " answers");
  last_connect_error_.clear();
}

void Upstream::note_silence() {
  if (pool_.silent() == was_silent_) return;
  was_silent_ = pool_.silent();
  if (!was_silent_) return;
  context_.log.warn(config().name + ": " + config().address.text() +
                    " takes connections, but does not answer FCGI_GET_VALUES; requests wait up to " +
                    std::to_string(config().queue.timeout.count()) +
                    " ms, then get 503. Are all workers of php-fpm busy, or held by others "
                    "(pm.max_children)? If this is no php-fpm, set `application: generic`");
}

void Upstream::note_missing_workers() {
  const std::uint32_t workers = pool_.workers_found();
  if (workers_were_missing_ == (workers > 0)) return;
  workers_were_missing_ = workers > 0;
  if (!workers_were_missing_) return;
  context_.log.warn(config().name + ": php-fpm has taken " + std::to_string(workers) + " of up to " +
                    std::to_string(config().max_connections) +
                    " connections, and no more in timeouts.first_byte; requests wait in the queue for those. "
                    "Is pm.max_children below max_connections, or do others use this php-fpm pool?");
}

void Upstream::note_odd_answers() {
  if (odd_answers_told_ || !pool_.answers_oddly()) return;
  odd_answers_told_ = true;
  context_.log.warn(config().name + ": " + config().address.text() +
                    " answers FCGI_GET_VALUES as php-fpm does not, and is not asked again: connections are "
                    "used without a proof. If this is no php-fpm, set `application: generic`");
}

void Upstream::note_refusals() {
  constexpr std::uint32_t kRefusalsToTell = 3;
  if (pool_.refusals() == 0) refusals_told_ = false;
  if (refusals_told_ || pool_.refusals() < kRefusalsToTell) return;
  refusals_told_ = true;
  context_.log.warn(config().name + ": " + config().address.text() +
                    " takes connections and closes them at once, without an answer. Is the address of this "
                    "machine missing in listen.allowed_clients of php-fpm?");
}

void Upstream::note_connect_failure(net::Error error) {
  if (context_.descriptors.note(DescriptorWatch::Place::connect, error, now())) return;
  const std::string text = error.text();
  // Once a cause, not once a try.
  if (text == last_connect_error_ && !pool_.reachable()) return;
  last_connect_error_ = text;
  context_.log.warn(config().name + ": cannot connect to " + config().address.text() + ": " + text +
                    "; requests wait up to " + std::to_string(config().queue.timeout.count()) +
                    " ms. Is php-fpm running, and is its `listen` this address?");
}

}  // namespace holdfast

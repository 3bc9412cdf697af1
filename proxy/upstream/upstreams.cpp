// See upstreams.h.
#include "proxy/upstream/upstreams.h"

#include <algorithm>

#include "config/pool.h"
#include "proxy/core/error_page.h"

namespace holdfast {

Upstreams::Upstreams(Context& context, Mailbox& mailbox)
    : context_(context), mailbox_(mailbox), exchanges_(mailbox) {
  for (const config::Pool& pool : context.pools_config())
    pools_[pool.name] = std::make_unique<Upstream>(context, mailbox, exchanges_, pool);
}

Upstreams::~Upstreams() = default;

template <typename Visit>
void Upstreams::each(const Visit& visit) const {
  for (const auto& [name, upstream] : pools_) visit(*upstream);
  for (const auto& upstream : retired_) visit(*upstream);
}

void Upstreams::start() {
  for (auto& [name, upstream] : pools_) upstream->pool().start(context_.now());
}

std::vector<Upstream*> Upstreams::all() const {
  std::vector<Upstream*> all;
  for (const config::Pool& pool : context_.pools_config()) {
    if (Upstream* upstream = find(pool.name)) all.push_back(upstream);
  }
  return all;
}

Upstream* Upstreams::find(const std::string& name) const {
  const auto found = pools_.find(name);
  return found == pools_.end() ? nullptr : found->second.get();
}

// ---- the end of a turn

void Upstreams::on_time() {
  each([](Upstream& upstream) { upstream.on_time(); });
}

// Each round consumes what it acts on, so this ends.
void Upstreams::run() {
  for (bool busy = true; busy;) {
    busy = act_on_commands();
    each([&busy](Upstream& upstream) { busy = upstream.run_actions() || busy; });
    busy = exchanges_.deliver() || busy;
  }
}

bool Upstreams::act_on_commands() {
  mailbox_.take_commands(commands_);
  for (Command& command : commands_) act_on(command);
  return !commands_.empty();
}

// One that came too late finds its exchange done: the ending is on its way.
void Upstreams::act_on(Command& command) {
  if (command.kind == Command::Kind::submit) {
    submit(command);
    return;
  }
  PhpExchange* const exchange = exchanges_.find(command.exchange);
  if (exchange == nullptr) return;
  Upstream& upstream = exchange->upstream();
  switch (command.kind) {
    case Command::Kind::submit: return;
    case Command::Kind::cancel: upstream.cancel(*exchange); return;
    case Command::Kind::withdraw:
      if (exchange->state() == core::ExchangeState::waiting) upstream.cancel(*exchange);
      return;
    case Command::Kind::fall_behind: upstream.fall_behind(*exchange); return;
    case Command::Kind::catch_up: upstream.catch_up(*exchange); return;
    case Command::Kind::half_close: exchange->set_half_closed(); return;
    case Command::Kind::go_on: upstream.go_on(*exchange); return;
    case Command::Kind::detach: upstream.detach(*exchange, std::move(command.script)); return;
  }
}

void Upstreams::submit(Command& command) {
  Submission& submission = *command.submission;
  Upstream* const upstream = find(submission.pool);
  if (upstream == nullptr) {
    refuse(command.exchange);
    return;
  }
  upstream->submit(exchanges_.add(command.exchange, submission, *upstream), submission.address);
  mailbox_.give_back(std::move(command.submission));
}

// A reload has removed its pool in this very turn.
void Upstreams::refuse(ExchangeId id) {
  const core::ErrorPage page(503);
  Delivery& delivery = mailbox_.begin_delivery(id);
  delivery.has_head = true;
  delivery.head.assign(page.head());
  delivery.body = page.body();
  delivery.ending = Delivery::Ending::whole;
  delivery.report.outcome = core::Outcome::pool_removed;
}

void Upstreams::erase_closed() {
  each([](Upstream& upstream) { upstream.erase_closed(); });
  std::erase_if(retired_, [](const auto& upstream) {
    return upstream->idle() && upstream->pool().waiting() == 0 && !upstream->pool().has_actions() &&
           !upstream->referred_to();
  });
}

std::optional<core::Time> Upstreams::next_deadline() const {
  std::optional<core::Time> earliest;
  const auto consider = [&earliest](std::optional<core::Time> time) {
    if (time && (!earliest || *time < *earliest)) earliest = time;
  };
  each([&consider, this](const Upstream& upstream) {
    consider(upstream.next_deadline());
    // Reports that came while acting (a slot freed by erase_closed) are acted on in the next turn, at once.
    if (upstream.pool().has_actions()) consider(context_.now());
  });
  return earliest;
}

// ---- reload, and the end

// The pool that goes on as `next`: the one of its name, or the one that it renames. Else nullptr.
std::unique_ptr<Upstream> Upstreams::take_for(const config::Pool& next,
                                              const std::vector<config::Pool>& all) {
  auto found = pools_.find(next.name);
  if (found == pools_.end()) {
    found = std::find_if(pools_.begin(), pools_.end(), [&](const auto& entry) {
      const bool stays = std::any_of(all.begin(), all.end(),
                                     [&](const config::Pool& pool) { return pool.name == entry.first; });
      return !stays && entry.second->takes(next);
    });
  }
  if (found == pools_.end() || !found->second->takes(next)) return nullptr;
  std::unique_ptr<Upstream> taken = std::move(found->second);
  pools_.erase(found);
  return taken;
}

// Who waits for a pool of another name and address than any has now. A pool that is new as well is paused as
// this one was: it is the same to the operator. One that was there before keeps its own way.
void Upstreams::hand_over(const std::string& name, Upstream& gone, const Successors& successors,
                          const Reloaded& reloaded) {
  const std::size_t waiting = gone.pool().waiting();
  const auto successor = successors.find(name);
  const auto found =
      successor == successors.end() ? reloaded.pools.end() : reloaded.pools.find(successor->second);
  if (found == reloaded.pools.end()) {
    if (waiting > 0)
      context_.log.warn("pool " + name + " has gone, and no one pool follows it: the " +
                        std::to_string(waiting) + " requests that wait for it are served at its address");
    return;
  }
  Upstream& next = *found->second;
  if (gone.pool().paused() && !next.pool().paused() && reloaded.fresh.contains(found->first)) {
    next.pool().pause();
    context_.log.info("pool " + found->first + ": paused, as pool " + name + " was");
  }
  if (waiting > 0)
    context_.log.info("pool " + name + " has gone: the " + std::to_string(waiting) +
                      " requests that wait for it go to pool " + found->first);
  next.take_over(gone);
}

std::size_t Upstreams::reload(const std::vector<config::Pool>& next, const Successors& successors) {
  act_on_commands();  // what was submitted by the old names
  const core::Time now = context_.now();
  Reloaded reloaded;
  auto& pools = reloaded.pools;
  std::size_t kept = 0;
  for (const config::Pool& pool : next) {
    if (auto taken = take_for(pool, next)) {
      if (taken->config() != pool) taken->configure(pool);
      pools[pool.name] = std::move(taken);
      ++kept;
      continue;
    }
    auto& fresh = pools[pool.name] = std::make_unique<Upstream>(context_, mailbox_, exchanges_, pool);
    const auto old = pools_.find(pool.name);
    if (old != pools_.end() && old->second->pool().paused()) fresh->pool().pause();
    fresh->pool().start(now);
    if (old != pools_.end()) fresh->take_over(*old->second);
    if (old == pools_.end()) reloaded.fresh.insert(pool.name);
  }
  // What runs on a pool that has gone ends there. Nobody can resume it later by its name.
  for (auto& [name, upstream] : pools_) {
    if (!pools.contains(name)) hand_over(name, *upstream, successors, reloaded);
    upstream->pool().resume(now);
    upstream->shut_down();
    retired_.push_back(std::move(upstream));
  }
  pools_ = std::move(pools);
  return kept;
}

void Upstreams::serve_the_last() {
  for (auto& [name, upstream] : pools_) {
    if (upstream->pool().paused()) context_.log.info("pool " + name + ": resumed, for those who wait");
    upstream->pool().serve_the_last(context_.now());
  }
}

bool Upstreams::shut_down(bool at_once) {
  for (auto& [name, upstream] : pools_) upstream->shut_down();
  if (at_once) each([](Upstream& upstream) { upstream.close_all(); });
  run();
  bool idle = true;
  each([&idle](const Upstream& upstream) { idle = idle && upstream.idle(); });
  return idle;
}

const char* Upstreams::check() const {
  const char* fault = nullptr;
  each([&fault](const Upstream& upstream) {
    if (fault == nullptr) fault = upstream.check();
  });
  return fault;
}

void Upstreams::check_and_tell() {
  each([](Upstream& upstream) { upstream.check_and_tell(); });
}

}  // namespace holdfast

// The worker: taking a new configuration.
#include <algorithm>

#include "proxy/core/version.h"
#include "proxy/observe/wall_clock.h"
#include "proxy/worker/worker.h"

namespace holdfast {

void Worker::on_hangup() {
  if (stopping()) {
    context_.log.warn("no reload while stopping");
    return;
  }
  Reloads& reloads = context_.metrics.reloads;
  std::string error;
  config::Snapshot snapshot = host_.load_again(error);
  if (snapshot != nullptr && reload(std::move(snapshot), error)) {
    reloads = {.last_ok = true, .last_success = wall_seconds(), .error = {}};
    host_.on_reloaded(*context_.config);
    return;
  }
  reloads.last_ok = false;
  reloads.error = error;
  context_.log.error("reload refused, the old configuration stays in force: " + error);
  // The old configuration's log still has to follow a rotation.
  reopen_access_log();
}

void Worker::reopen_access_log() {
  std::string error;
  if (auto log = context_.access_log.open(context_.config->log, error)) {
    context_.access_log.use(*std::move(log));
    context_.log.info("the access log is opened again: " + context_.config->log.access);
  } else {
    context_.log.error(error + "; lines go where they went before");
  }
}

bool Worker::reload(config::Snapshot snapshot, std::string& error) {
  // What can fail comes first, and changes nothing.
  std::optional<AccessLog::Target> log = context_.access_log.open(snapshot->log, error);
  if (!log) return false;
  std::optional<Listeners::Next> listeners = listeners_.prepare(*snapshot, error);
  if (!listeners) return false;
  // From here on nothing fails.
  const bool same = *snapshot == *context_.config;
  context_.access_log.use(*std::move(log));
  context_.log.set_level(snapshot->log.level);
  context_.memory.set_max(snapshot->buffers.memory_max);
  const std::size_t kept = exchange_pools(*snapshot);
  context_.config = std::move(snapshot);
  dispatcher_ = std::make_shared<const Dispatcher>(context_.config, kServerSoftware);
  for (const std::uint64_t listener : listeners_.put_in_force(*std::move(listeners))) {
    for (auto& [id, client] : clients_) {
      if (client->listener() == listener) client->finish();
    }
  }
  set_places();
  context_.spill_shares.set_max(context_.config->buffers.spool_max);
  limit_clients();
  context_.log.info("reloaded: " + std::to_string(context_.config->sites.size()) + " sites, " +
                    std::to_string(pools_.size()) + " pools, " + std::to_string(kept) +
                    " of them with their connections" + (same ? "; the file says what it said before" : ""));
  return true;
}

// The pool that goes on as `next`: the one of its name, or the one that it renames. Else nullptr.
std::unique_ptr<Upstream> Worker::take_pool_for(const config::Pool& next, const config::Config& config) {
  auto found = pools_.find(next.name);
  if (found == pools_.end()) {
    found = std::find_if(pools_.begin(), pools_.end(), [&](const auto& entry) {
      const bool stays = std::any_of(config.pools.begin(), config.pools.end(),
                                     [&](const config::Pool& pool) { return pool.name == entry.first; });
      return !stays && entry.second->takes(next);
    });
  }
  if (found == pools_.end() || !found->second->takes(next)) return nullptr;
  std::unique_ptr<Upstream> taken = std::move(found->second);
  pools_.erase(found);
  return taken;
}

// How many of the pools keep their connections.
std::size_t Worker::exchange_pools(const config::Config& config) {
  std::unordered_map<std::string, std::unique_ptr<Upstream>> pools;
  std::size_t kept = 0;
  for (const config::Pool& pool : config.pools) {
    if (auto taken = take_pool_for(pool, config)) {
      if (taken->config() != pool) taken->configure(pool);
      pools[pool.name] = std::move(taken);
      ++kept;
      continue;
    }
    auto& fresh = pools[pool.name] = std::make_unique<Upstream>(context_, pool);
    const auto old = pools_.find(pool.name);
    if (old != pools_.end() && old->second->pool().paused()) fresh->pool().pause();
    fresh->pool().start(now());
    if (old != pools_.end()) fresh->take_over(*old->second);
  }
  // What runs on a pool that has gone ends there. Nobody can resume it later by its name.
  for (auto& [name, upstream] : pools_) {
    upstream->pool().resume(now());
    upstream->shut_down();
    retired_pools_.push_back(std::move(upstream));
  }
  pools_ = std::move(pools);
  return kept;
}

}  // namespace holdfast

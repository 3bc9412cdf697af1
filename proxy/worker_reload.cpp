// The worker: taking a new configuration.
#include "proxy/client_connection.h"
#include "proxy/version.h"
#include "proxy/wall_clock.h"
#include "proxy/worker.h"

namespace holdfast {

void Worker::on_hangup() {
  if (stopping_) {
    context_.log.warn("SIGHUP: no reload while stopping");
    return;
  }
  Reloads& reloads = context_.metrics.reloads;
  std::string error;
  config::Snapshot snapshot = host_.load_again(error);
  if (snapshot != nullptr && reload(std::move(snapshot), error)) {
    reloads = {.last_ok = true, .last_success = wall_seconds(), .error = {}};
    host_.on_reloaded(*config_);
    return;
  }
  reloads.last_ok = false;
  reloads.error = error;
  context_.log.error("reload refused, the old configuration stays in force: " + error);
  // The old configuration's log still has to follow a rotation.
  if (auto log = AccessLog::open(config_->log, error)) {
    context_.access_log.use(*std::move(log));
  } else {
    context_.log.error(error);
  }
}

bool Worker::reload(config::Snapshot snapshot, std::string& error) {
  // What can fail comes first, and changes nothing.
  std::optional<AccessLog::Target> log = AccessLog::open(snapshot->log, error);
  if (!log) return false;
  std::optional<Listeners::Next> listeners = listeners_.prepare(*snapshot, error);
  if (!listeners) return false;
  // From here on nothing fails.
  const bool same = *snapshot == *config_;
  context_.access_log.use(*std::move(log));
  context_.log.set_level(snapshot->log.level);
  const std::size_t kept = exchange_pools(*snapshot);
  config_ = std::move(snapshot);
  dispatcher_ = std::make_shared<const Dispatcher>(config_, kServerSoftware);
  for (const std::uint64_t listener : listeners_.put_in_force(*std::move(listeners))) {
    for (auto& [id, client] : clients_) {
      if (client->listener() == listener) client->finish();
    }
  }
  limit_clients();
  context_.log.info("reloaded: " + std::to_string(config_->sites.size()) + " sites, " +
                    std::to_string(pools_.size()) + " pools, " + std::to_string(kept) + " of them unchanged" +
                    (same ? "; the file says what it said before" : ""));
  return true;
}

// How many of the pools are the ones there were.
std::size_t Worker::exchange_pools(const config::Config& config) {
  std::unordered_map<std::string, std::unique_ptr<Upstream>> pools;
  std::size_t kept = 0;
  for (const config::Pool& pool : config.pools) {
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
    upstream->shut_down();
    retired_pools_.push_back(std::move(upstream));
  }
  pools_ = std::move(pools);
  return kept;
}

}  // namespace holdfast

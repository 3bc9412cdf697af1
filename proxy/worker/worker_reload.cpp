// The worker: taking a new configuration.
#include <algorithm>

#include "config/buffers.h"
#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/log.h"
#include "config/pool_successors.h"
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
  if (auto log = context_.access_log.open(*context_.config->log, error)) {
    context_.access_log.use(*std::move(log));
    context_.log.info("the access log is opened again: " + context_.config->log->access);
  } else {
    context_.log.error(error + "; lines go where they went before");
  }
}

void Worker::plan_by_config() {
  const config::Snapshot& config = context_.config;
  dispatcher_ = std::make_shared<const Dispatcher>(config::Sites(config, &config->sites), kServerSoftware);
  fastcgi_plans_ = std::make_shared<const FastcgiPlans>(config, config->fastcgi);
  // Shown from the start, with nothing counted.
  for (const config::FastcgiListener& each : config->fastcgi)
    context_.metrics.fastcgi.of_listener.try_emplace(each.address.text());
}

bool Worker::reload(config::Snapshot snapshot, std::string& error) {
  // What can fail comes first, and changes nothing.
  std::optional<AccessLog::Target> log = context_.access_log.open(*snapshot->log, error);
  if (!log) return false;
  std::optional<Listeners::Next> listeners =
      listeners_.prepare(snapshot->listen, snapshot->fastcgi, snapshot->admin, error);
  if (!listeners) return false;
  // From here on nothing fails.
  const bool same = *snapshot == *context_.config;
  context_.access_log.use(*std::move(log));
  context_.log.set_level(snapshot->log->level);
  context_.memory.set_max(snapshot->buffers->memory_max);
  const std::size_t kept =
      upstreams_.reload(snapshot->pools, config::pool_successors(*context_.config, *snapshot));
  context_.config = std::move(snapshot);
  // The backlog of an address that goes is accepted here, and goes by the plans that know it.
  const std::vector<std::uint64_t> gone = listeners_.put_in_force(*std::move(listeners));
  plan_by_config();
  for (const std::uint64_t listener : gone) {
    for (auto& [id, client] : clients_) {
      if (client->listener() == listener) client->finish();
    }
  }
  set_places();
  context_.spill_shares.set_max(context_.config->buffers->spool_max);
  limit_clients();
  context_.log.info("reloaded: " + std::to_string(config::count_sites(config())) + " sites, " +
                    std::to_string(config::count_pools(config())) + " pools, " + std::to_string(kept) +
                    " of them with their connections" + (same ? "; the file says what it said before" : ""));
  return true;
}

}  // namespace holdfast

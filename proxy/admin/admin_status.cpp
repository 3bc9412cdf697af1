// /status.
#include "proxy/admin/admin_status.h"
#include "config/pool.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "proxy/admin/admin_sockets.h"
#include "proxy/admin/server_view.h"
#include "proxy/core/log_text.h"
#include "proxy/core/version.h"
#include "proxy/json/json.h"
#include "proxy/upstream/fpm_status.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

namespace {

double seconds(core::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Json times_of(const core::Histogram& histogram) {
  Json json;
  json["count"] = histogram.count();
  json["sum_seconds"] = histogram.sum_seconds();
  for (const auto& [name, quantile] : {std::pair{"p50_seconds", 0.5}, {"p99_seconds", 0.99}}) {
    const auto value = histogram.quantile(quantile);
    json[name] = value ? Json(*value) : Json(nullptr);
  }
  // Counts of each bucket alone (bounds: `histogram_bounds_seconds`), so that a reader can tell the latency
  // of the time between two readings.
  Json buckets = Json::array();
  for (std::size_t i = 0; i <= core::Histogram::kBounds.size(); ++i) buckets.push_back(histogram.bucket(i));
  json["buckets"] = std::move(buckets);
  return json;
}

// In the order of their opening, so that nothing jumps about between two readings.
Json connections_of(const core::UpstreamPool& pool, core::Time now) {
  std::vector<std::pair<core::ConnectionId, Json>> connections;
  pool.for_each_connection([&connections, now](const core::Connection& connection) {
    connections.push_back({connection.id,
                           {{"id", connection.id},
                            {"state", core::connection_phase_name(core::phase_of(connection.state))},
                            {"requests", connection.requests},
                            {"seconds", seconds(now - connection.since)}}});
  });
  std::sort(connections.begin(), connections.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  Json json = Json::array();
  for (auto& [id, connection] : connections) json.push_back(std::move(connection));
  return json;
}

Json fpm_of(const FpmStatus& fpm) {
  Json json;
  json["up"] = fpm.up() ? Json(*fpm.up()) : Json(nullptr);  // null: not asked yet
  if (!fpm.error().empty()) json["error"] = fpm.error();
  if (!fpm.up().value_or(false)) return json;
  json["age_seconds"] = seconds(fpm.age());
  for (const FpmField& field : kFpmFields) json[std::string(field.name)] = fpm.numbers().*field.number;
  return json;
}

Json side_of(const net::SocketCounts& counts) {
  Json json = {{"total", counts.total()}};
  for (const net::TcpState state : net::kAllTcpStates) {
    if (state != net::TcpState::listen) json[std::string(net::state_key(state))] = counts[state];
  }
  return json;
}

Json sockets_of(const SocketCensus::Reading& reading, core::Time now) {
  Json json;
  if (!reading.error.empty()) json["error"] = reading.error;
  json["age_seconds"] = seconds(now - reading.read_at);
  json["ephemeral_ports"] = reading.ephemeral.size();
  json["ports"] = Json::array();
  for (const ServicePort& port : reading.ports) {
    json["ports"].push_back({{"port", port.states.port},
                             {"role", role_name(port.role)},
                             {"name", port.name},
                             {"server", side_of(port.states.local)},
                             {"client", side_of(port.states.remote)}});
  }
  return json;
}

Json pool_of(const Upstream& upstream, core::Time now) {
  const core::UpstreamPool& pool = upstream.pool();
  const core::PoolCounts counts = pool.counts();
  const core::PoolStats& stats = pool.stats();
  Json json;
  json["address"] = upstream.address_text();
  json["max_connections"] = upstream.config().max_connections;
  json["keep_alive"] = upstream.config().keep_alive;
  json["connecting"] = counts.connecting;
  json["idle"] = counts.idle;
  json["leased"] = counts.leased;
  json["settling"] = counts.settling;
  json["draining"] = counts.draining;
  json["closing"] = counts.closing;
  json["waiting"] = pool.waiting();
  json["queue_size"] = upstream.config().queue.size;
  json["oldest_wait_seconds"] = seconds(pool.oldest_wait(now));
  json["opened"] = stats.opened;
  json["requests"] = stats.leases;
  json["reused"] = stats.reused;
  json["handed_over"] = stats.handed_over;
  json["barriers"] = stats.barriers;
  json["barrier_supported"] = pool.barrier_supported();
  json["scripts_run_on"] = pool.scripts_run_on(now);
  json["connect_errors"] = stats.connect_errors;
  json["abandoned"] = stats.abandoned;
  json["rejected"] = {{"queue_full", stats.queue_full}, {"queue_timeout", stats.queue_timeout}};
  Json closed = Json::object();
  for (std::size_t reason = 1; reason < core::kCloseReasons; ++reason) {
    if (stats.closed[reason] == 0) continue;
    closed[std::string(core::close_reason_name(static_cast<core::CloseReason>(reason)))] =
        stats.closed[reason];
  }
  json["closed"] = std::move(closed);
  Json retried = Json::object();
  for (std::size_t reason = 0; reason < core::kRetryReasons; ++reason) {
    retried[std::string(core::retry_reason_name(static_cast<core::RetryReason>(reason)))] =
        upstream.retried()[reason];
  }
  json["retried"] = std::move(retried);
  json["reachable"] = pool.reachable();
  json["paused"] = pool.paused();
  if (const FpmStatus* fpm = upstream.fpm_status()) json["php_fpm"] = fpm_of(*fpm);
  json["connections"] = connections_of(pool, now);
  return json;
}

// By numbers: to look up a name may take the loop's time.
Json account_of_process() {
  Json groups = Json::array();
  std::vector<gid_t> others(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(others.size()), others.data());
  others.resize(static_cast<std::size_t>(std::max(count, 0)));
  for (const gid_t group : others) groups.push_back(group);
  return {{"uid", ::geteuid()}, {"gid", ::getegid()}, {"groups", std::move(groups)}};
}

}  // namespace

std::string pool_json(const Upstream& upstream, core::Time now) {
  return pool_of(upstream, now).dump() + "\n";
}

std::string status_json(const ServerView& server, SocketCensus& sockets) {
  const Metrics& metrics = server.context().metrics;
  Json json;
  json["version"] = kVersion;
  json["pid"] = ::getpid();
  json["account"] = account_of_process();
  json["uptime_seconds"] = seconds(server.context().now() - server.started());
  json["stopping"] = server.stopping();
  json["config"] = {{"last_reload_successful", metrics.reloads.last_ok},
                    {"last_reload_success_timestamp_seconds", metrics.reloads.last_success}};
  if (!metrics.reloads.last_ok) json["config"]["error"] = metrics.reloads.error;
  Json responses = Json::object();
  for (std::size_t kind = 1; kind < metrics.responses_by_class.size(); ++kind) {
    responses[std::string(Metrics::kClasses[kind])] = metrics.responses_by_class[kind];
  }
  json["clients"] = {{"connections", server.client_connections()},
                     {"max_connections", server.client_connections_most()},
                     {"accepted", metrics.clients_accepted},
                     {"requests", metrics.requests},
                     {"left", metrics.client_left},
                     {"responses", std::move(responses)},
                     {"bytes_sent", metrics.bytes_sent}};
  json["web_servers"] = Json::array();
  for (const auto& [listener, counts] : metrics.fastcgi.of_listener) {
    json["web_servers"].push_back({{"listener", listener},
                                   {"requests", counts.requests},
                                   {"script", core::escape_for_log(counts.script)}});
  }
  Json pools = Json::object();
  for (const Upstream* upstream : server.upstreams()) {
    Json pool = pool_of(*upstream, server.context().now());
    const auto times = metrics.pool_times.find(upstream->name());
    const PoolTimes none;
    const PoolTimes& seen = times == metrics.pool_times.end() ? none : times->second;
    pool["times"] = {{"queue_wait", times_of(seen.queue_wait)},
                     {"connect", times_of(seen.connect)},
                     {"first_byte", times_of(seen.first_byte)},
                     {"total", times_of(seen.total)},
                     {"settle", times_of(upstream->pool().stats().settle)}};
    pools[upstream->name()] = std::move(pool);
  }
  json["pools"] = std::move(pools);
  json["histogram_bounds_seconds"] = Json::array();
  for (const double bound : core::Histogram::kBounds) json["histogram_bounds_seconds"].push_back(bound);
  json["sockets"] = sockets_of(sockets.read(server), server.context().now());
  json["log_lines_dropped"] = {{"access", server.context().access_log.dropped()},
                               {"error", server.context().log.dropped()}};
  json["spool"] = {{"bytes", server.context().spill.bytes_in_use()},
                   {"max", server.context().spill_shares.most()},
                   {"uploads", server.context().spill_shares.used(core::SpillUse::upload)},
                   {"answers", server.context().spill_shares.used(core::SpillUse::answer)}};
  json["memory"] = {{"bytes", server.context().memory.used()},
                    {"max", server.context().memory.max()},
                    {"refused", metrics.memory_refused}};
  return json.dump();
}

}  // namespace holdfast

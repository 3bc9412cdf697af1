// /metrics. Labels take values from fixed sets only: pool names of the configuration, states, reasons.
#include "proxy/admin/admin_metrics.h"
#include "config/pool.h"

#include "proxy/admin/admin.h"
#include "proxy/admin/admin_sockets.h"
#include "proxy/admin/server_view.h"
#include "proxy/core/version.h"
#include "proxy/upstream/fpm_status.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

namespace {

using core::PrometheusText;

void write_clients(const ServerView& server, PrometheusText& text) {
  const Metrics& metrics = server.context().metrics;
  text.gauge("holdfast_build_info", "Always 1; the version is the label.");
  text.sample({{"version", kVersion}}, std::uint64_t{1});
  text.gauge("holdfast_uptime_seconds", "Time since the start.");
  text.sample({}, std::chrono::duration<double>(server.context().now() - server.started()).count());
  text.gauge("holdfast_config_last_reload_successful",
             "0 when the last reload was refused, and an older configuration is in force.");
  text.sample({}, std::uint64_t{metrics.reloads.last_ok});
  text.gauge("holdfast_config_last_reload_success_timestamp_seconds",
             "When the configuration in force was loaded.");
  text.sample({}, static_cast<std::uint64_t>(metrics.reloads.last_success));
  text.gauge("holdfast_client_connections", "Open client connections, those of the admin endpoint left out.");
  text.sample({}, std::uint64_t{server.client_connections()});
  text.counter("holdfast_client_connections_accepted_total", "Client connections accepted.");
  text.sample({}, metrics.clients_accepted);
  text.counter("holdfast_http_requests_total", "Request heads read.");
  text.sample({}, metrics.requests);
  text.counter("holdfast_http_responses_total",
               "Responses by class of status; 4xx includes clients that left, other is 600 and above.");
  for (std::size_t kind = 1; kind < Metrics::kClasses.size(); ++kind) {
    text.sample({{"class", Metrics::kClasses[kind]}}, metrics.responses_by_class[kind]);
  }
  text.counter("holdfast_http_response_body_bytes_total", "Bytes of response bodies.");
  text.sample({}, metrics.bytes_sent);
  text.counter("holdfast_clients_left_total", "Clients that left before their answer was whole.");
  text.sample({}, metrics.client_left);
  text.gauge("holdfast_memory_bytes", "Bytes held in memory for clients: heads, bodies, answers under way.");
  text.sample({}, server.context().memory.used());
  text.gauge("holdfast_memory_max_bytes", "buffers.memory_max of the configuration.");
  text.sample({}, server.context().memory.max());
  text.counter("holdfast_memory_refused_total",
               "Requests answered 503 because buffers.memory_max was reached.");
  text.sample({}, metrics.memory_refused);
  text.counter("holdfast_internal_checks_failed_total",
               "Checks of our own books that failed, made once a second: mistakes of ours, always 0.");
  text.sample({}, metrics.internal_checks_failed);
  text.counter("holdfast_admin_requests_refused_total",
               "Requests to the admin endpoint with a Host that is not in admin.hosts.");
  text.sample({}, server.context().metrics.admin_refused);
}

// What is bounded on the clients' side, and who met the bound.
// Of web servers that speak FastCGI to us.
void write_web_servers(const Metrics& metrics, PrometheusText& text) {
  const core::FastcgiCounts& of_web_servers = metrics.fastcgi;
  text.counter(
      "holdfast_fastcgi_requests_total",
      "Requests of web servers that speak FastCGI to us; holdfast_http_requests_total has them, too.");
  for (const auto& [listener, counts] : of_web_servers.of_listener)
    text.sample({{"listener", listener}}, counts.requests);
  text.counter("holdfast_fastcgi_faults_total",
               "FastCGI connections of web servers that ended with a fault, by reason; eof_*: it left in the "
               "middle of a request.");
  for (std::size_t i = 1; i < of_web_servers.faults.size(); ++i) {
    const auto fault = static_cast<fastcgi::ServerFault>(i);
    if (fault == fastcgi::ServerFault::eof) continue;  // an orderly end
    text.sample({{"reason", fastcgi::fault_name(fault)}}, of_web_servers.faults[i]);
  }
  text.counter("holdfast_fastcgi_refused_total", "FastCGI requests that were not taken, by reason.");
  for (std::size_t i = 1; i < of_web_servers.refusals.size(); ++i) {
    const auto refusal = static_cast<fastcgi::ServerRefusal>(i);
    text.sample({{"reason", fastcgi::refusal_name(refusal)}}, of_web_servers.refusals[i]);
  }
}

void write_limits(const ServerView& server, PrometheusText& text) {
  const Metrics& metrics = server.context().metrics;
  text.gauge("holdfast_client_connections_max",
             "client.max_connections, or less where the limit of descriptors allows less.");
  text.sample({}, server.client_connections_most());
  text.counter("holdfast_client_connections_made_way_total",
               "Idle client connections closed for new ones at the limit.");
  text.sample({}, metrics.clients_made_way);
  text.counter("holdfast_client_connections_refused_total", "Client connections closed at once, by reason.");
  text.sample({{"reason", "max_per_address"}}, metrics.clients_over_address);
  text.counter("holdfast_client_connections_closed_total", "Client connections that have ended, by reason.");
  for (std::size_t i = 0; i < core::kClientCloseReasons; ++i) {
    const auto reason = static_cast<core::ClientCloseReason>(i);
    text.sample({{"reason", core::client_close_reason_name(reason)}}, metrics.clients_closed[i]);
  }
  text.counter("holdfast_clients_given_up_total",
               "Requests ended because of their client's pace: a body or an answer below client.min_rate, an "
               "answer that php had to wait with.");
  text.sample({{"reason", "slow_body"}}, metrics.slow_uploads);
  text.sample({{"reason", "slow_answer"}}, metrics.slow_answers);
  text.sample({{"reason", "holds_worker"}}, metrics.cut_answers);
  text.counter("holdfast_descriptor_errors_total", "Descriptors that could not be had (EMFILE, ENFILE).");
  for (std::size_t i = 0; i < DescriptorWatch::kPlaces; ++i) {
    const auto place = static_cast<DescriptorWatch::Place>(i);
    text.sample({{"place", DescriptorWatch::place_name(place)}},
                server.context().descriptors.failures(place));
  }
  const core::SpillShares& shares = server.context().spill_shares;
  text.counter("holdfast_log_lines_dropped_total",
               "Log lines that were lost because nobody read them, or the disk was full.");
  text.sample({{"log", "access"}}, server.context().access_log.dropped());
  text.sample({{"log", "error"}}, server.context().log.dropped());
  text.gauge("holdfast_spool_bytes", "Bytes in spill files.");
  text.sample({}, server.context().spill.bytes_in_use());
  text.gauge("holdfast_spool_max_bytes", "The most there may be, buffers.spool_max of the configuration.");
  text.sample({}, shares.most());
  static constexpr std::array kUses = {core::SpillUse::upload, core::SpillUse::answer};
  text.gauge("holdfast_spool_used_bytes", "Bytes in spill files, by what they are.");
  for (const auto use : kUses) text.sample({{"use", core::spill_use_name(use)}}, shares.used(use));
  text.counter(
      "holdfast_spool_refused_total",
      "Bodies that found no room: in the whole spool, in the share of their use or of their client, or "
      "on the disk (store).");
  for (const auto use : kUses) {
    for (std::size_t i = 0; i < core::kSpillShares; ++i) {
      const auto share = static_cast<core::SpillShare>(i);
      text.sample({{"use", core::spill_use_name(use)}, {"share", core::spill_share_name(share)}},
                  shares.refused(use, share));
    }
  }
}

void write_states(const std::vector<Upstream*>& pools, PrometheusText& text) {
  text.gauge("holdfast_pool_connections", "Upstream connections by state.");
  for (const Upstream* upstream : pools) {
    const core::PoolCounts counts = upstream->pool().counts();
    const std::string& pool = upstream->name();
    for (const auto& [state, count] :
         {std::pair<std::string_view, std::uint32_t>{"connecting", counts.connecting},
          {"idle", counts.idle},
          {"leased", counts.leased},
          {"settling", counts.settling},
          {"draining", counts.draining},
          {"closing", counts.closing}}) {
      text.sample({{"pool", pool}, {"state", state}}, std::uint64_t{count});
    }
  }
}

// One family with one sample a pool.
template <typename Value>
void write_each(const std::vector<Upstream*>& pools, PrometheusText& text, Value value) {
  for (const Upstream* upstream : pools) text.sample({{"pool", upstream->name()}}, value(*upstream));
}

void write_pools(const std::vector<Upstream*>& pools, core::Time now, PrometheusText& text) {
  text.gauge("holdfast_pool_max_connections", "The ceiling, max_connections of the configuration.");
  write_each(pools, text, [](const Upstream& u) { return std::uint64_t{u.config().max_connections}; });
  write_states(pools, text);
  text.gauge("holdfast_pool_waiting", "Requests in the queue.");
  write_each(pools, text, [](const Upstream& u) { return std::uint64_t{u.pool().waiting()}; });
  text.gauge("holdfast_pool_oldest_wait_seconds", "How long the first in the queue has waited.");
  write_each(pools, text, [now](const Upstream& u) {
    return std::chrono::duration<double>(u.pool().oldest_wait(now)).count();
  });
  text.gauge("holdfast_pool_reachable", "1 when the application was there at the last attempt.");
  write_each(pools, text, [](const Upstream& u) { return std::uint64_t{u.pool().reachable()}; });
  text.gauge("holdfast_pool_paused", "1 while the pool is paused.");
  write_each(pools, text, [](const Upstream& u) { return std::uint64_t{u.pool().paused()}; });
  text.counter("holdfast_pool_connections_opened_total", "Upstream connections that came up.");
  write_each(pools, text, [](const Upstream& u) { return u.pool().stats().opened; });
  text.counter("holdfast_pool_connect_errors_total", "Failed attempts to connect.");
  write_each(pools, text, [](const Upstream& u) { return u.pool().stats().connect_errors; });
  text.counter("holdfast_pool_requests_total", "Requests sent to the application.");
  write_each(pools, text, [](const Upstream& u) { return u.pool().stats().leases; });
  text.counter("holdfast_pool_reused_total", "Requests sent on a connection that had carried one before.");
  write_each(pools, text, [](const Upstream& u) { return u.pool().stats().reused; });
  text.counter("holdfast_pool_handed_over_total", "Requests sent without a barrier since the last one.");
  write_each(pools, text, [](const Upstream& u) { return u.pool().stats().handed_over; });
  text.counter("holdfast_pool_barriers_total", "FCGI_GET_VALUES barriers sent.");
  write_each(pools, text, [](const Upstream& u) { return u.pool().stats().barriers; });
  text.gauge("holdfast_pool_scripts_run_on",
             "1 for a minute after scripts ran on after END_REQUEST: no request skips the barrier.");
  write_each(pools, text, [now](const Upstream& u) { return std::uint64_t{u.pool().scripts_run_on(now)}; });
  text.counter("holdfast_pool_abandoned_total", "Requests whose client left in the queue.");
  write_each(pools, text, [](const Upstream& u) { return u.pool().stats().abandoned; });
}

void write_reasons(const std::vector<Upstream*>& pools, PrometheusText& text) {
  text.counter("holdfast_pool_rejected_total", "Requests answered 503 by the queue.");
  for (const Upstream* upstream : pools) {
    const std::string& pool = upstream->name();
    text.sample({{"pool", pool}, {"reason", "queue_full"}}, upstream->pool().stats().queue_full);
    text.sample({{"pool", pool}, {"reason", "queue_timeout"}}, upstream->pool().stats().queue_timeout);
  }
  text.counter("holdfast_pool_connections_closed_total", "Upstream connections closed, by reason.");
  for (const Upstream* upstream : pools) {
    for (std::size_t reason = 1; reason < core::kCloseReasons; ++reason) {
      text.sample({{"pool", upstream->name()},
                   {"reason", core::close_reason_name(static_cast<core::CloseReason>(reason))}},
                  upstream->pool().stats().closed[reason]);
    }
  }
  text.counter("holdfast_pool_retries_total", "Requests tried again, by the proof that allowed it.");
  for (const Upstream* upstream : pools) {
    for (std::size_t reason = 0; reason < core::kRetryReasons; ++reason) {
      text.sample({{"pool", upstream->name()},
                   {"reason", core::retry_reason_name(static_cast<core::RetryReason>(reason))}},
                  upstream->retried()[reason]);
    }
  }
}

void write_times(const ServerView& server, const std::vector<Upstream*>& pools, PrometheusText& text) {
  struct Family {
    std::string_view name, help;
    core::Histogram PoolTimes::*histogram;
  };
  static constexpr std::array<Family, 4> kFamilies = {{
      {"holdfast_queue_wait_seconds", "From the whole request to the lease of a connection.",
       &PoolTimes::queue_wait},
      {"holdfast_connect_seconds", "Time to open the connection that a request waited for.",
       &PoolTimes::connect},
      {"holdfast_first_byte_seconds", "From the lease to the first byte of the response.",
       &PoolTimes::first_byte},
      {"holdfast_request_seconds", "From the first byte of the request to the last of the answer.",
       &PoolTimes::total},
  }};
  const PoolTimes none;
  for (const Family& family : kFamilies) {
    text.histogram(family.name, family.help);
    for (const Upstream* upstream : pools) {
      const auto found = server.context().metrics.pool_times.find(upstream->name());
      const PoolTimes& times = found == server.context().metrics.pool_times.end() ? none : found->second;
      text.sample({{"pool", upstream->name()}}, times.*family.histogram);
    }
  }
  text.histogram("holdfast_settle_seconds",
                 "From END_REQUEST to the barrier's answer: how long scripts run on.");
  for (const Upstream* upstream : pools)
    text.sample({{"pool", upstream->name()}}, upstream->pool().stats().settle);
}

void write_sockets(const SocketCensus::Reading& reading, PrometheusText& text) {
  text.gauge("holdfast_sockets",
             "TCP sockets of the ports we serve on or connect to, by the side they are on and their state.");
  static constexpr std::array kStates = {net::TcpState::established, net::TcpState::syn_sent,
                                         net::TcpState::syn_recv,    net::TcpState::fin_wait1,
                                         net::TcpState::fin_wait2,   net::TcpState::time_wait,
                                         net::TcpState::close_wait,  net::TcpState::last_ack};
  for (const ServicePort& port : reading.ports) {
    const std::string number = std::to_string(port.states.port);
    for (const auto side : {net::Side::server, net::Side::client}) {
      const net::SocketCounts& counts = side == net::Side::server ? port.states.local : port.states.remote;
      for (const net::TcpState state : kStates) {
        text.sample({{"port", number}, {"side", net::side_name(side)}, {"state", net::state_key(state)}},
                    std::uint64_t{counts[state]});
      }
    }
  }
  text.gauge("holdfast_ephemeral_ports", "Local ports that connections to one address may borrow.");
  text.sample({}, std::uint64_t{reading.ephemeral.size()});
}

// Under the names of hipages/php-fpm_exporter. Those of its counters lack `_total`, so they have no type
// here.
void write_fpm(const std::vector<Upstream*>& pools, PrometheusText& text) {
  std::vector<const Upstream*> asked;
  for (const Upstream* upstream : pools) {
    if (upstream->fpm_status() != nullptr && upstream->fpm_status()->up()) asked.push_back(upstream);
  }
  if (asked.empty()) return;
  text.gauge("phpfpm_up", "1 when php-fpm answered the last question for its status.");
  for (const Upstream* upstream : asked) {
    text.sample({{"pool", upstream->name()}}, std::uint64_t{*upstream->fpm_status()->up()});
  }
  std::erase_if(asked, [](const Upstream* upstream) { return !*upstream->fpm_status()->up(); });
  if (asked.empty()) return;
  for (const FpmField& field : kFpmFields) {
    const std::string name = "phpfpm_" + std::string(field.name);
    if (field.counts_up) {
      text.untyped(name, field.help);
    } else {
      text.gauge(name, field.help);
    }
    for (const Upstream* upstream : asked) {
      text.sample({{"pool", upstream->name()}}, upstream->fpm_status()->numbers().*field.number);
    }
  }
  text.gauge("holdfast_fpm_status_age_seconds", "How old the phpfpm_ numbers are.");
  for (const Upstream* upstream : asked) {
    text.sample({{"pool", upstream->name()}},
                std::chrono::duration<double>(upstream->fpm_status()->age()).count());
  }
}

}  // namespace

std::string metrics_text(const ServerView& server, SocketCensus& sockets) {
  std::string out;
  PrometheusText text(out);
  const std::vector<Upstream*> pools = server.upstreams();
  write_clients(server, text);
  write_limits(server, text);
  write_web_servers(server.context().metrics, text);
  write_pools(pools, server.context().now(), text);
  write_reasons(pools, text);
  write_times(server, pools, text);
  const SocketCensus::Reading& reading = sockets.read(server);
  if (reading.error.empty()) write_sockets(reading, text);
  write_fpm(pools, text);
  return out;
}

}  // namespace holdfast

// What only one kind of web server does. Each was tried with the program of Debian 12.
#include <algorithm>
#include <string>

#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

// All clients' requests on one connection: by the option, unless GET_VALUES says otherwise, or by GET_VALUES
// alone.
void check_multiplexing(const DoctorFacts& facts, const HaproxyWays& ways, const ListenerFacts& listener,
                        Findings& found) {
  const bool multiplexes = ways.get_values ? listener.multiplex : ways.mpxs_conns;
  if (!multiplexes || !ways.reuse_always) return;
  std::vector<Change> changes;
  if (ways.mpxs_conns)
    changes.push_back({ways.mpxs_place.file, ways.mpxs_place.line, "no option mpxs-conns"});
  if (ways.get_values)
    changes.push_back(
        own_change(facts, "listen", "{ fastcgi: " + listener.address.text() + ", multiplex: false, ... }"));
  found.add(FindingSeverity::warning, "front_mpxs", "the requests of all clients go over one connection",
            "One client that does not read its answer makes HAProxy stop reading the whole connection: the "
            "others hang.",
            std::move(changes));
}

void check_haproxy(const DoctorFacts& facts, const HaproxyWays& ways, const ListenerFacts& listener,
                   Findings& found) {
  check_multiplexing(facts, ways, listener, found);
  if (!ways.retry_on.empty() && ways.retries > 0) {
    found.add(FindingSeverity::warning, "front_retry", "retry-on " + ways.retry_on,
              "HAProxy sends such a request again, up to " + std::to_string(ways.retries) +
                  " times, POST too: a script that ran may run twice. Holdfast repeats what is known not to "
                  "have run.",
              {Change{ways.retry_place.file, ways.retry_place.line, "retry-on conn-failure"}});
  }
  std::uint64_t workers = 0;
  for (const PoolFacts& each : facts.pools) {
    if (std::find(listener.pools.begin(), listener.pools.end(), each.pool.name) != listener.pools.end())
      workers += each.pool.max_connections;
  }
  if (ways.maxconn > 0 && ways.maxconn < workers) {
    const std::string limit = ways.queue_limit ? in_seconds(*ways.queue_limit) : "any time";
    found.add(FindingSeverity::info, "front_maxconn",
              "maxconn " + std::to_string(ways.maxconn) +
                  " lets fewer requests through than max_connections: " + std::to_string(workers),
              "The others wait at HAProxy, for " + limit +
                  ", then get its 503, while workers are idle and holdfast's "
                  "queue is empty.",
              {Change{ways.maxconn_place.file, ways.maxconn_place.line, "(without maxconn)"}});
  }
  constexpr std::uint64_t kRecordMax = 65535;  // bytes of a FastCGI record
  if (ways.bufsize > kRecordMax) {
    found.add(FindingSeverity::warning, "front_bufsize", "tune.bufsize " + std::to_string(ways.bufsize),
              "HAProxy writes what its buffer holds into one FastCGI record; one that is longer than 65535 "
              "bytes gets a "
              "wrong length, and the request is garbage (tried with 2.6.12).",
              {Change{ways.bufsize_place.file, ways.bufsize_place.line, "tune.bufsize 32768"}});
  }
}

void check_apache(const DoctorFacts& facts, const FrontPass& pass, const ListenerFacts& listener,
                  Findings& found) {
  if (pass.plain_script_name) return;
  for (const PoolFacts& each : facts.pools) {
    const bool leads_there =
        std::find(listener.pools.begin(), listener.pools.end(), each.pool.name) != listener.pools.end();
    if (!leads_there || each.pool.application != config::Application::generic) continue;
    found.add(FindingSeverity::info, "front_script", "SCRIPT_FILENAME begins with \"proxy:fcgi://\"",
              "php-fpm takes that off; of pool " + each.pool.name +
                  ", which is another application, one cannot know.",
              {Change{pass.place.file, 0, "ProxyFCGIBackendType GENERIC"}});
    return;
  }
}

void check_lighttpd(const FrontPass& pass, const ListenerFacts& listener, Findings& found) {
  if (pass.spawns.line > 0) {
    const bool is_unix = listener.address.kind == config::Address::Kind::unix_socket;
    found.add(
        is_unix ? FindingSeverity::error : FindingSeverity::warning, "front_spawns",
        place_text(pass.spawns) + " starts a program of lighttpd's own",
        is_unix ? "With bin-path lighttpd speaks to what it starts, at " + listener.address.path +
                      "-0, and never to holdfast."
                : "With bin-path lighttpd starts it at " + listener.address.text() +
                      " when nobody listens there yet: holdfast then cannot, and gets no request.",
        {Change{pass.spawns.file, pass.spawns.line, "(without bin-path, max-procs and bin-environment)"}});
    return;
  }
  if (pass.refuses_chunked.line > 0) {
    found.add(
        FindingSeverity::info, "front_chunked", "server.stream-request-body = 2",
        "lighttpd answers 411 to chunked uploads then. Holdfast takes a body whole before it leases a "
        "worker: "
        "there is nothing to be had from streaming.",
        {Change{pass.refuses_chunked.file, pass.refuses_chunked.line, "server.stream-request-body = 0"}});
  }
}

}  // namespace

void check_front_kind(const DoctorFacts& facts, FrontKind kind, const FrontPass& pass,
                      const ListenerFacts& listener, Findings& found) {
  switch (kind) {
    case FrontKind::haproxy:
      if (pass.haproxy) check_haproxy(facts, *pass.haproxy, listener, found);
      break;
    case FrontKind::apache: check_apache(facts, pass, listener, found); break;
    case FrontKind::lighttpd: check_lighttpd(pass, listener, found); break;
    case FrontKind::nginx:
    case FrontKind::caddy: break;
  }
}

}  // namespace holdfast

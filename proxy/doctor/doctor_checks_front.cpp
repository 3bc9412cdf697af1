// The web server in front: does it speak to us or past us, do its timeouts and kept connections fit ours, may
// it connect. Of nginx only, whose configuration can be read.
#include <algorithm>
#include <set>
#include <string>

#include "config/fastcgi_times.h"
#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

using config::NginxPass;

std::string place_text(const config::NginxPlace& place) {
  return place.file + ":" + std::to_string(place.line);
}

const ListenerFacts* listener_at(const DoctorFacts& facts, const config::Address& address) {
  const auto found = std::find_if(facts.listeners.begin(), facts.listeners.end(),
                                  [&](const auto& each) { return each.address == address; });
  return found == facts.listeners.end() ? nullptr : &*found;
}

bool leads_to(const ListenerFacts& listener, const std::string& pool) {
  return std::find(listener.pools.begin(), listener.pools.end(), pool) != listener.pools.end();
}

// A directive to write: where it stands, else into the file of `pass`.
Change nginx_change(const NginxPass& pass, const config::NginxPlace& place, const std::string& text) {
  return place.line > 0 ? Change{place.file, place.line, text} : Change{pass.place.file, 0, text};
}

// ---- past us

void goes_past(const DoctorFacts& facts, const NginxPass& pass, const PoolFacts& pool, Findings& found) {
  const std::string& name = pool.pool.name;
  const auto listener = std::find_if(facts.listeners.begin(), facts.listeners.end(),
                                     [&name](const auto& each) { return leads_to(each, name); });
  const bool has_listener = listener != facts.listeners.end();
  const bool kept = pass.keep_conn && pass.keepalive > 0;
  const std::string what = place_text(pass.place) + " speaks to php-fpm of pool " + name + ", past holdfast";
  std::string why =
      "What it asks comes on top of max_connections: " + std::to_string(pool.pool.max_connections) +
      " and takes the same workers; nobody bounds or queues it. ";
  why += kept ? "Each process of nginx keeps up to " + std::to_string(pass.keepalive) +
                    " connections, and each of them holds a worker while it is idle: who comes when all are "
                    "held waits until one is dropped."
              : "Each request costs a connection of its own; those for which there is no worker wait in "
                "php-fpm's backlog, in no order that anybody keeps.";
  if (!has_listener) {
    found.add(
        FindingSeverity::info, "front_past", what,
        why + "A listener for FastCGI, with fastcgi_pass leading there, puts it behind the same ceiling.",
        {own_change(facts, "listen", "{ fastcgi: unix:/run/holdfast/php.sock, pool: " + name + " }")});
    return;
  }
  const std::string to = listener->address.text();
  found.add(FindingSeverity::warning, "front_past", what, why,
            {pass.upstream.line > 0 ? Change{pass.upstream.file, pass.upstream.line, "server " + to + ";"}
                                    : Change{pass.place.file, pass.place.line, "fastcgi_pass " + to + ";"}});
}

// ---- to us

struct Waits {
  config::Duration queue{};  // the longest of the listener's pools
  config::Duration all{};    // with the first byte of the answer
};

Waits waits_of(const DoctorFacts& facts, const ListenerFacts& listener) {
  Waits waits;
  for (const PoolFacts& each : facts.pools) {
    if (!leads_to(listener, each.pool.name)) continue;
    waits.queue = std::max(waits.queue, each.pool.queue.timeout);
    waits.all = std::max(waits.all, each.pool.queue.timeout + each.pool.timeouts.first_byte);
  }
  return waits;
}

void check_read_timeout(const NginxPass& pass, const Waits& waits, Findings& found) {
  if (!pass.read_timeout) return;
  const std::string said = "fastcgi_read_timeout = " + in_seconds(*pass.read_timeout);
  const config::Duration enough = waits.all + std::chrono::seconds(5);  // ours is first
  const Change change =
      nginx_change(pass, pass.read_timeout_place, "fastcgi_read_timeout " + in_seconds(enough) + ";");
  if (*pass.read_timeout <= waits.queue) {
    found.add(FindingSeverity::warning, "front_timeout",
              said + " is not longer than queue.timeout = " + in_seconds(waits.queue),
              "nginx gives up on those who wait for a worker: they get its 504 in place of our 503 with "
              "Retry-After, and have lost their place in the queue.",
              {change});
  } else if (*pass.read_timeout < waits.all) {
    found.add(FindingSeverity::info, "front_timeout",
              said + ", while queue.timeout and timeouts.first_byte come to " + in_seconds(waits.all),
              "A request that has waited, and whose script then takes its time, gets nginx's 504 while the "
              "script goes on.",
              {change});
  } else {
    found.ok("front_timeout", said);
  }
}

void check_kept(const NginxPass& pass, Findings& found) {
  if (pass.keep_conn && pass.keepalive == 0) {
    found.add(
        FindingSeverity::info, "front_keep", "fastcgi_keep_conn is on, without keepalive",
        "nginx keeps connections only of an upstream block with keepalive: it closes each all the same.",
        {nginx_change(pass, pass.upstream,
                      "upstream php { server " + pass.addresses.front().text() + "; keepalive 8; }")});
  } else if (!pass.keep_conn && pass.keepalive > 0) {
    found.add(FindingSeverity::info, "front_keep", "keepalive, without fastcgi_keep_conn on",
              "Each request asks that its connection be closed, so none is kept.",
              {Change{pass.place.file, 0, "fastcgi_keep_conn on;"}});
  } else if (pass.keep_conn && pass.keepalive_timeout &&
             *pass.keepalive_timeout >= config::kFastcgiIdleTime) {
    found.add(FindingSeverity::warning, "front_keep",
              "keepalive_timeout = " + in_seconds(*pass.keepalive_timeout) + ", holdfast closes after " +
                  in_seconds(config::kFastcgiIdleTime),
              "A request that nginx sends in the moment of the close is lost: it repeats a GET, a POST gets "
              "502.",
              {nginx_change(pass, pass.keepalive_timeout_place, "keepalive_timeout 60s;")});
  } else {
    found.ok("front_keep", pass.keep_conn ? "connections are kept" : "a connection a request");
  }
}

void check_socket(const DoctorFacts& facts, const ListenerFacts& listener, Findings& found) {
  const FrontFacts& front = *facts.front;
  const auto& file = listener.socket_file;
  if (!front.account || !file || file->stat_errno != 0 || !file->is_socket) return;
  const std::string address = listener.address.text();
  if (may_connect(*front.account, *file)) {
    found.ok("front_socket", front.account->user + " may connect to " + address);
    return;
  }
  found.add(FindingSeverity::error, "front_socket",
            front.account->user + " may not connect to " + address + ", which is " + file->owner + ":" +
                file->group,
            "nginx answers 502, and its log says \"13: Permission denied\".",
            {own_change(facts, "listen",
                        "{ fastcgi: " + address + ", pool: " + listener.pools.front() +
                            ", group: " + front.group + " }")});
}

}  // namespace

void check_front(const DoctorFacts& facts, std::vector<Finding>& out) {
  if (!facts.front) return;
  const FrontFacts& front = *facts.front;
  Findings found(out, "nginx");
  const auto& problems = front.nginx.problems;
  if (!front.read || !problems.empty()) {
    const std::string place =
        problems.empty() ? front.file : place_text({problems[0].file, problems[0].line});
    found.add(FindingSeverity::warning, "front",
              place + (problems.empty() ? " cannot be read" : ": " + problems[0].text),
              "Whether nginx speaks to holdfast, or past it, is not known.", {});
    return;
  }
  std::set<std::string> told;  // many locations pass on alike
  bool any = false;
  for (const NginxPass& pass : front.nginx.passes) {
    for (const config::Address& address : pass.addresses) {
      const bool fresh = told.insert(address.text() + " " + place_text(pass.read_timeout_place) + " " +
                                     place_text(pass.upstream) + (pass.keep_conn ? " kept" : ""))
                             .second;
      if (const ListenerFacts* const listener = listener_at(facts, address)) {
        any = true;
        if (!fresh) continue;
        found.ok("front", place_text(pass.place) + " speaks to " + address.text());
        check_read_timeout(pass, waits_of(facts, *listener), found);
        check_kept(pass, found);
        if (told.insert(address.text()).second) check_socket(facts, *listener, found);
        continue;
      }
      const auto pool = std::find_if(facts.pools.begin(), facts.pools.end(),
                                     [&](const auto& each) { return each.pool.address == address; });
      if (pool == facts.pools.end()) continue;
      any = true;
      goes_past(facts, pass, *pool, found);
    }
  }
  if (any || !front.asked || facts.listeners.empty()) return;
  found.add(FindingSeverity::info, "front",
            "no fastcgi_pass of " + front.file + " leads to holdfast or to a pool of it",
            "nginx asks neither for anything.",
            {Change{front.file, 0, "fastcgi_pass " + facts.listeners.front().address.text() + ";"}});
}

}  // namespace holdfast

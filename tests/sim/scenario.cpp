// See scenario.h. Limits of the proxy are drawn so that each is met in some runs; what a theme must not meet,
// because its rules would then be untrue, is set back at the end.
#include "scenario.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "config/buffers.h"
#include "config/client.h"
#include "config/log.h"
#include "config/pool.h"
#include "config/shutdown.h"
#include "config/site.h"
#include "draw.h"
#include "furnish.h"

namespace holdfast::sim {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

void draw_config(Scenario& s, Random& random) {
  config::Pool pool;
  pool.name = "php";
  if (random.chance(50)) {
    pool.address = {config::Address::Kind::unix_socket, {}, 0, "/sim/php.sock"};
  } else {
    pool.address = {config::Address::Kind::tcp, "10.0.0.9", 9000, {}};
  }
  pool.max_connections = static_cast<std::uint32_t>(random.between(1, 5));
  pool.ping = one_of<milliseconds>(random, {0ms, 100ms, 1s, 1s});
  pool.settle = one_of(random, {config::Settle::automatic, config::Settle::automatic, config::Settle::always,
                                config::Settle::never});
  pool.client_abort = one_of(random, {config::ClientAbort::drain, config::ClientAbort::close});
  pool.recycle.requests = one_of<std::uint64_t>(random, {0, 0, 0, 1, 3});
  pool.recycle.lifetime = one_of<milliseconds>(random, {0ms, 0ms, 300ms});
  pool.recycle.idle = one_of<milliseconds>(random, {60s, 60s, 200ms});
  pool.timeouts.first_byte = pool.timeouts.idle_read = 8s;
  pool.queue.timeout = 600s;
  s.config.pools.push_back(pool);

  config::Site site;
  site.root = site.php_root = "/sim/no/such/root";
  site.pool = "php";
  site.max_body = random.chance(10) ? 20000 : 64U << 20;
  s.config.sites.push_back(site);
  if (random.chance(40)) s.config.listen = {{config::Address::Kind::unix_socket, {}, 0, "/sim/http.sock"}};
  s.config.admin.reset();
  s.config.log->access = "off";
  s.config.client->timeouts.keep_alive = 5s;
  s.config.client->timeouts.write = 5s;
  s.config.client->min_rate = 0;  // some clients read a byte at a time
  if (random.chance(10)) s.config.client->max_connections = 3;
  if (random.chance(15)) s.config.client->requests_per_connection = random.between(1, 3);
  s.config.buffers->request_memory = one_of<std::uint64_t>(random, {0, 1000, 64 << 10});
  s.config.buffers->response_memory = one_of<std::uint64_t>(random, {0, 5000, 256 << 10});
  s.config.shutdown->grace = one_of<milliseconds>(random, {0ms, 500ms, 25s});
  if (s.config.shutdown->grace == 500ms) s.config.shutdown->delay = 200ms;
}

void draw_network(Scenario& s, Random& random) {
  s.network.read_most = one_of<std::size_t>(random, {100, 4096, 65536});
  s.network.room = one_of<std::size_t>(random, {300, 20000, 200000});
  s.network.deliver_percent = static_cast<unsigned>(random.between(20, 100));
  s.network.partial_write_percent = static_cast<unsigned>(random.between(0, 40));
  s.network.close_turns_most = random.below(4);
  s.network.connect_most = one_of<Duration>(random, {0us, 500us, 40ms});
  if (s.theme == Theme::faults && random.chance(10)) s.network.connect_most = 4s;  // over timeouts.connect
}

void draw_app(Scenario& s, Random& random) {
  const std::uint32_t most = s.config.pools.front().max_connections;
  s.app.workers = most + random.below(3);
  s.app.backlog = one_of<std::size_t>(random, {1, 16});
  s.app.max_requests = one_of<std::size_t>(random, {0, 0, 1, 3, 7});
  s.app.slow = static_cast<unsigned>(random.below(8));
  s.app.runs_on = random.chance(40) ? 5 : 0;
  s.app.padding_most = one_of<std::size_t>(random, {0, 7, 255});
}

ClientPlan draw_client(const Scenario& s, Random& random, Time start) {
  ClientPlan plan;
  plan.arrives = start + random.time(0us, one_of<Duration>(random, {1ms, 100ms, 2s}));
  if (s.theme == Theme::overload) plan.arrives = start + random.time(0us, 20ms);
  plan.pipeline = random.chance(20) ? random.between(2, 4) : 1;
  plan.write_most = one_of<std::size_t>(random, {30, 65536, 65536});
  plan.read_most = one_of<std::size_t>(random, {2000, 65536, 65536});
  plan.write_pause = one_of<Duration>(random, {0us, 300us, 2ms});
  plan.read_pause = one_of<Duration>(random, {0us, 300us, 20ms});
  plan.think = one_of<Duration>(random, {0us, 1ms, 900ms});
  plan.http_1_0 = random.chance(10);
  plan.chunked = random.chance(40);
  plan.expect_continue = random.chance(20);
  plan.shuts = random.chance(15);
  if (random.chance(20)) {
    plan.leave = random.chance(50) ? ClientPlan::Leave::close : ClientPlan::Leave::reset;
    plan.leave_after_sent = random.below(400);
    plan.leave_after_received = random.chance(50) ? 0 : size_up_to(random, 5000);
    plan.leave_delay = one_of<Duration>(random, {0us, 1ms, 50ms});
  }
  if (s.theme == Theme::faults || s.theme == Theme::terminated) {
    if (random.chance(5)) plan.deaf_after = size_up_to(random, 100000);
    if (random.chance(5)) plan.mute_after = random.below(500);
  }
  if (s.theme == Theme::shares && random.chance(50)) {
    plan.ill_mannered = true;
    const std::size_t after = random.between(300, 3000);  // head and all, mostly
    switch (random.below(3)) {
      case 0: plan.deaf_after = after; break;
      case 1: plan.sips_after = after; break;
      default: plan.drips_after = after; break;
    }
  }
  const std::size_t most = plan.write_most < 100 ? 3000 : 200000;
  if (s.theme == Theme::ghosts) plan.think = one_of<Duration>(random, {1ms, 900ms, 6s});
  for (std::size_t n = random.between(1, 6); n > 0; --n) {
    Request request;
    request.method = one_of<const char*>(random, {"GET", "GET", "GET", "POST", "POST", "PUT", "HEAD"});
    if (request.method == "POST" || request.method == "PUT") {
      request.body_bytes = std::max<std::size_t>(size_up_to(random, most), random.chance(10) ? 0 : 8);
      request.too_long = request.body_bytes > s.config.sites.front().max_body;
      // The tag comes first, whatever its length.
      if (request.body_bytes > 0) request.body_bytes += 12;
    }
    // Who falls silent inside a HEAD gets a 408 with a body: the proxy cannot know.
    if (plan.mute_after != SIZE_MAX && request.method == "HEAD") request.method = "GET";
    request.answer_bytes = size_up_to(random, plan.read_most < 3000 ? 20000 : 300000);
    request.may_close = plan.http_1_0 || s.config.client->requests_per_connection > 0 ||
                        s.theme == Theme::terminated || s.theme == Theme::reloads;  // its listener may go
    request.length_told = random.chance(50);
    request.streamed = random.chance(15);
    request.disturbed = plan.ill_mannered;
    plan.requests.push_back(std::move(request));
  }
  return plan;
}

// Far more than the proxy holds of them, so it must stop reading; and they are read on.
void make_pipeliner(ClientPlan& plan, Random& random) {
  plan.pipeline = random.between(20, 300);
  plan.head_bytes = one_of<std::size_t>(random, {0, 500, 4000});
  plan.http_1_0 = plan.expect_continue = false;
  plan.leave = ClientPlan::Leave::never;
  plan.think = {};
  if (plan.write_most < 100) plan.write_most = 2000;
  const std::vector<Request> some = plan.requests;
  plan.requests.clear();
  for (std::size_t n = random.between(20, 300); n > 0; --n) {
    Request request;
    if (random.chance(5)) {
      request = some[random.below(some.size())];
      request.answer_bytes %= 5000;
      request.body_bytes = request.body_bytes > 0 ? request.body_bytes % 3000 + 20 : 0;
      request.too_long = false;
    } else {
      request.own = true;
    }
    plan.requests.push_back(std::move(request));
  }
}

void make_deaf(ClientPlan& plan, Random& random) {
  plan.deaf_after = size_up_to(random, 100000);
  for (Request& request : plan.requests) {
    request.answer_bytes = std::max<std::size_t>(request.answer_bytes, random.below(300000));
    request.streamed = false;
  }
}

// Those that do not read ask for more than the proxy can store for them, so that php waits for them.
void make_hold_workers(Scenario& s, Random& random) {
  s.network.room = std::min<std::size_t>(s.network.room, 20000);
  for (ClientPlan& plan : s.clients) {
    if (plan.deaf_after == SIZE_MAX && plan.sips_after == SIZE_MAX) continue;
    for (Request& request : plan.requests) {
      if (request.method != "HEAD" && random.chance(70))
        request.answer_bytes = random.between(450000, 600000);
    }
  }
}

void add_happening(Scenario& s, Random& random, Time start, Happening::Kind kind, Duration away = {}) {
  s.happenings.push_back({.kind = kind, .at = start + random.time(0us, 1500ms), .away = away});
}

void set_faults(Scenario& s, Random& random, Time start) {
  config::Pool& pool = s.config.pools.front();
  s.app.dies = static_cast<unsigned>(random.below(4));
  s.app.dies_midway = static_cast<unsigned>(random.below(4));
  s.app.hangs = static_cast<unsigned>(random.below(2));
  s.app.not_cgi = static_cast<unsigned>(random.below(3));
  s.app.stalls = static_cast<unsigned>(random.below(2));
  s.app.early = random.chance(30) ? 40 : 0;
  s.app.reset_on_accept_percent = random.chance(30) ? 20 : 0;
  s.app.chokes = random.chance(30) ? 10 : 0;
  s.app.zombies = random.chance(20) ? 10 : 0;
  s.app.run_on_most = one_of<Duration>(random, {80ms, 20s, 700s});
  pool.timeouts.first_byte = pool.timeouts.idle_read = pool.timeouts.send = 1s;
  if (random.chance(30)) add_happening(s, random, start, Happening::Kind::restart, random.time(0us, 2s));
}

void set_restarts(Scenario& s, Random& random, Time start) {
  for (std::size_t n = random.between(1, 3); n > 0; --n) {
    s.rules.repeatable_answered = n == 1 && s.happenings.empty();
    add_happening(s, random, start,
                  random.chance(50) ? Happening::Kind::restart : Happening::Kind::graceful_restart,
                  random.time(0us, 2s));
  }
}

void set_ghosts(Scenario& s, Random& random) {
  config::Pool& pool = s.config.pools.front();
  // No process dies: after that each new connection is proven for a while, ghosts or not.
  s.rules.all_answered = false;
  s.app.workers = pool.max_connections;
  s.app.max_requests = 0;
  s.app.hangs = 3;
  s.app.hang = one_of<Duration>(random, {2s, 20s});
  s.app.run_on_most = 2s;
  s.app.slow_most = 50ms;  // well within the time allowed
  pool.timeouts.first_byte = pool.timeouts.idle_read = 200ms;
  pool.recycle.idle = one_of<milliseconds>(random, {200ms, 1s, 60s});
  pool.ping = one_of<milliseconds>(random, {0ms, 100ms, 1s});
}

void set_scarce(Scenario& s, Random& random) {
  config::Pool& pool = s.config.pools.front();
  s.app.workers = random.between(1, pool.max_connections + 1);
  s.app.forking = one_of(random, {Forking::at_start, Forking::late, Forking::on_demand, Forking::on_demand});
  s.app.fork_most = one_of<Duration>(random, {50ms, 3s, 20s});
  s.app.accept_most = one_of<Duration>(random, {500us, 30ms, 2s});
  pool.timeouts.first_byte = one_of<milliseconds>(random, {1s, 8s});
}

// Only the pace rules can end what such clients hold: the write timeout is far away.
void set_shares(Scenario& s, Random& random) {
  s.rules.all_answered = false;
  s.rules.gets_answered = true;
  s.app.prompt_closes_wanted = false;  // php waits for clients
  s.config.buffers->request_memory = s.config.buffers->response_memory = 2000;
  s.config.buffers->spool_max = one_of<std::uint64_t>(random, {20000, 400000});
  s.config.client->timeouts.write = 600s;
  s.config.client->min_rate = 1024;
}

}  // namespace

void change_manners(config::Pool& pool, const AppKnobs& app, Random& random) {
  pool.settle = random.chance(50) ? config::Settle::automatic : config::Settle::always;
  // As at the start: its price is known.
  if (app.runs_on == 0 && app.max_requests != 1 && random.chance(30)) pool.settle = config::Settle::never;
  pool.ping = one_of<milliseconds>(random, {0ms, 100ms, 1s});
  pool.recycle.requests = one_of<std::uint64_t>(random, {0, 0, 1, 5});
  pool.recycle.idle = one_of<milliseconds>(random, {0ms, 300ms, 60s});
  pool.recycle.lifetime = one_of<milliseconds>(random, {0ms, 0ms, 500ms});
}

namespace {

void set_reloads(Scenario& s, Random& random, Time start) {
  // No more than the highest ceiling needs: a reload does not get a second set of workers.
  s.app.workers = std::max<std::size_t>(s.app.workers, kReloadedConnectionsMost);
  for (std::size_t n = random.between(1, 3); n > 0; --n)
    add_happening(s, random, start, one_of(random, {Happening::Kind::reload, Happening::Kind::recycle}));
  if (random.chance(50)) {
    add_happening(s, random, start, Happening::Kind::pause);
    add_happening(s, random, start + 1500ms, Happening::Kind::resume);
  }
}

void set_client_trouble(Scenario& s) {
  if (s.theme == Theme::pipelines) s.config.sites.front().hosts = {"example.com"};
  if (s.theme == Theme::unread) s.config.buffers->response_memory = 5000;
}

void set_generic(Scenario& s) {
  s.app.kind = AppKind::generic;
  s.app.runs_on = 0;
  s.rules.ends_tell_nothing = true;
}

void apply_theme(Scenario& s, Random& random, Time start) {
  config::Pool& pool = s.config.pools.front();
  switch (s.theme) {
    case Theme::calm: break;
    case Theme::faults:
      s.rules.all_answered = false;
      set_faults(s, random, start);
      break;
    case Theme::old_php:
      // Without the barrier nobody can tell that a script runs on.
      s.app.kind = AppKind::old_php;
      s.app.runs_on = 0;
      break;
    case Theme::generic:
      pool.application = config::Application::generic;
      set_generic(s);
      break;
    case Theme::one_each: pool.keep_alive = false; break;
    case Theme::overload:
      s.rules.all_answered = false;
      pool.queue.size = static_cast<std::uint32_t>(random.between(1, 4));
      pool.queue.timeout = one_of<milliseconds>(random, {200ms, 500ms});
      s.app.slow = 20;
      break;
    case Theme::spill_fails:
      s.rules.all_answered = false;
      s.rules.cuts_allowed = true;
      s.app.prompt_closes_wanted = false;  // no room: php has to wait
      s.config.buffers->request_memory = s.config.buffers->response_memory = 2000;
      s.spill.create_fails_percent = random.chance(50) ? 50 : 0;
      s.spill.append_fails_percent = random.chance(50) ? 20 : 0;
      s.spill.read_fails_percent = random.chance(50) ? 10 : 0;
      s.spill.most = one_of<std::uint64_t>(random, {20000, 200000, 64 << 20});
      break;
    case Theme::restarts:
      s.rules.all_answered = false;
      set_restarts(s, random, start);
      break;
    case Theme::reloads: set_reloads(s, random, start); break;
    case Theme::terminated:
      s.rules = {.all_answered = false, .cuts_allowed = true, .closes_allowed = true};
      if (random.chance(50)) set_faults(s, random, start);
      add_happening(s, random, start, Happening::Kind::terminate);
      if (s.config.shutdown->grace == 25s) {  // those who wait at a paused pool are to be served
        s.happenings.push_back({.kind = Happening::Kind::pause, .at = s.happenings.back().at - 20ms});
      }
      if (random.chance(20)) add_happening(s, random, start + 1s, Happening::Kind::terminate);
      break;
    case Theme::swizzle:
      s.app.prompt_closes_wanted = false;
      add_happening(s, random, start, Happening::Kind::freeze);
      add_happening(s, random, start + 1500ms, Happening::Kind::thaw);
      break;
    case Theme::crumbs:
      s.network.read_most = 1;
      s.network.room = one_of<std::size_t>(random, {1, 60, 5000});
      break;
    case Theme::crowded:
      // Longer than the proxy's patience, so that some of its questions lie dead in the backlog.
      s.app.elsewhere_most = one_of<Duration>(random, {1s, 10s, 40s});
      break;
    case Theme::ghosts: set_ghosts(s, random); break;
    case Theme::scarce: set_scarce(s, random); break;
    case Theme::shares: set_shares(s, random); break;
    case Theme::pipelines:
    case Theme::unread: set_client_trouble(s); break;
  }
}

}  // namespace

std::string_view theme_name(Theme theme) {
  constexpr std::array<std::string_view, kThemes> kNames = {
      "calm",        "faults",   "old_php", "generic",    "one_each",  "overload",
      "spill_fails", "restarts", "reloads", "terminated", "swizzle",   "crumbs",
      "crowded",     "ghosts",   "scarce",  "shares",     "pipelines", "unread"};
  return kNames[static_cast<std::size_t>(theme)];
}

Theme draw_theme(Random& random) {
  const auto theme = static_cast<Theme>(random.weighted({20, 25, 8, 8, 8, 8, 8, 12, 12, 12, 5, 5, 8, 8}));
  // Later ones take a part of all the others, so that the seeds mean what they meant.
  if (random.chance(10)) return Theme::scarce;
  if (random.chance(8)) return Theme::shares;
  if (random.chance(8)) return Theme::pipelines;
  return random.chance(8) ? Theme::unread : theme;
}

Scenario make_scenario(Theme theme, Random& random, Time start, std::uint64_t seed, bool plain) {
  Scenario s;
  s.theme = theme;
  draw_config(s, random);
  draw_network(s, random);
  draw_app(s, random);
  s.rules.all_answered = true;  // a theme may say otherwise
  apply_theme(s, random, start);
  const std::size_t clients_most = theme == Theme::crumbs ? 4 : theme == Theme::overload ? 40 : 14;
  for (std::size_t n = random.between(1, clients_most); n > 0; --n) {
    s.clients.push_back(draw_client(s, random, start));
    if (theme == Theme::pipelines && random.chance(60)) make_pipeliner(s.clients.back(), random);
    if (theme == Theme::unread && random.chance(40)) make_deaf(s.clients.back(), random);
    if (theme != Theme::crumbs) continue;
    for (Request& request : s.clients.back().requests) {
      request.answer_bytes %= 500;
      request.body_bytes = request.body_bytes > 0 ? request.body_bytes % 300 + 20 : 0;
    }
  }
  // Five proven retries are all there are.
  if (s.config.pools.front().settle == config::Settle::never && s.app.max_requests == 1)
    s.app.max_requests = 3;
  // Where places are few an idle connection makes way, perhaps as its client asks again.
  if (s.config.client->max_connections < 14) s.rules.closes_allowed = true;
  // A script that prints after its end can only be told from the next one by the barrier.
  if (s.config.pools.front().settle == config::Settle::never) s.app.runs_on = 0;

  if (plain) return s;
  Random own(seed ^ 0x5173);
  if (theme == Theme::shares) make_hold_workers(s, own);
  s.furnished = is_furnished(theme, own);
  if (s.furnished) furnish(s, own, start);
  return s;
}

}  // namespace holdfast::sim

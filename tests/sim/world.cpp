// See world.h.
#include "world.h"

#include <algorithm>
#include <csignal>

#include "config/buffers.h"
#include "config/client.h"
#include "config/log.h"
#include "proxy/client/client_connection.h"

namespace holdfast::sim {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t kStepsMost = 2'000'000;
// Above every log level: a log that swallows.
constexpr auto kNoLog = static_cast<config::LogLevel>(255);
// What the fixed buffers of one client may hold beside what the configuration allows: pipelined bytes and a
// read above them, what is joined before it goes to disk, a batch that found no room there, each up to 64 KiB
// plus framing.
constexpr std::size_t kClientSlack = 4 * 70 * 1024;
// A streaming client may be 128 KiB behind plus one batch; an upstream gets PARAMS and 64 KiB of body at
// once.
constexpr std::size_t kUnsentMost = (128 + 72) * 1024;
}  // namespace

World::World(std::uint64_t seed, bool plain, bool verbose)
    : World(seed, draw_theme(*std::make_unique<Random>(seed ^ 0x5eed)), plain, verbose) {}

World::World(std::uint64_t seed, Theme theme, bool plain, bool verbose)
    : universe_(seed),
      ledger_(universe_),
      scenario_(make_scenario(theme, universe_.random, universe_.now, seed, plain)),
      with_web_servers_(!plain && !scenario_.furnished && draw_web_servers(seed)),
      house_(scenario_.furnished, scenario_.house),
      judge_(universe_, ledger_, house_),
      network_(universe_, scenario_.network),
      spill_(universe_, scenario_.spill),
      ceilings_(network_) {
  universe_.verbose = verbose;
  make_apps();
  open_log(seed);
  ceilings_.set(scenario_.config);
  if (scenario_.config.admin) {
    network_.set_admin_address(address_key(*scenario_.config.admin));
    judge_.admin_is_unix = scenario_.config.admin->kind == config::Address::Kind::unix_socket;
  }
  for (ClientPlan& plan : scenario_.clients) {
    clients_.push_back(std::make_unique<Client>(universe_, ledger_, judge_, network_, plan,
                                                "client" + std::to_string(clients_.size())));
  }
  for (const auto& client : clients_) actors_.push_back(client.get());
  for (WebServerPlan& plan : scenario_.web_servers) {
    web_servers_.push_back(std::make_unique<WebServer>(universe_, ledger_, network_, plan,
                                                       "web" + std::to_string(web_servers_.size())));
    actors_.push_back(web_servers_.back().get());
  }
  for (const auto& app : apps_) {
    for (Actor* actor : app->actors()) actors_.push_back(actor);
  }
  happenings_ = scenario_.happenings;
  std::stable_sort(happenings_.begin(), happenings_.end(),
                   [](const Happening& a, const Happening& b) { return a.at > b.at; });
  worker_ = std::make_unique<Worker>(network_, spill_, *log_, access_log_,
                                     std::make_shared<const config::Config>(scenario_.config), *this);
}

World::~World() {
  // After a failure the proxy is in the middle of something; its destructors would say so, and hide the
  // cause.
  if (!ok()) static_cast<void>(worker_.release());
}

bool World::draw_web_servers(std::uint64_t seed) {
  Random random(seed ^ 0xfc61);
  add_web_servers(scenario_, random, universe_.now);
  return !scenario_.web_servers.empty();
}

// In a fifth of the runs somebody reads all of the log, or stops.
void World::open_log(std::uint64_t seed) {
  if (universe_.verbose || seed % 5 != 0) {
    log_ = std::make_unique<Log>(universe_.verbose ? config::LogLevel::debug : kNoLog);
    return;
  }
  auto reader = std::make_unique<LogReader>(universe_, seed);
  log_reader_ = reader.get();
  log_ = std::make_unique<Log>(config::LogLevel::debug, std::move(reader));
  for (int i = 0; i < 40; ++i) log_->debug(std::string(10000, 'x'));  // more than is kept for it
}

void World::check_log() {
  if (log_reader_ == nullptr) return;
  log_reader_->calm_down();
  log_->flush();
  log_reader_->check_at_end(log_->dropped());
}

std::string World::run() {
  note_descriptors();
  std::string error;
  universe_.require(worker_->start(error), "start: " + error);
  run_until([this] { return clients_finished() && happenings_.empty(); }, 600min, "the clients are served");
  if (ok()) end_phase();
  return universe_.failure;
}

void World::end_phase() {
  for (const auto& app : apps_) app->calm_down();
  spill_.calm_down();
  if (!terminated_) {
    run_until([this] { return pool_at_rest(); }, 600min, "the pool comes to rest");
    if (ok()) ask_once_more();
    if (ok()) check_lesson();
    if (ok()) worker_->on_signal(SIGTERM);
    turn_wanted_ = true;
  }
  run_until([this] { return worker_->done(); }, 30min, "the worker stops");
  if (!ok()) return;
  universe_.require(told_done_, "done() without on_done()");
  universe_.require(network_.streams() == 0, "streams are left: " + std::to_string(network_.streams()));
  universe_.require(worker_->client_connections() == 0, "client connections are left");
  universe_.require(
      worker_->context().memory.used() == 0,
      "bytes are counted that nobody holds: " + std::to_string(worker_->context().memory.used()));
  check_house_at_end();
  universe_.require(spill_.files() == 0 && spill_.bytes_in_use() == 0, "spill files are left");
  for (const Upstream* upstream : worker_->upstreams())
    universe_.require(upstream->pool().waiting() == 0, "somebody waits still");
  ledger_.check_at_end(scenario_.rules);
  check_log();
}

template <typename Condition>
void World::run_until(Condition condition, Duration limit, const std::string& what) {
  const Time end = universe_.now + limit;
  while (ok() && !condition()) {
    if (!step()) {
      universe_.fail("nothing can happen any more before " + what + unfinished());
    } else if (universe_.now > end) {
      universe_.fail("it takes too long until " + what + unfinished());
    } else if (++steps_ > kStepsMost) {
      universe_.fail("too many steps until " + what);
    }
  }
}

Time World::next_time() const {
  Time next = network_.next_time().value_or(Time::max());
  for (const Actor* actor : actors_) next = std::min(next, actor->due());
  if (!happenings_.empty()) next = std::min(next, happenings_.back().at);
  return next;
}

// False: nothing will ever happen again.
bool World::step() {
  const Time next = next_time();
  if (next <= universe_.now || network_.ready() || turn_wanted_) {
    if (universe_.random.chance(50)) universe_.now += universe_.random.time(0us, 100us);
  } else if (next == Time::max()) {
    return false;
  } else {
    universe_.now = next;
  }
  happen();
  act(false);
  // The loop sleeps when there is nothing for it: a forgotten wake-up must show.
  if (turn_wanted_ || network_.ready()) {
    turn_wanted_ = false;
    network_.turn([this] { act(true); });
  }
  check();
  return true;
}

void World::act(bool one_only) {
  std::vector<Actor*> due;
  for (Actor* actor : actors_) {
    if (actor->due() <= universe_.now) due.push_back(actor);
  }
  universe_.random.shuffle(due);
  for (Actor* actor : due) {
    if (!universe_.random.chance(70)) continue;
    actor->step();
    if (one_only) return;
  }
}

void World::count_into(std::map<std::string, std::uint64_t>& met) const {
  ++met["theme " + std::string(theme_name(scenario_.theme))];
  for (const Outcome outcome : {Outcome::answered, Outcome::cut, Outcome::closed_before, Outcome::left})
    met["outcome " + std::string(outcome_name(outcome))] += ledger_.count(outcome);
  for (const int status : {408, 413, 500, 502, 503, 504})
    met["status " + std::to_string(status)] += ledger_.count(Outcome::error_page, status);
  const core::FastcgiCounts& web = worker_->context().metrics.fastcgi;
  met["FastCGI requests"] += web.requests;
  for (const auto fault : {fastcgi::ServerFault::eof_in_record, fastcgi::ServerFault::eof_in_request})
    met["FastCGI " + std::string(fastcgi::fault_name(fault))] += web.faults[static_cast<std::size_t>(fault)];
  count_house(met);
  met["log lines dropped"] += log_->dropped();
  met["spill files"] += spill_.created();
  met["408 slow body"] += worker_->context().metrics.slow_uploads;
  met["cut slow answer"] += worker_->context().metrics.slow_answers;
  met["cut holds worker"] += worker_->context().metrics.cut_answers;
  met["idle made way"] += worker_->context().metrics.clients_made_way;
  for (const auto use : {core::SpillUse::upload, core::SpillUse::answer})
    met["spool refused " + std::string(core::spill_use_name(use))] +=
        worker_->context().spill_shares.refused(use, core::SpillShare::client);
  for (const Upstream* upstream : worker_->upstreams()) {
    const core::PoolStats& stats = upstream->pool().stats();
    met["reused"] += stats.reused;
    met["handed over"] += stats.handed_over;
    met["abandoned"] += stats.abandoned;
    met["connect errors"] += stats.connect_errors;
    for (std::size_t i = 1; i < core::kCloseReasons; ++i)
      met["closed " + std::string(core::close_reason_name(static_cast<core::CloseReason>(i)))] +=
          stats.closed[i];
    for (std::size_t i = 0; i < core::kRetryReasons; ++i)
      met["retried " + std::string(core::retry_reason_name(static_cast<core::RetryReason>(i)))] +=
          upstream->retried()[i];
  }
}

// ---- what happens to all

void World::happen() {
  while (!happenings_.empty() && happenings_.back().at <= universe_.now) {
    const Happening happening = happenings_.back();
    happenings_.pop_back();
    carry_out(happening);
    turn_wanted_ = true;
  }
}

void World::carry_out(const Happening& happening) {
  switch (happening.kind) {
    case Happening::Kind::restart: any_app().restart(happening.away, false); return;
    case Happening::Kind::graceful_restart: any_app().restart({}, true); return;
    case Happening::Kind::reload: reload(); return;
    case Happening::Kind::recycle:
      universe_.trace("admin", "recycle");
      for (Upstream* upstream : worker_->upstreams()) upstream->pool().recycle(universe_.now);
      return;
    case Happening::Kind::pause:
      universe_.trace("admin", "pause");
      for (Upstream* upstream : worker_->upstreams()) upstream->pool().pause();
      return;
    case Happening::Kind::resume:
      universe_.trace("admin", "resume");
      for (Upstream* upstream : worker_->upstreams()) upstream->pool().resume(universe_.now);
      return;
    case Happening::Kind::terminate:
      universe_.trace("admin", "SIGTERM");
      terminated_ = true;
      worker_->on_signal(SIGTERM);
      return;
    case Happening::Kind::freeze: freeze_or_thaw(false); return;
    case Happening::Kind::thaw: freeze_or_thaw(true); return;
    case Happening::Kind::refurnish: refurnish(); return;
  }
}

void World::reload() {
  universe_.trace("admin", "reload");
  config::Config changed = worker_->config();
  config::Pool& pool = changed.pools.front();
  if (universe_.random.chance(70)) {
    pool.max_connections = static_cast<std::uint32_t>(universe_.random.between(1, kReloadedConnectionsMost));
  }
  if (universe_.random.chance(50)) change_manners(pool, scenario_.app, universe_.random);
  // A listener that goes leaves its backlog and its clients behind in order; where client.max_connections
  // is reached its backlog is lost.
  const bool room = changed.client->max_connections > clients_.size();
  if (room && changed.listen.front().kind == config::Address::Kind::tcp && universe_.random.chance(30)) {
    ++changed.listen.front().port;
  }
  take_over(std::move(changed));
}

void World::take_over(config::Config changed) {
  changed.log->level = universe_.verbose || log_reader_ != nullptr ? config::LogLevel::debug : kNoLog;
  std::string error;
  universe_.require(worker_->reload(std::make_shared<const config::Config>(changed), error), error);
  ceilings_.set(changed);
}

// One link a step: the next one follows soon.
void World::freeze_or_thaw(bool thaw) {
  if (!thaw && thawing_) return;
  thawing_ = thaw;
  std::vector<std::shared_ptr<Link>> links;
  if (thaw) {
    links = frozen_;
  } else {
    for (const std::string& address : addresses_) {
      for (auto& link : network_.links_to(address)) links.push_back(std::move(link));
    }
  }
  universe_.random.shuffle(links);
  for (const auto& link : links) {
    if (link->frozen() != thaw) continue;
    universe_.trace("swizzle", (thaw ? "thaws " : "freezes ") + link->name());
    link->freeze(!thaw);
    if (!thaw) frozen_.push_back(link);
    happenings_.push_back({.kind = thaw ? Happening::Kind::thaw : Happening::Kind::freeze,
                           .at = universe_.now + universe_.random.time(0us, 30ms)});
    std::stable_sort(happenings_.begin(), happenings_.end(),
                     [](const Happening& a, const Happening& b) { return a.at > b.at; });
    return;
  }
}

// ---- checks

void World::check() {
  if (const char* const fault = worker_->check()) universe_.fail(fault);
  for (const auto& app : apps_) app->check();
  ceilings_.check(universe_, ledger_);
  universe_.require(network_.unsent_most() <= kUnsentMost,
                    "unsent bytes of a stream: " + std::to_string(network_.unsent_most()));
  universe_.require(spill_.bytes_in_use() <= scenario_.spill.most, "the spill store is over its limit");
  const core::SpillShares& shares = worker_->context().spill_shares;
  for (const auto use : {core::SpillUse::upload, core::SpillUse::answer})
    universe_.require(shares.used(use) <= shares.most_of_use(), "a use of the spool is over its share");
  universe_.require(
      spill_.bytes_in_use() == shares.used(core::SpillUse::upload) + shares.used(core::SpillUse::answer),
      "the shares of the spool do not add up");
  const config::Buffers& buffers = *scenario_.config.buffers;
  const std::size_t allowed =
      static_cast<std::size_t>(buffers.request_memory + buffers.response_memory) + kClientSlack +
      (house_.furnished() ? buffers.response_memory : 0);  // before it is compressed, and after
  worker_->for_each_client([this, allowed](ClientConnection& client) {
    const std::size_t requests = client.speaks_fastcgi() ? kWebServerRequestsMost : 1;
    universe_.require(client.memory_bytes() <= allowed * requests,
                      "memory of a client: " + std::to_string(client.memory_bytes()));
  });
}

std::string World::unfinished() const {
  std::string names;
  for (const auto& client : clients_) {
    if (!client->finished()) names += " " + client->name();
  }
  for (const auto& each : web_servers_) {
    if (!each->finished()) names += " " + each->name();
  }
  return names.empty() ? names : "; still there:" + names;
}

bool World::clients_finished() const {
  const auto finished = [](const auto& each) { return each->finished(); };
  return std::all_of(clients_.begin(), clients_.end(), finished) &&
         std::all_of(web_servers_.begin(), web_servers_.end(), finished);
}

bool World::pool_at_rest() const {
  const std::vector<Upstream*> upstreams = worker_->upstreams();
  const bool at_rest = std::all_of(upstreams.begin(), upstreams.end(), [](const Upstream* upstream) {
    const core::UpstreamPool& pool = upstream->pool();
    const core::PoolCounts counts = pool.counts();
    return pool.waiting() == 0 && counts.total() == counts.idle;
  });
  return at_rest && std::all_of(apps_.begin(), apps_.end(), [](const auto& app) { return app->at_rest(); }) &&
         worker_->client_connections() == 0;
}

// Whatever happened: what the proxy has learned of the application's ways is true.
void World::check_lesson() {
  const bool asked = scenario_.config.pools.front().application == config::Application::php_fpm &&
                     scenario_.config.pools.front().keep_alive;
  const bool right = asked && scenario_.app.kind == AppKind::php;
  for (const Upstream* upstream : worker_->upstreams())
    universe_.require(upstream->pool().barrier_supported() == right,
                      "the proxy believes the wrong thing of php and FCGI_GET_VALUES");
}

// After all the trouble one more must be answered. A process that is to go notices only when it has read once
// more, and a lost one is found only by who waits for it: each costs a try.
void World::ask_once_more() {
  const bool may_fail =
      scenario_.app.zombies > 0 || scenario_.theme == Theme::restarts || scenario_.rules.ends_tell_nothing;
  const std::size_t tries = may_fail ? 8 : 1;
  bool served = false;
  for (std::size_t n = 0; n < tries && !served && ok(); ++n) {
    ClientPlan plan;
    plan.arrives = universe_.now;
    plan.requests.resize(1);
    if (house_.now().wiki_site) plan.requests.emplace_back().wish = Wish::wiki;
    if (house_.now().second_site) plan.requests.emplace_back().wish = Wish::second;
    Request& post = plan.requests.emplace_back();
    post.method = "POST";
    post.body_bytes = 20;
    for (Request& request : plan.requests) request.may_close = true;
    const std::size_t tag = ledger_.size();
    clients_.push_back(std::make_unique<Client>(universe_, ledger_, judge_, network_, plan, "last"));
    actors_.push_back(clients_.back().get());
    run_until([this] { return clients_finished(); }, 30min, "one more client is served");
    served = ledger_.at(tag).outcome == Outcome::answered;
    for (std::size_t each = tag + 1; each < ledger_.size(); ++each) {
      const Outcome outcome = ledger_.at(each).outcome;
      served = served && (outcome == Outcome::answered || outcome == Outcome::not_sent);
    }
  }
  universe_.require(served, "the last client is not served");
}

}  // namespace holdfast::sim

// What one run is made of, drawn from its seed: a configuration, an application with its habits, clients, and
// what happens to them all. A scenario has a name for its main trouble; the rest is chance.
#pragma once

#include <string>
#include <vector>

#include "client.h"
#include "config/config.h"
#include "fake_network.h"
#include "fake_spill.h"
#include "house.h"
#include "php_worker.h"
#include "web_server.h"

namespace holdfast::sim {

// A reload may set max_connections up to this.
inline constexpr std::uint32_t kReloadedConnectionsMost = 5;
// At once, of a web server's connection.
inline constexpr std::size_t kWebServerRequestsMost = 5;

// What else a reload may change of a pool.
void change_manners(config::Pool& pool, const AppKnobs& app, Random& random);

struct Happening {
  enum class Kind {
    restart,
    graceful_restart,
    reload,
    recycle,
    pause,
    resume,
    terminate,
    freeze,
    thaw,
    refurnish,  // a reload of sites, pools and gzip
  };
  Kind kind;
  Time at{};
  Duration away{};  // restart: how long nobody listens
};

enum class Theme {
  calm,         // nothing goes wrong: each request must be answered
  faults,       // scripts die, hang, answer nonsense
  old_php,      // closes after FCGI_GET_VALUES
  generic,      // an application that does not know FCGI_GET_VALUES
  one_each,     // keep_alive: false
  overload,     // more than the queue takes
  spill_fails,  // disk full, disk broken
  restarts,     // of php
  reloads,      // of the proxy's configuration, in the middle of it all
  terminated,   // SIGTERM in the middle of it all
  swizzle,      // all connections to php stop one by one, and go on in another order
  crumbs,       // one byte at a time
  crowded,      // when the proxy starts, others hold all of php's processes
  ghosts,       // scripts run on long after their connections were closed, and no process is to spare
  scarce,       // processes that accept late, are forked late or never, fewer than max_connections
  shares,       // answers that are not read, or sipped, and uploads that drip, with a small spool
  pipelines,    // hundreds of requests at once on one connection, most of them answered by the proxy itself
  unread,       // clients that stop reading, for good
};
constexpr std::size_t kThemes = 18;
std::string_view theme_name(Theme theme);

struct Scenario {
  Theme theme = Theme::calm;
  NetworkKnobs network;
  AppKnobs app;
  SpillKnobs spill;
  config::Config config;
  std::vector<ClientPlan> clients;
  std::vector<WebServerPlan> web_servers;
  std::vector<Happening> happenings;
  Ledger::Rules rules;
  // With more than one site and one pool:
  bool furnished = false;
  House::State house;
  bool reloaded = false;        // it is refurnished meanwhile
  bool pools_may_move = false;  // a reload may give the second pool another address, or take it away
};

Theme draw_theme(Random& random);
// Web servers beside the HTTP clients, in a part of the runs; by a chance of their own, so that a seed's
// other actors are what they were.
void add_web_servers(Scenario& s, Random& random, Time start);
// `seed`: for what has its own chance. `plain`: one site, one pool, whatever the seed.
Scenario make_scenario(Theme theme, Random& random, Time start, std::uint64_t seed, bool plain);

}  // namespace holdfast::sim

// One run: the whole proxy (a Worker, unchanged) between simulated clients and a simulated application,
// driven by one seed. Checks after each step what must always hold, and at the end that everything came to an
// end.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "answer_judge.h"
#include "ceilings.h"
#include "client.h"
#include "fake_network.h"
#include "fake_spill.h"
#include "house.h"
#include "log_reader.h"
#include "php_app.h"
#include "proxy/observe/access_log.h"
#include "proxy/observe/log.h"
#include "proxy/worker/worker.h"
#include "scenario.h"

namespace holdfast::sim {

class World final : public WorkerHost {
 public:
  // What the seed says; `plain`: with one site and one pool, whatever it says of more.
  World(std::uint64_t seed, bool plain, bool verbose);
  ~World();

  // Empty, or what went wrong first.
  std::string run();
  const Ledger& ledger() const { return ledger_; }
  Theme theme() const { return scenario_.theme; }
  // Adds what this run has met, by name: outcomes, close reasons, retries and the like.
  void count_into(std::map<std::string, std::uint64_t>& met) const;

  // --- WorkerHost
  bool on_listening(const Listeners&, const config::Config&, std::string&) override { return true; }
  config::Snapshot load_again(std::string&) override { return nullptr; }
  void on_reloaded(const config::Config&) override {}
  void on_done() override { told_done_ = true; }

 private:
  World(std::uint64_t seed, Theme theme, bool plain, bool verbose);
  bool ok() const { return universe_.failure.empty(); }
  template <typename Condition>
  void run_until(Condition condition, Duration limit, const std::string& what);
  bool step();
  Time next_time() const;
  void act(bool one_only);
  bool draw_web_servers(std::uint64_t seed);
  void open_log(std::uint64_t seed);
  void check_log();
  void happen();
  void carry_out(const Happening& happening);
  void reload();
  void take_over(config::Config changed);
  void freeze_or_thaw(bool thaw);
  void check();
  bool clients_finished() const;
  std::string unfinished() const;
  bool pool_at_rest() const;
  void ask_once_more();
  void check_lesson();
  void end_phase();
  // world_house.cpp
  void make_apps();
  PhpApp& any_app();
  void refurnish();
  void note_reload(const House::State& before, const House::State& after, const config::Config& changed);
  void note_descriptors();
  void check_house_at_end();
  void count_reloads(std::map<std::string, std::uint64_t>& met) const;
  void count_house(std::map<std::string, std::uint64_t>& met) const;

  Universe universe_;
  Ledger ledger_;
  Scenario scenario_;
  bool with_web_servers_;
  House house_;
  AnswerJudge judge_;
  FakeNetwork network_;
  FakeSpill spill_;
  Ceilings ceilings_;
  std::vector<std::unique_ptr<PhpApp>> apps_;
  std::vector<std::string> addresses_;  // of the applications
  std::unique_ptr<Log> log_;
  LogReader* log_reader_ = nullptr;  // of the log, where this run has one
  AccessLog access_log_;
  std::unique_ptr<Worker> worker_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<WebServer>> web_servers_;
  std::vector<Actor*> actors_;
  std::vector<Happening> happenings_;  // to come, the last one first
  // Reloads that have changed this.
  struct ReloadsMet {
    std::uint64_t a_site_comes = 0, a_site_goes = 0, a_paths_site = 0, a_pool_comes = 0, a_pool_goes = 0,
                  another_address = 0, another_name = 0, gzip = 0, max_connections = 0;
  } reloads_met_;
  std::size_t descriptors_before_ = 0;
  std::size_t steps_ = 0;
  std::vector<std::shared_ptr<Link>> frozen_;
  bool thawing_ = false;
  bool turn_wanted_ = false;
  bool terminated_ = false;
  bool told_done_ = false;
};

}  // namespace holdfast::sim

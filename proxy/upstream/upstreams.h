// The side of php-fpm as a whole: all pools, those of the configuration and those that a reload has replaced,
// and the exchanges that run on them. Acts on what the mailbox brings. Owned by Worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/snapshot.h"
#include "proxy/loop/context.h"
#include "proxy/upstream/exchange_table.h"
#include "proxy/upstream/mailbox.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

class Upstreams {
 public:
  // Both outlive it.
  Upstreams(Context& context, Mailbox& mailbox);
  ~Upstreams();
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;

  void start();
  // Of pools that go: whose they are now who wait for them (config::pool_successors()).
  using Successors = std::unordered_map<std::string, std::string>;
  // The pools of a new configuration: one that goes on keeps its connections. How many did.
  std::size_t reload(const std::vector<config::Pool>& next, const Successors& successors);

  // In the order of the configuration in force.
  std::vector<Upstream*> all() const;
  Upstream* find(const std::string& name) const;

  // --- driver, at the end of a loop turn
  void on_time();
  // Commands, decisions of the pools, deliveries: until all is quiet.
  void run();
  void erase_closed();
  std::optional<core::Time> next_deadline() const;

  // --- the server's end
  // Nobody could say resume any more: those who wait are served.
  void serve_the_last();
  // No client is left: closes what there is; `at_once`: what still runs, too. True when nothing is left.
  [[nodiscard]] bool shut_down(bool at_once);

  // nullptr, or which invariant does not hold.
  const char* check() const;
  void check_and_tell();

 private:
  bool act_on_commands();
  void act_on(Command& command);
  void submit(Command& command);
  void refuse(ExchangeId id);
  struct Reloaded {
    std::unordered_map<std::string, std::unique_ptr<Upstream>> pools;
    std::unordered_set<std::string> fresh;  // names that no pool had before
  };
  void hand_over(const std::string& name, Upstream& gone, const Successors& successors,
                 const Reloaded& reloaded);
  std::unique_ptr<Upstream> take_for(const config::Pool& next, const std::vector<config::Pool>& all);
  template <typename Visit>
  void each(const Visit& visit) const;

  Context& context_;
  Mailbox& mailbox_;
  ExchangeTable exchanges_;
  std::unordered_map<std::string, std::unique_ptr<Upstream>> pools_;
  // Replaced by a reload; go when their last connection and exchange have gone.
  std::vector<std::unique_ptr<Upstream>> retired_;
  std::vector<Command> commands_;  // kept for its memory
};

}  // namespace holdfast

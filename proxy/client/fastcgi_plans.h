// Which pool a web server's request goes to: what Dispatcher is for HTTP. One object a configuration
// snapshot, immutable. What it plans with stays as long as a plan refers to it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/fastcgi_listener.h"
#include "config/snapshot.h"
#include "fastcgi/param_list.h"
#include "proxy/client/dispatcher.h"

namespace holdfast {

class FastcgiPlans {
 public:
  // A listener, and what its pools look like to a request: a site without files.
  struct Listening {
    const config::FastcgiListener* listener = nullptr;
    std::string text;                 // its address, for the log
    std::vector<config::Site> sites;  // one for each rule, as listener->when, and one where none matches
  };

  // `listeners`: of `config`.
  FastcgiPlans(config::Snapshot config, const std::vector<config::FastcgiListener>& listeners);

  ~FastcgiPlans();

  // nullptr: the configuration has no such listener.
  const Listening* find(const config::Address& address) const;

 private:
  config::Snapshot config_;
  std::vector<Listening> all_;
};

// `params` is taken when php is asked; it outlives the plan. `plans` owns `listening`.
Plan plan_of(std::shared_ptr<const FastcgiPlans> plans, const FastcgiPlans::Listening& listening,
             fastcgi::ParamList& params);

}  // namespace holdfast

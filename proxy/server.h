// From a configuration to a running server: makes network, logs and worker, and runs until it is stopped.
#pragma once

#include "config/config.h"

namespace holdfast {

// What the command that starts the server adds to it.
class ServerHooks {
 public:
  // SIGHUP: the new snapshot, or nullptr and `error` to keep the old one.
  virtual config::Snapshot load_again(std::string& error) = 0;
  // Called once when it listens.
  virtual void on_started() {}

 protected:
  ~ServerHooks() = default;
};

// Serves until SIGTERM or SIGINT. Returns the exit status: 0, or 71 when it cannot start (the reason is
// logged).
int run_server(config::Snapshot config, ServerHooks& hooks);

}  // namespace holdfast

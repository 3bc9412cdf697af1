// From a configuration to a running server: makes network, logs and worker, and runs until it is stopped.
#pragma once

#include <string>
#include <vector>

#include "config/snapshot.h"

namespace holdfast {

class Log;

// What the command that starts the server adds to it. While it runs nothing may be written to stdout or
// stderr but through the log: their readers may have stopped, and everybody would wait for them.
class ServerHooks {
 public:
  // SIGHUP: the new snapshot, or nullptr and `error` to keep the old one.
  virtual config::Snapshot load_again(Log& log, std::string& error) = 0;
  // The files and folders that load_again() reads.
  virtual std::vector<std::string> sources() const { return {}; }
  // An error of the start, that names a key, as who runs the command knows it.
  virtual std::string in_its_words(const std::string& error) const { return error; }
  // Called once when it listens.
  virtual void on_started(Log&) {}

 protected:
  ~ServerHooks() = default;
};

// Serves until SIGTERM or SIGINT. Returns the exit status: 0; 71 when it cannot start, 78 when root is to keep
// root's group (the reason is logged).
int run_server(config::Snapshot config, ServerHooks& hooks);

}  // namespace holdfast

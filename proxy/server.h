// From a configuration to a running server: makes network, logs and worker, and runs until it is stopped.
#pragma once

#include <functional>

#include "config/config.h"

namespace holdfast {

// Serves until SIGTERM or SIGINT. `reloader`: gives the new snapshot on SIGHUP, nullptr to keep the old one.
// `on_started`: called once when it listens. Returns the exit status: 0, or 71 when it cannot start (the
// reason is logged).
int run_server(config::Snapshot config, std::function<config::Snapshot()> reloader,
               const std::function<void()>& on_started = {});

}  // namespace holdfast

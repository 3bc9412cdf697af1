// Wiring of one process.
#include "proxy/server.h"

#include <csignal>
#include <string>

#include "proxy/access_log.h"
#include "proxy/log.h"
#include "proxy/net/rlimit.h"
#include "proxy/net/spill_file.h"
#include "proxy/net/uv_network.h"
#include "proxy/service_manager.h"
#include "proxy/worker.h"

namespace holdfast {

namespace {
constexpr int kCannotStart = 71;  // EX_OSERR

// Those that would kill do not, before the loop listens to them and after: a rotation or a reload may come at
// any time. SIGPIPE: a log's reader that has gone is an error like others.
class QuietSignals {
 public:
  QuietSignals() { ignore(); }
  ~QuietSignals() { ignore(); }
  QuietSignals(const QuietSignals&) = delete;
  QuietSignals& operator=(const QuietSignals&) = delete;

 private:
  static void ignore() {
    for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) std::signal(number, SIG_IGN);
  }
};

class Host final : public WorkerHost {
 public:
  Host(net::UvNetwork& network, net::DiskSpillStore& spill, Log& log, ServerHooks& hooks)
      : network_(network), spill_(spill), log_(log), hooks_(hooks) {}
  config::Snapshot load_again(std::string& error) override { return hooks_.load_again(log_, error); }
  void on_reloaded(const config::Config& config) override {
    spill_.set_limits(config.buffers.spool_dir, config.buffers.spool_max);
  }
  void on_done() override { network_.stop(); }

 private:
  net::UvNetwork& network_;
  net::DiskSpillStore& spill_;
  Log& log_;
  ServerHooks& hooks_;
};

}  // namespace

int run_server(config::Snapshot config, ServerHooks& hooks) {
  const QuietSignals quiet;
  Log log(config->log.level);
  AccessLog access_log;
  std::string error;
  if (auto target = access_log.open(config->log, error)) {
    access_log.use(*std::move(target));
  } else {
    log.error(error);
    return kCannotStart;
  }
  net::UvNetwork network;
  net::DiskSpillStore spill(config->buffers.spool_dir, config->buffers.spool_max);
  Host host(network, spill, log, hooks);
  Worker worker(network, spill, log, access_log, std::move(config), host);
  worker.set_descriptor_limit(net::raise_fd_limit());
  for (const int signal_number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) {
    network.watch_signal(signal_number);
  }
  if (!worker.start(error)) {
    log.error(error);
    worker.give_up();
    network.stop();
    network.run();  // until the listeners that did open are closed
    return kCannotStart;
  }
  hooks.on_started(log);
  tell_service_manager("READY=1");
  network.run();
  return 0;
}

}  // namespace holdfast

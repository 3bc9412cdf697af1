// Wiring of one process.
#include "proxy/worker/server.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>

#include "config/buffers.h"
#include "config/config.h"
#include "config/log.h"
#include "config/roots_group.h"
#include "proxy/fpm/missing_rights.h"
#include "proxy/fpm/run_user.h"
#include "proxy/net/rlimit.h"
#include "proxy/net/spill_file.h"
#include "proxy/net/uv_network.h"
#include "proxy/observe/access_log.h"
#include "proxy/observe/log.h"
#include "proxy/posix/start_signals.h"
#include "proxy/worker/service_manager.h"
#include "proxy/worker/worker.h"

namespace holdfast {

namespace {
constexpr int kCannotStart = 71;       // EX_OSERR
constexpr int kBadConfiguration = 78;  // EX_CONFIG: not to be tried again

// Root gives itself up. False: it cannot, and was told to.
bool drop_privileges(const Listeners& listeners, const config::Config& config, const AccessLog& access_log,
                     const std::vector<std::string>& sources, Log& log, std::string& error) {
  if (::geteuid() != 0) {
    if (!config.user.empty()) log.info("user: is of no effect, this was not started by root");
    return true;
  }
  const std::optional<RunUser> user = choose_run_user(config, error);
  if (!user && !error.empty()) return false;
  if (!user || user->uid == 0) {
    log.warn(
        std::string("it serves as ROOT") + (user ? ", as user: says" : ": no user to become was found") +
        "; whoever can make a link or a file in a site has root's eyes. Set user: to an account that may "
        "read the sites, and nothing else");
    return true;
  }
  access_log.hand_over(user->uid, user->gid);
  listeners.give_to(user->uid, user->gid);
  for (const MissingRight& right : missing_rights(*user, config, sources)) log.warn(right.sentence());
  const Became became = become(*user, error);
  if (became == Became::halfway) return false;
  if (became == Became::unchanged) {
    if (!config.user.empty()) return false;
    log.warn(error + "; it serves as ROOT");
    error.clear();
    return true;
  }
  log.info("root no more: user " + user->name + " from here on (" + user->why + ")");
  return true;
}

class Host final : public WorkerHost {
 public:
  Host(net::UvNetwork& network, net::DiskSpillStore& spill, Log& log, AccessLog& access_log,
       const config::Config& config, ServerHooks& hooks)
      : network_(network),
        spill_(spill),
        log_(log),
        access_log_(access_log),
        hooks_(hooks),
        user_(config.user),
        group_(config.group) {}
  bool on_listening(const Listeners& listeners, const config::Config& config, std::string& error) override {
    return drop_privileges(listeners, config, access_log_, hooks_.sources(), log_, error);
  }
  config::Snapshot load_again(std::string& error) override { return hooks_.load_again(log_, error); }
  void on_reloaded(const config::Config& config) override {
    spill_.set_limits(config.buffers->spool_dir, config.buffers->spool_max);
    const std::string& folder = config.buffers->spool_dir;
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      log_.warn("buffers.spool_dir: " + folder + ": " + std::strerror(errno) + "; large bodies get 503");
    }
    if (config.user != user_ || config.group != group_)
      log_.warn("user and group: another one takes a restart");
  }
  void on_done() override { network_.stop(); }

 private:
  net::UvNetwork& network_;
  net::DiskSpillStore& spill_;
  Log& log_;
  AccessLog& access_log_;
  ServerHooks& hooks_;
  std::string user_, group_;  // of the start
};

}  // namespace

int run_server(config::Snapshot config, ServerHooks& hooks) {
  posix::hold_signals();
  own_standard_streams();
  Log log(config->log->level);
  if (::geteuid() == 0 && config::names_roots_group(config->user, config->group)) {
    log.error(
        "group: " + config->group +
        " is root's: it would keep what root's group may do; name another group, or leave group out for "
        "the user's own");
    return kBadConfiguration;
  }
  AccessLog access_log;
  std::string error;
  if (auto target = access_log.open(*config->log, error)) {
    access_log.use(*std::move(target));
  } else {
    log.error(error);
    return kCannotStart;
  }
  const ServiceManager service_manager;
  net::UvNetwork network;
  net::DiskSpillStore spill(config->buffers->spool_dir, config->buffers->spool_max);
  Host host(network, spill, log, access_log, *config, hooks);
  Worker worker(network, spill, log, access_log, std::move(config), host);
  worker.set_descriptor_limit(net::raise_fd_limit());
  for (const int signal_number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) {
    network.watch_signal(signal_number);
  }
  posix::release_signals();
  if (!worker.start(error)) {
    log.error(hooks.in_its_words(error));
    worker.give_up();
    network.stop();
    network.run();  // until the listeners that did open are closed
    posix::hold_signals();
    return kCannotStart;
  }
  hooks.on_started(log);
  service_manager.tell("READY=1");
  network.run();
  posix::hold_signals();  // what is left to end is ended in order
  return 0;
}

}  // namespace holdfast

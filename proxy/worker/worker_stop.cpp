// The worker: signals, and how it stops.
//
//   serving --SIGTERM--> delaying --shutdown.delay--> draining --nothing runs--> ending --last answers--> stopped
//                        /readyz fails,               the sites' listeners       the admin
//                        all is served                are closed                 endpoint, too
//
// A second signal cuts draining short.
#include <csignal>

#include "config/shutdown.h"
#include "proxy/worker/worker.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {
// The admin endpoint's last answers are on their way when all else has ended.
constexpr core::Duration kLastAnswers = 1s;
}  // namespace

void Worker::on_signal(int signal_number) {
  switch (signal_number) {
    case SIGHUP: on_hangup(); return;
    case SIGUSR1: reopen_access_log(); return;
    case SIGUSR2:
      context_.log.info("SIGUSR2: reloads, as SIGHUP does");
      on_hangup();
      return;
    default: break;
  }
  if (!stopping()) {
    shut_down();
    return;
  }
  context_.log.warn("second signal: cutting off what still runs");
  cut_reason_ = core::ClientCloseReason::second_signal;
  if (stop_ == Stop::delaying) drain();
  stop_deadline_ = now();
}

void Worker::shut_down() {
  stop_ = Stop::delaying;
  stop_deadline_ = now() + context_.shutdown_config().delay;
  upstreams_.serve_the_last();  // nobody could say resume any more
  if (context_.shutdown_config().delay > config::Duration::zero()) {
    context_.log.info("stopping: /readyz says so; new clients are served for shutdown.delay");
    return;
  }
  drain();
}

void Worker::drain() {
  stop_ = Stop::draining;
  accepting_ = false;
  stop_deadline_ = now() + context_.shutdown_config().grace;
  const bool hurried = cut_reason_ == core::ClientCloseReason::second_signal;
  context_.log.info(std::string("stopping: no new clients") +
                    (hurried ? "" : ", waiting for running requests"));
  listeners_.close_sites();
  for (auto& [id, client] : clients_) {
    if (client->role() == ClientConnection::Role::site) client->shut_down();
  }
}

void Worker::give_up() {
  stop_ = Stop::stopped;
  accepting_ = false;
  listeners_.close();
}

// Called at the end of each turn.
void Worker::go_on_stopping() {
  switch (stop_) {
    case Stop::serving:
    case Stop::stopped: return;
    case Stop::delaying:
      if (now() >= stop_deadline_) drain();
      return;
    case Stop::draining: finish_draining(); return;
    case Stop::ending: finish_ending(); return;
  }
}

void Worker::finish_draining() {
  const bool grace_over = now() >= stop_deadline_;
  if (grace_over && !cut_off_) {
    cut_off_ = true;
    if (client_connections() > 0) {
      const bool hurried = cut_reason_ == core::ClientCloseReason::second_signal;
      context_.log.warn((hurried ? "second signal: " : "shutdown.grace is over: ") +
                        std::to_string(client_connections()) + " clients are cut off");
    }
    for (auto& [id, client] : clients_) {
      if (client->role() == ClientConnection::Role::site) client->cut_off(cut_reason_);
    }
  }
  if (client_connections() > 0) return;
  if (!upstreams_.shut_down(grace_over)) return;
  stop_ = Stop::ending;
  stop_deadline_ = now() + kLastAnswers;
  listeners_.close();
  for (auto& [id, client] : clients_) client->shut_down();
  finish_ending();
}

void Worker::finish_ending() {
  if (now() >= stop_deadline_) {
    for (auto& [id, client] : clients_) client->cut_off(cut_reason_);
  }
  if (!clients_.empty()) return;
  stop_ = Stop::stopped;
  context_.network.set_wakeup(std::nullopt);
  context_.log.info("stopped");
  host_.on_done();
}

}  // namespace holdfast

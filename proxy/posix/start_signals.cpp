// See start_signals.h.
#include "proxy/posix/start_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace holdfast::posix {

namespace {

constexpr std::array kStops = {SIGTERM, SIGINT, SIGQUIT};
constexpr std::array kOthers = {SIGHUP, SIGUSR1, SIGUSR2};
constexpr std::array kFileSignals = {SIGPIPE, SIGXFSZ};

sigset_t stops() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : kStops) ::sigaddset(&set, number);
  return set;
}

sigset_t all() {
  sigset_t set = stops();
  for (const int number : kOthers) ::sigaddset(&set, number);
  return set;
}

void set_mask(int how, const sigset_t& set) {
  ::pthread_sigmask(how, &set, nullptr);
}

void end_now(int /*number*/) {
  ::_exit(0);
}

}  // namespace

void hold_signals() {
  set_mask(SIG_BLOCK, all());
}

void release_signals() {
  set_mask(SIG_UNBLOCK, all());
}

void stops_end_the_process() {
  for (const int number : kStops) std::signal(number, end_now);
  set_mask(SIG_UNBLOCK, stops());
}

bool stop_waits() {
  sigset_t waiting;
  ::sigemptyset(&waiting);
  ::sigpending(&waiting);
  for (const int number : kStops) {
    if (::sigismember(&waiting, number) == 1) return true;
  }
  return false;
}

void ignore_file_signals() {
  for (const int number : kFileSignals) std::signal(number, SIG_IGN);
}

void restore_signals_for_child() {
  for (const int number : kFileSignals) std::signal(number, SIG_DFL);
  for (const int number : kStops) std::signal(number, SIG_DFL);
  release_signals();
}

}  // namespace holdfast::posix

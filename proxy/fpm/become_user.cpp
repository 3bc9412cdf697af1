// Becoming another user, for good. Before any thread is started: capabilities are a thread's own.
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "proxy/fpm/run_user.h"

namespace holdfast {

namespace {

using Sets = std::array<__user_cap_data_struct, 2>;

bool get_capabilities(Sets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return ::syscall(SYS_capget, &header, sets.data()) == 0;
}

// All go but that to bind ports below 1024, where we have it.
bool limit_capabilities() {
  Sets sets{};
  if (!get_capabilities(sets)) return false;
  const std::uint32_t kept = sets[0].permitted & (1U << CAP_NET_BIND_SERVICE);
  sets = {};
  sets[0].permitted = sets[0].effective = kept;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

// What is changed before the user ID, to be put back where that one cannot be.
struct Groups {
  gid_t own = ::getegid();
  std::vector<gid_t> others;

  bool note() {
    const int count = ::getgroups(0, nullptr);
    if (count < 0) return false;
    others.resize(static_cast<std::size_t>(count));
    return ::getgroups(count, others.data()) == count;
  }
  bool put_back() const {
    return ::setresgid(own, own, own) == 0 &&
           (::setgroups(others.size(), others.data()) == 0 || others == noted_now());
  }

 private:
  static std::vector<gid_t> noted_now() {
    Groups now;
    return now.note() ? now.others : std::vector<gid_t>{};
  }
};

Became change(const RunUser& user) {
  Groups before;
  if (!before.note() || ::prctl(PR_SET_KEEPCAPS, 1) != 0) return Became::unchanged;
  if (!take_ids(user)) {
    const int why = errno;
    const bool as_before = ::geteuid() == 0 && ::prctl(PR_SET_KEEPCAPS, 0) == 0 && before.put_back();
    errno = why;
    return as_before ? Became::unchanged : Became::halfway;
  }
  const bool all = limit_capabilities() && ::prctl(PR_SET_KEEPCAPS, 0) == 0 &&
                   ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  return all ? Became::changed : Became::halfway;
}

// What the kernel was told, asked back: a mistake here must not go unnoticed.
bool holds(const RunUser& user) {
  uid_t real = 0, effective = 0, saved = 0;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  return ::getresuid(&real, &effective, &saved) == 0 && real == user.uid && effective == user.uid &&
         saved == user.uid && ::getresgid(&real_group, &effective_group, &saved_group) == 0 &&
         real_group == user.gid && effective_group == user.gid && saved_group == user.gid &&
         ::setuid(0) != 0 && ::setgid(0) != 0;
}

}  // namespace

bool take_ids(const RunUser& user) {
  return ::setgroups(user.groups.size(), user.groups.data()) == 0 &&
         ::setresgid(user.gid, user.gid, user.gid) == 0 && ::setresuid(user.uid, user.uid, user.uid) == 0;
}

Became become(const RunUser& user, std::string& error) {
  int parent_death_signal = 0;  // of a supervisor: the kernel forgets it with the change
  ::prctl(PR_GET_PDEATHSIG, &parent_death_signal);
  const std::string refusal = roots_group_refusal(user);
  if (!refusal.empty()) {
    error = refusal;
    return Became::unchanged;
  }
  const Became became = change(user);
  if (became != Became::changed) {
    error = "cannot become user " + user.name + ": " + std::strerror(errno);
    return became;
  }
  if (!holds(user)) {
    error = "cannot become user " + user.name + ": root could be had back";
    return Became::halfway;
  }
  ::prctl(PR_SET_PDEATHSIG, parent_death_signal);
  // php's scripts may be of the same user: they are not to read our memory, nor /proc/PID/fd.
  ::prctl(PR_SET_DUMPABLE, 0);
  return Became::changed;
}

}  // namespace holdfast

// Whom a server that was started as root becomes once its listeners are open: the user that the configuration
// names, else php-fpm's, else www-data. Chooses and becomes; what it says about it is the caller's to log.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/snapshot.h"

namespace holdfast {

struct RunUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary, `gid` among them; never root's for who is not root
  std::string why;            // "user: of the configuration", "the owner of /run/php/php-fpm.sock"
};

// By name or number; `group`: in place of its own one, empty: that. Nothing with a sentence in `error`.
std::optional<RunUser> find_run_user(const std::string& name, const std::string& group, std::string& error);

// Why nobody is to become this user: it is not root, and its group is root's. Empty: it may.
std::string roots_group_refusal(const RunUser& user);

// For a process that is root now. Nothing and `error`: the configuration names nobody there is, or the group
// is root's. Nothing and no error: there is no user to become. Root itself, where `user` says so.
std::optional<RunUser> choose_run_user(const config::Config& config, std::string& error);

// May this user do it, folders on the way included? One answer each: 0, or errno. For a process
// that is root, or this user. Nothing where it cannot be tried: root without the right to change its IDs.
struct Access {
  std::string path;
  int mode = 0;  // of access(2)
};
std::optional<std::vector<int>> try_access_as(const RunUser& user, const std::vector<Access>& wanted);

// For a child that is to run another program: its ids and groups alone.
[[nodiscard]] bool take_ids(const RunUser& user);

enum class Became : std::uint8_t {
  changed,
  unchanged,  // it may not: all is as before
  halfway,    // neither: nothing may be served so
};

// For good: no way back, not by a set-user-ID program either. Of the capabilities that to bind ports below
// 1024 stays, where there is one: a reload may open them. Else a sentence in `error`.
[[nodiscard]] Became become(const RunUser& user, std::string& error);

}  // namespace holdfast
